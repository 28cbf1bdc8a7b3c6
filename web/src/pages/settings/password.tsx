// Another password.
import { useState } from "preact/hooks";
import { api, content } from "../../api/client";
import { Field, Form, mistakeAt } from "../../parts/form";
import { Part } from "../../parts/sections";
import { showToast } from "../../parts/toast";
import { me } from "../../state/session";

export function Password() {
  const [turn, setTurn] = useState(0);
  const send = async (data: FormData) => {
    const [current_password, password, again] = ["current_password", "password", "again"].map((name) =>
      String(data.get(name)),
    ) as [string, string, string];
    if (password !== again) throw mistakeAt("again", "The two passwords differ.");
    await content(api.PUT("/api/v1/auth/password", { body: { current_password, password } }));
    setTurn(turn + 1); // a new form, without what was typed
    showToast({ text: "Your password is changed, and all your other sessions have ended." });
  };
  return (
    <Part title="Password" note="Changing it ends all your other sessions. Tokens go on working.">
      <Form key={turn} action="Change the password" send={send}>
        <input type="hidden" name="username" autocomplete="username" value={me.value.username} />
        <Field
          label="Present password"
          name="current_password"
          type="password"
          autocomplete="current-password"
          required
        />
        <Field
          label="New password"
          name="password"
          type="password"
          autocomplete="new-password"
          hint="At least 12 characters."
          minLength={12}
          maxLength={256}
          required
        />
        <Field label="The same again" name="again" type="password" autocomplete="new-password" required />
      </Form>
    </Part>
  );
}
