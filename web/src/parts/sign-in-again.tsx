// Asks to sign in again when the service wants a recent sign-in, and repeats the request with a new session.
//
// It lies on top of a dialog that may be open, so that what was typed there is kept. For the same reason, an
// identity provider is visited in a window of its own.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { api, content, type Schemas } from "../api/client";
import { ProblemError } from "../api/problems";
import { loadMe, me } from "../state/session";
import { Field, Form } from "./form";

type Methods = Schemas["SignInMethods"];

interface Question {
  methods: Methods;
  onEnd: (isSignedIn: boolean) => void;
}

const asked = signal<Question | null>(null);

export async function withRecentSignIn<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (failure) {
    if (!(failure instanceof ProblemError) || failure.problem.code !== "recent_sign_in_required")
      throw failure;
    const methods = await content(api.GET("/api/v1/auth/methods"));
    const isSignedIn = await new Promise<boolean>((resolve) => {
      asked.value = { methods, onEnd: resolve };
    });
    asked.value = null;
    if (!isSignedIn) throw failure;
    return request();
  }
}

export function SignInAgainHost() {
  return asked.value && <SignInAgain {...asked.value} />;
}

function SignInAgain({ methods, onEnd }: Question) {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => element.current?.showModal(), []);
  const cancel = (
    <button type="button" class="quiet" onClick={() => element.current?.close()}>
      Cancel
    </button>
  );
  return (
    <dialog ref={element} class="dialog" aria-labelledby="again-title" onClose={() => onEnd(false)}>
      <div class="dialog-body">
        <h2 id="again-title">Is it you, {me.value.name}?</h2>
        <p class="hint">You signed in a while ago. For this, sign in again.</p>
        {methods.is_linked && <AtProvider name={methods.provider} onEnd={onEnd} />}
        {methods.password ? (
          <WithPassword cancel={cancel} isFirst={!methods.is_linked} onEnd={onEnd} />
        ) : (
          <div class="actions">{cancel}</div>
        )}
      </div>
    </dialog>
  );
}

type Way = Pick<Question, "onEnd">;

function WithPassword({ cancel, isFirst, onEnd }: Way & { cancel: ComponentChildren; isFirst: boolean }) {
  const send = async (data: FormData) => {
    const body = { username: me.value.username, password: String(data.get("current_password")) };
    await content(api.POST("/api/v1/auth/sessions", { body }));
    onEnd(true);
  };
  return (
    <Form action="Continue" send={send} more={cancel}>
      <input type="hidden" name="username" autocomplete="username" value={me.value.username} />
      <Field
        label="Password"
        name="current_password"
        type="password"
        autocomplete="current-password"
        required
        autofocus={isFirst}
      />
    </Form>
  );
}

// Opens a window that goes to the provider and ends at `/signed-in`, which says so and closes it.
function AtProvider({ name, onEnd }: Way & { name: string | null }) {
  const { id } = me.value;
  useEffect(() => {
    const channel = new BroadcastChannel("signed-in");
    channel.onmessage = async () => {
      await loadMe();
      // Somebody else may have signed in there with a password.
      if (me.value.id === id) onEnd(true);
      else location.reload();
    };
    return () => channel.close();
  }, [id, onEnd]);
  const go = () => {
    const query = new URLSearchParams({ next: "/signed-in", user_id: id });
    window.open(`/api/v1/auth/oidc/start?${query}`, "sign-in", "popup,width=560,height=720");
  };
  return (
    <p>
      <button type="button" class="primary" autofocus onClick={go}>
        Sign in with {name}
      </button>
    </p>
  );
}
