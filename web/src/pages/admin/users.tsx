// All users; a link leads to the details of each.
import { api, content, type Schemas, type User } from "../../api/client";
import { closeDialog, showDialog } from "../../parts/dialog";
import { Field, Form, textIn } from "../../parts/form";
import { Avatar } from "../../parts/person";
import { showSecret } from "../../parts/secret";
import { Part } from "../../parts/sections";
import { withRecentSignIn } from "../../parts/sign-in-again";
import { showToast } from "../../parts/toast";
import { query, setQuery } from "../../state/router";
import { users } from "../../state/session";
import { counted, statusText } from "../../state/texts";

export const ROLES = ["viewer", "member", "manager", "admin"].map(
  (role) => [role, statusText(role)] as const,
);
export const KINDS = [
  ["person", "Person"],
  ["service", "Program"],
] as const;

const MOST_ROWS = 200;

export function Users() {
  const text = query.value.get("q") ?? "";
  const state = query.value.get("state") ?? "active";
  const found = [...users.value.values()].filter((user) => matches(user, text, state));
  return (
    <Part
      title="Users"
      action={
        <button type="button" class="primary" onClick={invite}>
          Invite
        </button>
      }
    >
      <search class="searching">
        <input
          type="search"
          aria-label="Search users"
          placeholder="Name, username or e-mail address"
          value={text}
          onInput={(event) => setQuery({ q: event.currentTarget.value })}
        />
        <select
          aria-label="Which users"
          value={state}
          onChange={(event) => setQuery({ state: event.currentTarget.value })}
        >
          <option value="active">Active</option>
          <option value="deactivated">Deactivated</option>
          <option value="all">All</option>
        </select>
        <span class="hint" role="status">
          {counted(found.length, "user")}
        </span>
      </search>
      <ul class="rows">
        {found.slice(0, MOST_ROWS).map((user) => (
          <Row key={user.id} user={user} />
        ))}
      </ul>
      {found.length > MOST_ROWS && (
        <p class="hint">Only the first {MOST_ROWS} are shown. Search to find others.</p>
      )}
      {found.length === 0 && <p class="nothing">No user matches.</p>}
    </Part>
  );
}

function matches(user: User, text: string, state: string): boolean {
  if (state !== "all" && user.active !== (state === "active")) return false;
  const own = `${user.username} ${user.name} ${user.email ?? ""}`.toLocaleLowerCase();
  return text
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => own.includes(word));
}

function Row({ user }: { user: User }) {
  return (
    <li>
      <div class="named">
        <Avatar id={user.id} />
        <div>
          <p>
            <a href={`/admin/users/${user.username}`}>
              <bdi>{user.name}</bdi>
            </a>
          </p>
          <p class="hint">
            {user.username}
            {user.email && ` · ${user.email}`}
          </p>
        </div>
      </div>
      {user.kind === "service" && <span class="chip">Program</span>}
      {!user.active && <span class="chip late">Deactivated</span>}
      <span class="hint">{statusText(user.role)}</span>
    </li>
  );
}

function invite(): void {
  showDialog({
    title: "Invite somebody",
    content: () => (
      <Form action="Invite" send={create}>
        <Field
          label="Username"
          name="username"
          hint="3–40 of a–z, 0–9, dot, hyphen and underscore."
          autocomplete="off"
          maxLength={40}
          required
          autofocus
        />
        <Field label="Name" name="name" autocomplete="off" maxLength={100} required />
        <Field label="E-mail address" name="email" type="email" autocomplete="off" hint="Optional." />
        <Field label="Role" name="role" options={ROLES} value="member" />
        <Field
          label="Kind"
          name="kind"
          options={KINDS}
          value="person"
          hint="Programs use tokens, and get no link and no news."
        />
      </Form>
    ),
  });
}

async function create(data: FormData): Promise<void> {
  const body = {
    username: textIn(data, "username"),
    name: textIn(data, "name"),
    email: textIn(data, "email") || null,
    role: textIn(data, "role") as Schemas["Role"],
    kind: textIn(data, "kind") as Schemas["UserKind"],
  };
  const user = await content(api.POST("/api/v1/users", { body }));
  closeDialog();
  if (body.kind === "service") showToast({ text: `${body.name} is created. Make a token for it next.` });
  else await showLink(user as User);
}

// Makes a sign-in link, which also resets a password, and shows it.
export async function showLink({ id, name, username }: User): Promise<void> {
  const made = await withRecentSignIn(() =>
    content(api.POST("/api/v1/auth/links", { body: { user_id: id } })),
  );
  showSecret({
    title: `Sign-in link for ${name}`,
    label: `Link for ${username}`,
    secret: location.origin + made.path,
    note: "With it, this person chooses a password and signs in. It works once, within 7 days; a later link replaces it.",
  });
}
