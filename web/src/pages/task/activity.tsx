// The log of a task, newest first.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { api, content, type Schemas, type Task } from "../../api/client";
import { Ago } from "../../parts/ago";
import { Avatar } from "../../parts/person";
import { showFailure } from "../../parts/toast";
import { nameOf } from "../../state/session";
import { describe } from "./history";
import type { TaskPage } from "./state";

type Entry = Schemas["Change"];

const PAGE = 20;
// The entries of the task that is shown; the fields say from them who has changed what.
const shown = signal<{ task: string; entries: readonly Entry[] }>({ task: "", entries: [] });

// Returns the last entry that changed a field.
export function lastChange(task: string, field: string): Entry | undefined {
  if (shown.value.task !== task) return undefined;
  return shown.value.entries.find((entry) => field in entry.after);
}

export function Activity({ page, task }: { page: TaskPage; task: Task }) {
  const [limit, setLimit] = useState(PAGE);
  const [hasMore, setMore] = useState(false);
  const { version, deleted_at } = task;
  const turn = page.turn.value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each turn is another entry
  useEffect(() => {
    let isCurrent = true;
    readEntries(task, limit).then(({ items, next }) => {
      if (!isCurrent) return;
      shown.value = { task: task.id, entries: items };
      setMore(next !== null);
    }, showFailure);
    return () => {
      isCurrent = false;
    };
  }, [task.id, version, limit, deleted_at, turn]);
  const entries = shown.value.task === task.id ? shown.value.entries : [];
  return (
    <section class="group" aria-label="Activity">
      <header>
        <h2>Activity</h2>
      </header>
      <ol class="entries">
        {entries.map((entry) => (
          <EntryItem key={entry.id} entry={entry} />
        ))}
      </ol>
      {hasMore && (
        <button
          type="button"
          class="quiet"
          onClick={() => setLimit(Math.min(limit * 3, 200))}
          disabled={limit === 200}
        >
          Show more
        </button>
      )}
    </section>
  );
}

function EntryItem({ entry }: { entry: Entry }) {
  const isText = entry.kind !== "task.created" && "description" in entry.after;
  return (
    <li>
      <Avatar id={entry.by} />
      <div>
        <strong>
          <bdi>{nameOf(entry.by)}</bdi>
        </strong>{" "}
        {describe(entry)}
        {entry.override && <>, overriding the rules</>}{" "}
        <span class="hint">
          <Ago at={entry.at} />
        </span>
        {entry.reason && <blockquote dir="auto">{entry.reason}</blockquote>}
        {isText && (
          <details>
            <summary>Before and after</summary>
            <div class="texts">
              <pre dir="auto">{String(entry.before.description || "(empty)")}</pre>
              <pre dir="auto">{String(entry.after.description || "(empty)")}</pre>
            </div>
          </details>
        )}
      </div>
    </li>
  );
}

function readEntries({ id, deleted_at }: Task, limit: number) {
  if (deleted_at)
    return content(api.GET("/api/v1/activity", { params: { query: { entity_id: id, limit } } }));
  return content(
    api.GET("/api/v1/tasks/{task_id}/activity", { params: { path: { task_id: id }, query: { limit } } }),
  );
}
