// What was delivered to a webhook, with the last attempt of each.
import { useState } from "preact/hooks";
import { api, content, type Schemas } from "../../api/client";
import { useLoaded } from "../../parts/loaded";
import { Part } from "../../parts/sections";
import { showFailure, showToast } from "../../parts/toast";
import { When } from "../../parts/when";
import { query, setQuery } from "../../state/router";
import { counted } from "../../state/texts";
import type { Webhook } from "./webhooks";

type Delivery = Schemas["Delivery"];
type DeliveryState = Schemas["DeliveryState"];

const STATES: Record<DeliveryState, { text: string; chip: string }> = {
  delivered: { text: "Delivered", chip: "good" },
  pending: { text: "Pending", chip: "blocked" },
  failed: { text: "Failed", chip: "late" },
};

const PAGE = 50;

export function Deliveries({ webhook }: { webhook: Webhook }) {
  const state = (query.value.get("state") || undefined) as DeliveryState | undefined;
  const [older, setOlder] = useState<readonly Delivery[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const read = async (cursor?: string) => {
    const params = { path: { webhook_id: webhook.id }, query: { state, cursor, limit: PAGE } };
    const page = await content(api.GET("/api/v1/webhooks/{webhook_id}/deliveries", { params }));
    setNext(page.next);
    return page.items;
  };
  const [latest, reload] = useLoaded(() => {
    setOlder([]);
    return read();
  }, `${webhook.id} ${state}`);
  const readOlder = () =>
    read(next ?? undefined).then((items) => setOlder([...older, ...items]), showFailure);
  const shown = [...(latest ?? []), ...older];
  return (
    <Part
      title="Deliveries of the last 30 days"
      action={
        <span class="actions">
          <select
            aria-label="Which deliveries"
            value={state ?? ""}
            onChange={(event) => setQuery({ state: event.currentTarget.value })}
          >
            <option value="">All</option>
            {Object.entries(STATES).map(([name, { text }]) => (
              <option key={name} value={name}>
                {text}
              </option>
            ))}
          </select>
          <button type="button" onClick={reload}>
            Read again
          </button>
        </span>
      }
    >
      <ul class="rows">
        {shown.map((delivery) => (
          <Row key={delivery.id} delivery={delivery} onRepeat={() => repeat(webhook, delivery, reload)} />
        ))}
      </ul>
      {latest && !shown.length && <p class="nothing">No deliveries.</p>}
      {next && (
        <button type="button" onClick={readOlder}>
          Show older ones
        </button>
      )}
    </Part>
  );
}

function Row({ delivery, onRepeat }: { delivery: Delivery; onRepeat: () => void }) {
  const { text, chip } = STATES[delivery.state];
  const attempt = delivery.last_attempt;
  return (
    <li>
      <details>
        <summary>
          <span class={`chip ${chip}`}>{text}</span> <code>{delivery.kind}</code>{" "}
          <span class="hint">
            change {delivery.seq.toLocaleString()} · <When at={delivery.created_at} />
          </span>
        </summary>
        <p class="hint">
          Message <code>{delivery.id}</code> · {counted(delivery.attempts, "attempt")}
          {delivery.next_attempt_at && (
            <>
              {" "}
              · next <When at={delivery.next_attempt_at} />
            </>
          )}
        </p>
        {attempt && <Answer attempt={attempt} />}
      </details>
      <button type="button" aria-label={`Send change ${delivery.seq} again`} onClick={onRepeat}>
        Send again
      </button>
    </li>
  );
}

export function Answer({ attempt }: { attempt: Schemas["Attempt"] }) {
  return (
    <div class="form answer">
      <p>
        {attempt.status ? <strong>Status {attempt.status}</strong> : <strong>No answer</strong>}{" "}
        <span class="hint">
          <When at={attempt.at} />, after {attempt.duration_ms.toLocaleString()} ms
        </span>
      </p>
      {attempt.error && <p class="mistake">{attempt.error}</p>}
      {attempt.response && <pre>{attempt.response}</pre>}
    </div>
  );
}

async function repeat(webhook: Webhook, delivery: Delivery, onDone: () => Promise<void>): Promise<void> {
  const params = { path: { webhook_id: webhook.id, delivery_id: delivery.id } };
  try {
    await content(api.POST("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", { params }));
    showToast({ text: `Change ${delivery.seq} is being sent again.` });
    await onDone();
  } catch (failure) {
    showFailure(failure);
  }
}
