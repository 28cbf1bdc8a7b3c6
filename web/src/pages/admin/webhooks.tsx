// All webhooks; a link leads to the deliveries of each.
import { api, content, type Schemas } from "../../api/client";
import { closeDialog, showDialog } from "../../parts/dialog";
import { Field, Form, mistakeAt, textIn } from "../../parts/form";
import { useLoaded } from "../../parts/loaded";
import { showSecret } from "../../parts/secret";
import { Part } from "../../parts/sections";
import { withRecentSignIn } from "../../parts/sign-in-again";
import { When } from "../../parts/when";
import { navigate } from "../../state/router";
import { projects } from "../../state/session";

export type Webhook = Schemas["WebhookRow"];

export const DISABLED: Record<Schemas["WebhookDisabled"], string> = {
  gone: "The service has disabled it, because the receiver answered 410 (gone).",
  failing: "The service has disabled it, because nothing was delivered for five days.",
  creator_inactive: "The service has disabled it, because the user who created it was deactivated.",
};

export async function loadWebhooks(): Promise<Webhook[]> {
  return (await content(api.GET("/api/v1/webhooks"))).items;
}

export function Webhooks() {
  const [webhooks, reload] = useLoaded(loadWebhooks);
  return (
    <Part
      title="Webhooks"
      note="The service sends each change to these addresses, signed."
      action={
        <button type="button" class="primary" onClick={() => create(reload)}>
          New webhook
        </button>
      }
    >
      <ul class="rows">
        {webhooks?.map((webhook) => (
          <Row key={webhook.id} webhook={webhook} />
        ))}
      </ul>
      {webhooks?.length === 0 && <p class="nothing">No webhooks.</p>}
    </Part>
  );
}

function Row({ webhook }: { webhook: Webhook }) {
  return (
    <li>
      <div>
        <p>
          <a href={`/admin/webhooks/${webhook.id}`}>{webhook.url}</a>
        </p>
        <p class="hint">
          {webhook.description && (
            <>
              <bdi>{webhook.description}</bdi> ·{" "}
            </>
          )}
          {webhook.kinds.join(", ")} · {webhook.project ?? "all projects"}
        </p>
      </div>
      <State webhook={webhook} />
    </li>
  );
}

export function State({ webhook }: { webhook: Webhook }) {
  if (!webhook.active) return <span class="chip late">Disabled</span>;
  if (!webhook.failing_since) return <span class="chip good">Active</span>;
  return (
    <span class="chip blocked">
      Failing since&nbsp;
      <When at={webhook.failing_since} />
    </span>
  );
}

const KIND_GROUPS = ["task.*", "comment.*", "project.*", "user.*", "view.*", "webhook.*", "token.*"];

// The fields of a new webhook, and of one that exists.
export function WebhookFields({ webhook }: { webhook?: Webhook }) {
  const keys = projects.value.map(({ key, name }) => [key, `${key} ${name}`] as const);
  return (
    <>
      <Field
        label="Address"
        name="url"
        type="url"
        value={webhook?.url}
        placeholder="https://example.com/hook"
        hint="http or https, at a public address unless the operator permits others."
        maxLength={2000}
        required
        autofocus={!webhook}
      />
      <Field
        label="Kinds of changes"
        name="kinds"
        value={(webhook?.kinds ?? ["*"]).join(", ")}
        hint={`* for all, ${KIND_GROUPS.join(", ")}, or single ones such as task.created; with commas between.`}
        required
      />
      <Field
        label="Project"
        name="project"
        options={[["", "All projects"], ...keys]}
        value={webhook?.project ?? ""}
      />
      <Field
        label="Description"
        name="description"
        value={webhook?.description}
        hint="Optional."
        maxLength={200}
      />
    </>
  );
}

export function webhookIn(data: FormData) {
  const kinds = textIn(data, "kinds").split(/[\s,]+/);
  return {
    url: textIn(data, "url"),
    kinds: kinds.filter(Boolean) as Webhook["kinds"],
    project: textIn(data, "project") || null,
    description: textIn(data, "description"),
  };
}

function create(onDone: () => Promise<void>): void {
  const send = async (data: FormData) => {
    const body = webhookIn(data);
    if (!body.kinds.length) throw mistakeAt("kinds", "Name at least one kind, or * for all.");
    const { id, secret } = await withRecentSignIn(() => content(api.POST("/api/v1/webhooks", { body })));
    await onDone();
    closeDialog();
    navigate(`/admin/webhooks/${id}`);
    showWebhookSecret(secret);
  };
  showDialog({
    title: "New webhook",
    content: () => (
      <Form action="Create" send={send}>
        <WebhookFields />
      </Form>
    ),
  });
}

export function showWebhookSecret(
  secret: string,
  note = "The receiver verifies every message with it.",
): void {
  showSecret({ title: "Secret of the webhook", label: "Secret", secret, note });
}
