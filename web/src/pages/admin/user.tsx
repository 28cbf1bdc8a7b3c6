// One user: the profile, whether it is active, and what it signs in with.
import { api, content, type Schemas, type User } from "../../api/client";
import { confirmFirst } from "../../parts/confirm";
import { Empty } from "../../parts/empty";
import { Field, Form, textIn } from "../../parts/form";
import { Avatar } from "../../parts/person";
import { Part } from "../../parts/sections";
import { withRecentSignIn } from "../../parts/sign-in-again";
import { showFailure, showToast } from "../../parts/toast";
import { navigate } from "../../state/router";
import { loadUsers, users } from "../../state/session";
import { AccountsOf } from "../settings/accounts";
import { Sessions } from "../settings/sessions";
import { Tokens } from "../settings/tokens";
import { KINDS, ROLES, showLink } from "./users";

export function UserDetails({ username }: { username: string }) {
  const user = [...users.value.values()].find((one) => one.username === username);
  if (!user)
    return (
      <Empty title={`No user is called ${username}`}>
        <a href="/admin">All users</a>
      </Empty>
    );
  return (
    <>
      <Part
        title={
          <span class="person">
            <Avatar id={user.id} /> <bdi>{user.name}</bdi>
            {!user.active && <span class="chip late">Deactivated</span>}
          </span>
        }
        action={<Actions user={user} />}
      >
        <Profile key={user.version} user={user} />
      </Part>
      <Sessions key={`sessions ${user.version}`} userId={user.id} name={user.name} />
      <AccountsOf key={`accounts ${user.version}`} userId={user.id} name={user.name} />
      <Tokens key={`tokens ${user.version}`} userId={user.id} name={user.name} />
    </>
  );
}

function Actions({ user }: { user: User }) {
  const setActive = async (active: boolean) => {
    await change(user, { active });
    showToast({ text: `${user.name} is ${active ? "active again" : "deactivated"}.` });
  };
  return (
    <span class="actions">
      {user.active && user.kind === "person" && (
        <button type="button" onClick={() => showLink(user).catch(showFailure)}>
          Make a sign-in link
        </button>
      )}
      {user.active ? (
        <button
          type="button"
          class="danger"
          onClick={() =>
            confirmFirst({
              title: `Deactivate ${user.name}?`,
              text: "All sessions end and all tokens stop working within a second. Tasks stay as they are.",
              action: "Deactivate",
              run: () => setActive(false),
            })
          }
        >
          Deactivate
        </button>
      ) : (
        <button type="button" onClick={() => setActive(true).catch(showFailure)}>
          Activate
        </button>
      )}
    </span>
  );
}

function Profile({ user }: { user: User }) {
  const send = async (data: FormData) => {
    const entered = {
      name: textIn(data, "name"),
      username: textIn(data, "username"),
      email: textIn(data, "email") || null,
      role: textIn(data, "role"),
      kind: textIn(data, "kind"),
    };
    const isOther = ([name, value]: [string, unknown]) => value !== user[name as keyof User];
    const changed = await change(user, Object.fromEntries(Object.entries(entered).filter(isOther)));
    navigate(`/admin/users/${changed.username}`, { replace: true });
    showToast({ text: `The profile of ${changed.name} is saved.` });
  };
  return (
    <Form action="Save" send={send}>
      <Field label="Name" name="name" value={user.name} maxLength={100} autocomplete="off" required />
      <Field
        label="Username"
        name="username"
        value={user.username}
        maxLength={40}
        autocomplete="off"
        hint="Mentions by the former name no longer find this user."
        required
      />
      <Field label="E-mail address" name="email" type="email" value={user.email ?? ""} autocomplete="off" />
      <Field label="Role" name="role" options={ROLES} value={user.role} />
      <Field label="Kind" name="kind" options={KINDS} value={user.kind} />
    </Form>
  );
}

// With the version, so that what another admin has changed meanwhile is not lost.
async function change(user: User, changes: Schemas["UserPatch"]): Promise<User> {
  const params = { path: { user_id: user.id } };
  const body = { ...changes, version: user.version };
  const changed = await withRecentSignIn(() =>
    content(api.PATCH("/api/v1/users/{user_id}", { params, body })),
  );
  await loadUsers();
  return changed as User;
}
