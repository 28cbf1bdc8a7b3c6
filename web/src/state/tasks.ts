// The tasks that are known here: their confirmed state, and on top of it the changes that are on their way.
//
// Only answers and events change the confirmed state, and only to a newer version. What is shown is the
// confirmed state with the pending changes applied, so a change that is refused disappears by itself, and an
// event that arrives in between is not lost.
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { api, type Change, content, type Schemas, type Task } from "../api/client";
import { type Problem, ProblemError } from "../api/problems";
import { onChange } from "./events";
import { workflow } from "./session";

// What `PATCH /tasks/{id}` accepts. Statuses are those of the team's policy.
export type TaskChange = Omit<Schemas["TaskPatch"], "status" | "version"> & { status?: string };

// What is shown of a change before it is confirmed; `rank` is only good for sorting.
export type Preview = Partial<Task>;

interface Entry {
  confirmed: Signal<Task>;
  pending: Signal<readonly Preview[]>;
  shown: ReadonlySignal<Task>;
}

export type Outcome =
  | { kind: "done"; task: Task; before: Task }
  | { kind: "refused" | "stale" | "failed"; problem: Problem };

const entries = new Map<string, Entry>();

// Returns what to show of a task that has been put here.
export function taskSignal(id: string): ReadonlySignal<Task> {
  return entryOf(id).shown;
}

export function findTask(id: string): Task | undefined {
  return entries.get(id)?.shown.value;
}

export function confirmedTask(id: string): Task | undefined {
  return entries.get(id)?.confirmed.value;
}

export function isPending(id: string): boolean {
  return (entries.get(id)?.pending.value.length ?? 0) > 0;
}

// Returns the ids of the known tasks for which this holds.
export function idsWhere(holds: (task: Task) => boolean): string[] {
  return [...entries].filter(([, entry]) => holds(entry.confirmed.peek())).map(([id]) => id);
}

// Takes over what the service has answered. An older version changes nothing; the same version may bring
// what depends on other tasks and on the time.
export function putTasks(tasks: Iterable<Task>): void {
  for (const task of tasks) {
    const entry = entries.get(task.id);
    if (!entry) entries.set(task.id, newEntry(task));
    else if (task.version >= entry.confirmed.peek().version)
      entry.confirmed.value = { ...entry.confirmed.peek(), ...task };
  }
}

function newEntry(task: Task): Entry {
  const confirmed = signal(task);
  const pending = signal<readonly Preview[]>([]);
  const shown = computed<Task>(() => Object.assign({}, confirmed.value, ...pending.value));
  return { confirmed, pending, shown };
}

function entryOf(id: string): Entry {
  const entry = entries.get(id);
  if (!entry) throw new Error(`The task ${id} is not known.`);
  return entry;
}

// Sends a change and shows it until the answer is there. With `version`, it is made only if the task is
// still what people here have seen.
export async function changeTask(
  id: string,
  change: TaskChange,
  { preview = {}, version }: { preview?: Preview; version?: number } = {},
): Promise<Outcome> {
  const entry = entryOf(id);
  const before = entry.confirmed.peek();
  entry.pending.value = [...entry.pending.peek(), preview];
  const outcome = await send(id, change, version);
  if (outcome.kind === "done") putTasks([outcome.task]);
  if (outcome.kind === "stale" && outcome.problem.current) putTasks([outcome.problem.current]);
  entry.pending.value = entry.pending.peek().filter((one) => one !== preview);
  return outcome.kind === "done" ? { ...outcome, before } : outcome;
}

async function send(id: string, change: TaskChange, version?: number): Promise<Outcome> {
  try {
    const body = { ...change, version } as Schemas["TaskPatch"];
    const task = await content(
      api.PATCH("/api/v1/tasks/{task_id}", { params: { path: { task_id: id } }, body }),
    );
    return { kind: "done", task: task as Task, before: task as Task };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const { problem } = error;
    const kind = problem.code === "stale" ? "stale" : problem.reasons?.length ? "refused" : "failed";
    return { kind, problem };
  }
}

export interface TaskListener {
  // Called at once for a task whose change could be taken from the event.
  onApplied?: (id: string) => void;
  // Called a moment later with the ids of all tasks that may have changed, so that many are read at once. A task
  // also changes when one that it waits for does.
  onChanged: (ids: ReadonlySet<string>) => void;
}

export function onTaskChanges({ onApplied, onChanged }: TaskListener): () => void {
  let ids = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = onChange((change) => {
    if (change.entity !== "task") return;
    if (apply(change)) onApplied?.(change.entity_id);
    ids.add(change.entity_id);
    for (const id of idsWhere((task) => task.blocked_by.includes(change.entity_id))) ids.add(id);
    timer ??= setTimeout(() => {
      timer = undefined;
      const changed = ids;
      ids = new Set();
      onChanged(changed);
    }, GATHERING);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

const GATHERING = 30; // milliseconds
// The fields that the log has in the same form.
const APPLIED = [
  "status",
  "rank",
  "assignee_id",
  "priority",
  "title",
  "labels",
  "blocked_by",
  "parent_id",
] as const;

// Takes over what an event says about the next version of a known task; returns whether it is that.
function apply({ entity_id, version, after }: Change): boolean {
  const confirmed = entries.get(entity_id)?.confirmed;
  const before = confirmed?.peek();
  if (!confirmed || !before) return false;
  // Another listener may have done it.
  if (version === before.version) return true;
  if (version !== before.version + 1) return false;
  const fields = Object.fromEntries(
    APPLIED.filter((name) => name in after).map((name) => [name, after[name]]),
  );
  const category = "status" in fields ? categoryOf(String(fields.status)) : before.category;
  confirmed.value = { ...before, ...fields, category, version };
  return true;
}

// Returns what a status means; null if the policy does not define it.
export function categoryOf(status: string): Task["category"] {
  return workflow.value.statuses.find(({ name }) => name === status)?.category ?? null;
}
