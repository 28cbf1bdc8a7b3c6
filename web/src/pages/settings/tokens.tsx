// Tokens, with which programs call the API for a user.
import { useState } from "preact/hooks";
import { api, content, type Schemas } from "../../api/client";
import { confirmFirst } from "../../parts/confirm";
import { closeDialog, showDialog } from "../../parts/dialog";
import { Field, Form, mistakeAt, textIn } from "../../parts/form";
import { useLoaded } from "../../parts/loaded";
import { showSecret } from "../../parts/secret";
import { Part } from "../../parts/sections";
import { withRecentSignIn } from "../../parts/sign-in-again";
import { When } from "../../parts/when";

type Token = Schemas["Token"];
type Scope = Schemas["Scope"];

const SCOPES: readonly (readonly [Scope, string])[] = [
  ["tasks:read", "Read tasks, projects and the log"],
  ["tasks:write", "Change tasks and projects"],
  ["users:read", "Read users"],
  ["users:write", "Change users"],
  ["admin", "Webhooks, links, and other people's tokens"],
];

// Without `userId`, the tokens of the user who is signed in.
export function Tokens({ userId, name }: { userId?: string; name?: string }) {
  const [tokens, reload] = useLoaded(async () => {
    const params = { query: { user_id: userId } };
    return (await content(api.GET("/api/v1/tokens", { params }))).items;
  }, userId);
  const create = () =>
    showDialog({
      title: name ? `New token for ${name}` : "New token",
      content: () => <NewToken userId={userId} onDone={reload} />,
    });
  return (
    <Part
      title="Tokens"
      note={`Programs call the API with them, as ${name ?? "you"}.`}
      action={
        <button type="button" class="primary" onClick={create}>
          New token
        </button>
      }
    >
      <ul class="rows">
        {tokens?.map((token) => (
          <Row key={token.id} token={token} onRevoke={() => revoke(token, reload)} />
        ))}
      </ul>
      {tokens?.length === 0 && <p class="nothing">No tokens.</p>}
    </Part>
  );
}

function Row({ token, onRevoke }: { token: Token; onRevoke: () => void }) {
  return (
    <li>
      <div>
        <p>
          <strong>
            <bdi>{token.name}</bdi>
          </strong>
        </p>
        <p class="hint">
          {token.scopes?.join(", ") ?? "Everything that the role allows"} ·{" "}
          {token.last_used_at ? (
            <>
              last used <When at={token.last_used_at} />
            </>
          ) : (
            "never used"
          )}{" "}
          ·{" "}
          {token.expires_at ? (
            <>
              {Date.parse(token.expires_at) < Date.now() ? "expired" : "expires"}{" "}
              <When at={token.expires_at} />
            </>
          ) : (
            "never expires"
          )}
        </p>
      </div>
      <button type="button" class="danger" aria-label={`Revoke ${token.name}`} onClick={onRevoke}>
        Revoke
      </button>
    </li>
  );
}

function revoke(token: Token, onDone: () => Promise<void>): void {
  confirmFirst({
    title: `Revoke “${token.name}”?`,
    text: "Programs that use this token are refused within a second. It cannot be taken back.",
    action: "Revoke it",
    run: async () => {
      await content(api.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id: token.id } } }));
      await onDone();
    },
  });
}

const QUARTER = 90; // days

function NewToken({ userId, onDone }: { userId?: string; onDone: () => Promise<void> }) {
  const [isLimited, limit] = useState(false);
  const send = async (data: FormData) => {
    const scopes = data.getAll("scopes") as Scope[];
    if (isLimited && !scopes.length) throw mistakeAt("name", "Choose what the token may do.");
    const body = {
      name: textIn(data, "name"),
      scopes: isLimited ? scopes : null,
      expires_at: endOfDay(textIn(data, "expires_at")),
      user_id: userId,
    };
    const { name, token } = await withRecentSignIn(() => content(api.POST("/api/v1/tokens", { body })));
    await onDone();
    closeDialog();
    showSecret({
      title: "Your new token",
      label: `Token “${name}”`,
      secret: token,
      note: "Send it in the header Authorization: Bearer …",
    });
  };
  return (
    <Form action="Create" send={send}>
      <Field label="Name" name="name" hint="What it is for." maxLength={100} required autofocus />
      <Field
        label="Last day"
        name="expires_at"
        type="date"
        value={dayAfter(QUARTER)}
        min={dayAfter(0)}
        hint="Without a day, it never expires."
      />
      <fieldset>
        <legend>It may do</legend>
        <label>
          <input type="radio" name="access" checked={!isLimited} onChange={() => limit(false)} />
          Everything that the role allows
        </label>
        <label>
          <input type="radio" name="access" checked={isLimited} onChange={() => limit(true)} />
          Only some things
        </label>
        {isLimited && (
          <div class="choices">
            {SCOPES.map(([scope, text]) => (
              <label key={scope}>
                <input type="checkbox" name="scopes" value={scope} />
                <span>
                  <code>{scope}</code> {text}
                </span>
              </label>
            ))}
          </div>
        )}
      </fieldset>
    </Form>
  );
}

// Returns a day as the field of a date has it, in the time zone of this browser.
function dayAfter(days: number): string {
  const day = new Date();
  day.setDate(day.getDate() + days);
  return day.toLocaleDateString("sv-SE");
}

function endOfDay(day: string): string | null {
  return day ? new Date(`${day}T23:59:59`).toISOString() : null;
}
