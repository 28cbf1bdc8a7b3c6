// The user's own name and e-mail address.
import { api, content, type Schemas } from "../../api/client";
import { Field, Form, textIn } from "../../parts/form";
import { Part } from "../../parts/sections";
import { withRecentSignIn } from "../../parts/sign-in-again";
import { showToast } from "../../parts/toast";
import { loadMe, me } from "../../state/session";
import { statusText } from "../../state/texts";

export function Profile() {
  const { id, username, name, email, role } = me.value;
  const send = async (data: FormData) => {
    const body: Schemas["UserPatch"] = { name: textIn(data, "name") };
    // Only another address requires a recent sign-in.
    const address = textIn(data, "email") || null;
    if (address !== email) body.email = address;
    const params = { path: { user_id: id } };
    await withRecentSignIn(() => content(api.PATCH("/api/v1/users/{user_id}", { params, body })));
    await loadMe();
    showToast({ text: "Your profile is saved." });
  };
  return (
    <Part title="Profile" note={`You are ${username}. Your role: ${statusText(role)}.`}>
      <Form action="Save" send={send}>
        <Field label="Name" name="name" value={name} autocomplete="name" maxLength={100} required />
        <Field
          label="E-mail address"
          name="email"
          type="email"
          value={email ?? ""}
          autocomplete="email"
          hint="For the mails that you choose in the notifications. Only you and admins see it."
        />
      </Form>
    </Part>
  );
}
