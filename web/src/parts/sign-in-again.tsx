// Asks for the password when the service wants a recent sign-in, and repeats the request with a new session.
//
// It lies on top of a dialog that may be open, so that what was typed there is kept.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, content } from "../api/client";
import { ProblemError } from "../api/problems";
import { me } from "../state/session";
import { Field, Form } from "./form";

const asked = signal<((isSignedIn: boolean) => void) | null>(null);

export async function withRecentSignIn<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (failure) {
    if (!(failure instanceof ProblemError) || failure.problem.code !== "recent_sign_in_required")
      throw failure;
    const isSignedIn = await new Promise<boolean>((resolve) => {
      asked.value = resolve;
    });
    if (!isSignedIn) throw failure;
    return request();
  }
}

export function SignInAgainHost() {
  return asked.value && <SignInAgain answer={asked.value} />;
}

function SignInAgain({ answer }: { answer: (isSignedIn: boolean) => void }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => element.current?.showModal(), []);
  const end = (isSignedIn: boolean) => {
    asked.value = null;
    answer(isSignedIn);
  };
  const send = async (data: FormData) => {
    const body = { username: me.value.username, password: String(data.get("current_password")) };
    await content(api.POST("/api/v1/auth/sessions", { body }));
    end(true);
  };
  return (
    <dialog ref={element} class="dialog" aria-labelledby="again-title" onClose={() => end(false)}>
      <div class="dialog-body">
        <h2 id="again-title">Is it you, {me.value.name}?</h2>
        <p class="hint">You signed in a while ago. For this, type your password again.</p>
        <Form
          action="Continue"
          send={send}
          more={
            <button type="button" class="quiet" onClick={() => element.current?.close()}>
              Cancel
            </button>
          }
        >
          <input type="hidden" name="username" autocomplete="username" value={me.value.username} />
          <Field
            label="Password"
            name="current_password"
            type="password"
            autocomplete="current-password"
            required
            autofocus
          />
        </Form>
      </div>
    </dialog>
  );
}
