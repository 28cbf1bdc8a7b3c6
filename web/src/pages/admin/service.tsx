// The state of the service: its version, whether it is ready, and the end of the log.
import { api, content } from "../../api/client";
import { useLoaded } from "../../parts/loaded";
import { Part } from "../../parts/sections";
import { When } from "../../parts/when";

export function Service() {
  const [state, reload] = useLoaded(async () => {
    const [root, ready, head] = await Promise.all([
      content(api.GET("/", { headers: { Accept: "application/json" } })),
      fetch("/readyz").then((answer) => answer.ok),
      content(api.GET("/api/v1/feed/head")),
    ]);
    return { version: root.version, ready, head };
  });
  return (
    <Part
      title="Service"
      action={
        <button type="button" onClick={reload}>
          Ask again
        </button>
      }
    >
      {state && (
        <ul class="rows" aria-live="polite">
          <li>
            <span>Version</span> <span>{state.version}</span>
          </li>
          <li>
            <span>Database</span>
            {state.ready ? (
              <span class="chip good">Answers, and accepts writes</span>
            ) : (
              <span class="chip late">Not ready</span>
            )}
          </li>
          <li>
            <span>Changes in the log</span>
            <span>{state.head.seq.toLocaleString()}</span>
          </li>
          {state.head.at && (
            <li>
              <span>Last change</span> <When at={state.head.at} />
            </li>
          )}
          <li>
            <span>Hash of all changes</span> <code>{state.head.hash}</code>
          </li>
        </ul>
      )}
    </Part>
  );
}
