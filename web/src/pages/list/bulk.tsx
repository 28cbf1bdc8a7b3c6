// Changes of many tasks at once. What would happen is shown first, and what is refused does not stop the rest.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, content, type Schemas, type Task } from "../../api/client";
import { explain } from "../../api/problems";
import { labelOptions, NOBODY, PAUSE, people } from "../../parts/choices";
import { closeDialog, showDialog } from "../../parts/dialog";
import { askForDue } from "../../parts/due";
import { announce } from "../../parts/live";
import { type MenuItem, showMenu } from "../../parts/menu";
import { matching, showPicker } from "../../parts/picker";
import { showFailure, showToast } from "../../parts/toast";
import { mayManage, nameOf, workflow } from "../../state/session";
import { findTask } from "../../state/tasks";
import { counted, dueText, statusText } from "../../state/texts";
import type { Selection } from "./selection";

type Change = Partial<Pick<Task, "status" | "priority" | "assignee_id" | "due_date" | "labels">>;
type Operation = {
  op: "change" | "bin" | "restore";
  id: string;
  reason?: string;
  override?: boolean;
} & Change;

interface Plan {
  // "Move to In progress".
  label: string;
  operations: readonly Operation[];
  // What takes it back, for those that succeeded.
  undo: (task: Task) => Operation;
}

export function BulkBar({ chosen }: { chosen: Selection }) {
  const ids = [...chosen.ids.value];
  if (!ids.length) return null;
  return (
    <section class="bulk" aria-label="Selected tasks">
      <strong role="status">{counted(ids.length, "task")} selected</strong>
      <button
        type="button"
        class="primary"
        aria-haspopup="menu"
        onClick={(event) => editMany(event.currentTarget, ids)}
      >
        Edit
      </button>
      <button type="button" class="quiet" onClick={() => chosen.setAll([])}>
        Clear the selection
      </button>
    </section>
  );
}

export function editMany(anchor: HTMLElement, ids: readonly string[]): void {
  const tasks = ids.map(findTask).filter((task) => task !== undefined);
  const inBin = tasks.every((task) => task.deleted_at);
  const items = inBin
    ? [restoring(tasks)]
    : [...FIELDS.map(({ label, ask }) => ({ label, run: () => ask(tasks) }))];
  showMenu(anchor, `Edit ${counted(tasks.length, "task")}`, items);
}

const restoring = (tasks: readonly Task[]): MenuItem => ({
  label: "Restore from the bin",
  run: () =>
    show({
      label: "Restore from the bin",
      operations: tasks.map(({ id }) => ({ op: "restore", id })),
      undo: ({ id }) => ({ op: "bin", id }),
    }),
});

const FIELDS: readonly { label: string; ask: (tasks: readonly Task[]) => void }[] = [
  { label: "Status…", ask: askForStatus },
  { label: "Priority…", ask: askForPriority },
  { label: "Assignee…", ask: askForAssignee },
  { label: "Add a label…", ask: (tasks) => askForLabel(tasks, true) },
  { label: "Remove a label…", ask: (tasks) => askForLabel(tasks, false) },
  { label: "Due date…", ask: askForDueDate },
  {
    label: "Move to the bin…",
    ask: (tasks) =>
      show({
        label: "Move to the bin",
        operations: tasks.map(({ id }) => ({ op: "bin", id })),
        undo: ({ id }) => ({ op: "restore", id }),
      }),
  },
];

// Plans the same kind of change for every task.
function change(label: string, tasks: readonly Task[], changeOf: (task: Task) => Change): void {
  const names = Object.keys(changeOf(tasks[0] as Task)) as (keyof Change)[];
  show({
    label,
    operations: tasks.map((task) => ({ op: "change", id: task.id, ...changeOf(task) })),
    undo: (task) => ({
      op: "change",
      id: task.id,
      ...Object.fromEntries(names.map((name) => [name, task[name]])),
    }),
  });
}

function askForStatus(tasks: readonly Task[]): void {
  const options = workflow.value.statuses.map(({ name }) => ({ id: name, label: statusText(name) }));
  showPicker({
    title: "Status",
    label: "Status",
    find: (text) => matching(options, text),
    onPick: ({ id: status, label }) => change(`Move to ${label}`, tasks, () => ({ status })),
  });
}

function askForPriority(tasks: readonly Task[]): void {
  const options = workflow.value.priorities
    .toReversed()
    .map((name) => ({ id: name, label: statusText(name) }));
  showPicker({
    title: "Priority",
    label: "Priority",
    find: (text) => matching(options, text),
    onPick: ({ id }) =>
      change(`Set the priority to ${id}`, tasks, () => ({ priority: id as Task["priority"] })),
  });
}

function askForAssignee(tasks: readonly Task[]): void {
  showPicker({
    title: "Assignee",
    label: "Name or username",
    find: (text) => people(text, () => false),
    onPick: ({ id }) => {
      const assignee_id = id === NOBODY ? null : id;
      change(`Assign to ${nameOf(assignee_id)}`, tasks, () => ({ assignee_id }));
    },
  });
}

function askForLabel(tasks: readonly Task[], isOn: boolean): void {
  const present = [...new Set(tasks.flatMap((task) => task.labels))].map((label) => ({ id: label, label }));
  showPicker({
    title: isOn ? "Add a label" : "Remove a label",
    label: "Label",
    pause: isOn ? PAUSE : 0,
    find: (text) => (isOn ? labelOptions(text, []) : matching(present, text)),
    onPick: ({ id: label }) =>
      change(isOn ? `Add the label ${label}` : `Remove the label ${label}`, tasks, (task) => {
        const others = task.labels.filter((one) => one !== label);
        return { labels: isOn ? [...others, label] : others };
      }),
  });
}

function askForDueDate(tasks: readonly Task[]): void {
  askForDue("Due date", null, (due_date) =>
    change(due_date ? `Set the due date to ${dueText(due_date)}` : "Remove the due date", tasks, () => ({
      due_date,
    })),
  );
}

function show(plan: Plan): void {
  // The dialog of the choice has to be gone first.
  setTimeout(() => showDialog({ title: plan.label, content: () => <Trial plan={plan} />, wide: true }));
}

interface Checked {
  possible: readonly Operation[];
  refused: readonly { operation: Operation; detail: string; asksForReason: boolean; overridable: boolean }[];
}

// Shows what would happen, and does it.
function Trial({ plan }: { plan: Plan }) {
  const checked = useSignal<Checked | null>(null);
  const failure = useSignal("");
  const reason = useSignal("");
  const override = useSignal(false);
  const check = async () => {
    try {
      checked.value = await tryOut(
        plan.operations.map((one) => withReason(one, reason.peek(), override.peek())),
      );
    } catch (error) {
      failure.value = explain(error);
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => void check(), []);
  if (failure.value)
    return (
      <p class="failure" role="alert">
        {failure.value}
      </p>
    );
  if (!checked.value) return <p class="hint">Checking…</p>;
  const { possible, refused } = checked.value;
  const [count, all] = [possible.length, plan.operations.length];
  const asksForReason = refused.some((one) => one.asksForReason) || reason.value !== "";
  const canOverride = mayManage.value && (refused.some((one) => one.overridable) || override.value);
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void carryOut(plan, possible).catch((error) => {
          failure.value = explain(error);
        });
      }}
    >
      <p role="status">
        <strong>
          {count} of {counted(all, "task")} would change
        </strong>
        {refused.length > 0 && `; ${refused.length} would be refused:`}
      </p>
      {refused.length > 0 && (
        <ul class="bulk-refusals">
          {refused.map(({ operation, detail }) => {
            const task = findTask(operation.id);
            return (
              <li key={operation.id}>
                <span class="key">{task?.key}</span> <bdi>{task?.title}</bdi>
                <p class="hint">{detail}</p>
              </li>
            );
          })}
        </ul>
      )}
      {(asksForReason || canOverride) && (
        <label>
          Reason
          <input
            maxLength={1000}
            value={reason.value}
            onInput={(event) => (reason.value = event.currentTarget.value)}
          />
        </label>
      )}
      {canOverride && (
        <label class="check">
          <input
            type="checkbox"
            checked={override.value}
            onChange={(event) => (override.value = event.currentTarget.checked)}
          />
          Override the rules where I may
        </label>
      )}
      <div class="actions">
        <button type="button" class="quiet" onClick={closeDialog}>
          Cancel
        </button>
        {(asksForReason || canOverride) && (
          <button type="button" onClick={() => void check()}>
            Check again
          </button>
        )}
        <button type="submit" class="primary" disabled={count === 0}>
          Change {counted(count, "task")}
        </button>
      </div>
    </form>
  );
}

function withReason(operation: Operation, reason: string, override: boolean): Operation {
  if (operation.op !== "change" && !reason) return operation;
  return { ...operation, ...(reason && { reason }), ...(override && { override }) };
}

async function run(operations: readonly Operation[], dry_run: boolean): Promise<Schemas["BulkResult"][]> {
  const body = { mode: "each", operations } as unknown as Schemas["BulkByOperations"];
  const params = { query: { dry_run } };
  return (await content(api.POST("/api/v1/tasks/bulk", { params, body }))).results;
}

const succeeded = (result: Schemas["BulkResult"] | undefined) => result !== undefined && result.status < 400;

async function tryOut(operations: readonly Operation[]): Promise<Checked> {
  const results = await run(operations, true);
  const possible = operations.filter((_, place) => succeeded(results[place]));
  const refused = operations.flatMap((operation, place) => {
    const result = results[place];
    if (!result || !("problem" in result)) return [];
    const reasons = result.problem.reasons ?? [];
    return {
      operation,
      detail: result.problem.detail,
      asksForReason: reasons.some(
        (one) => one.fix?.action === "give_reason" || one.code === "urgent_needs_due_date",
      ),
      overridable: reasons.some((one) => one.overridable),
    };
  });
  return { possible, refused };
}

async function carryOut(plan: Plan, operations: readonly Operation[]): Promise<void> {
  const before = new Map(operations.map(({ id }) => [id, findTask(id) as Task]));
  const results = await run(operations, false);
  const done = operations.filter((_, place) => succeeded(results[place]));
  closeDialog();
  const refused = operations.length - done.length;
  const text = `${plan.label}: ${counted(done.length, "task")}${refused ? `; ${refused} refused` : ""}`;
  announce(text);
  showToast({
    text,
    action: { label: "Undo", run: () => void takeBack(plan, done, before).catch(showFailure) },
  });
}

async function takeBack(
  plan: Plan,
  done: readonly Operation[],
  before: ReadonlyMap<string, Task>,
): Promise<void> {
  const reason = done[0]?.reason;
  const operations = done.map(({ id }) => ({
    ...plan.undo(before.get(id) as Task),
    ...(reason && { reason }),
  }));
  const results = await run(operations, false);
  const back = results.filter(succeeded).length;
  const refused = results.length - back;
  showToast({
    text: `${counted(back, "task")} as before${refused ? `; the rules refuse it for ${refused}` : ""}`,
    kind: refused ? "failure" : "info",
  });
}
