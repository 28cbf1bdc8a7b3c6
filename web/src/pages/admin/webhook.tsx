// One webhook: its settings, its secret, and what was delivered.
import { useEffect } from "preact/hooks";
import { api, content, type Schemas } from "../../api/client";
import { confirmFirst } from "../../parts/confirm";
import { closeDialog, showDialog } from "../../parts/dialog";
import { Empty } from "../../parts/empty";
import { Field, Form, mistakeAt, textIn } from "../../parts/form";
import { useLoaded } from "../../parts/loaded";
import { type MenuItem, showMenu } from "../../parts/menu";
import { Part } from "../../parts/sections";
import { withRecentSignIn } from "../../parts/sign-in-again";
import { showFailure, showToast } from "../../parts/toast";
import { When } from "../../parts/when";
import { onChange } from "../../state/events";
import { navigate } from "../../state/router";
import { counted } from "../../state/texts";
import { Answer, Deliveries } from "./deliveries";
import {
  DISABLED,
  loadWebhooks,
  State,
  showWebhookSecret,
  type Webhook,
  WebhookFields,
  webhookIn,
} from "./webhooks";

export function WebhookDetails({ id }: { id: string }) {
  const [webhooks, reload] = useLoaded(loadWebhooks);
  useEffect(() => onChange((change) => change.entity_id === id && void reload()), [id, reload]);
  const webhook = webhooks?.find((one) => one.id === id);
  if (!webhooks) return <p class="loading">Loading…</p>;
  if (!webhook)
    return (
      <Empty title="There is no such webhook">
        <a href="/admin/webhooks">All webhooks</a>
      </Empty>
    );
  return (
    <>
      <Part
        title={webhook.url}
        note={
          <>
            <State webhook={webhook} /> Change {webhook.position.toLocaleString()} was considered last. The
            secret was made <When at={webhook.secret_changed_at} />.
          </>
        }
        action={<Actions webhook={webhook} onDone={reload} />}
      >
        {webhook.disabled_because && <p class="notice">{DISABLED[webhook.disabled_because]}</p>}
        {webhook.replay && (
          <p class="notice">
            The changes from {webhook.replay.since + 1} to {webhook.replay.until} are being sent again.
          </p>
        )}
        <Form key={webhook.version} action="Save" send={(data) => save(webhook, data).then(reload)}>
          <WebhookFields webhook={webhook} />
        </Form>
      </Part>
      <Deliveries webhook={webhook} />
    </>
  );
}

const at = (webhook: Webhook) => ({ params: { path: { webhook_id: webhook.id } } });

const change = (webhook: Webhook, body: Schemas["WebhookPatch"]) =>
  withRecentSignIn(() => content(api.PATCH("/api/v1/webhooks/{webhook_id}", { ...at(webhook), body })));

async function save(webhook: Webhook, data: FormData): Promise<void> {
  const body = { ...webhookIn(data), version: webhook.version };
  await change(webhook, body);
  showToast({ text: "The webhook is saved." });
}

function Actions({ webhook, onDone }: { webhook: Webhook; onDone: () => Promise<void> }) {
  const setActive = async (active: boolean) => {
    await change(webhook, { active, version: webhook.version });
    await onDone();
  };
  const items: MenuItem[] = [
    {
      label: webhook.active ? "Disable" : "Enable",
      run: () => setActive(!webhook.active).catch(showFailure),
    },
    { label: "Replace the secret…", run: () => rotate(webhook, onDone) },
    { label: "Send former changes again…", run: () => replay(webhook, onDone) },
    { label: "Delete…", danger: true, run: () => remove(webhook) },
  ];
  return (
    <span class="actions">
      <button type="button" onClick={() => test(webhook)}>
        Send a test
      </button>
      <button
        type="button"
        aria-haspopup="menu"
        onClick={(event) => showMenu(event.currentTarget, "Change the webhook", items)}
      >
        More
      </button>
    </span>
  );
}

async function test(webhook: Webhook): Promise<void> {
  try {
    const attempt = await content(api.POST("/api/v1/webhooks/{webhook_id}/test", at(webhook)));
    showDialog({ title: "The receiver's answer", content: () => <Answer attempt={attempt} /> });
  } catch (failure) {
    showFailure(failure);
  }
}

function rotate(webhook: Webhook, onDone: () => Promise<void>): void {
  confirmFirst({
    title: "Replace the secret?",
    text: "For 24 hours, messages are signed with both. Give the new secret to the receiver within them.",
    action: "Replace it",
    run: async () => {
      const { secret } = await withRecentSignIn(() =>
        content(api.POST("/api/v1/webhooks/{webhook_id}/rotate-secret", at(webhook))),
      );
      await onDone();
      return () => showWebhookSecret(secret, "The former one is valid for 24 more hours.");
    },
  });
}

function remove(webhook: Webhook): void {
  confirmFirst({
    title: "Delete the webhook?",
    text: `Nothing is sent to ${webhook.url} any more, and its deliveries are forgotten.`,
    action: "Delete it",
    run: async () => {
      await content(api.DELETE("/api/v1/webhooks/{webhook_id}", at(webhook)));
      navigate("/admin/webhooks");
    },
  });
}

function replay(webhook: Webhook, onDone: () => Promise<void>): void {
  const send = async (data: FormData) => {
    const [since, until] = ["since", "until"].map((name) => numberIn(data, name));
    const body = { since: (since ?? 1) - 1, until };
    await content(api.POST("/api/v1/webhooks/{webhook_id}/replay", { ...at(webhook), body }));
    await onDone();
    closeDialog();
    showToast({ text: "The changes are being sent again." });
  };
  showDialog({
    title: "Send former changes again",
    content: () => (
      <Form action="Send" send={send}>
        <p class="hint">
          Messages that were sent before keep their ids. So far there are{" "}
          {counted(webhook.position, "change")}.
        </p>
        <Field
          label="From the change with the number"
          name="since"
          type="number"
          value="1"
          min="1"
          required
        />
        <Field label="Up to" name="until" type="number" min="1" hint="Without a number, up to now." />
      </Form>
    ),
  });
}

function numberIn(data: FormData, name: string): number | undefined {
  const text = textIn(data, name);
  if (!text) return undefined;
  if (!/^\d+$/.test(text)) throw mistakeAt(name, "Enter a whole number.");
  return Number(text);
}
