// What can be done about a refusal: for every action of the rule book, the buttons that do it. Each does its
// part, and then makes the attempt again.
import { api, content, type Schemas, type Task } from "../api/client";
import type { Fix } from "../api/problems";
import { askForText } from "../parts/dialog";
import { showFailure, showToast } from "../parts/toast";
import {
  type Attempt,
  attempt,
  binAttempt,
  moveAttempt,
  needTask,
  type Refused,
  restoreAttempt,
  retry,
} from "./attempts";
import { mayManage, me, openProjects, projects, users, workflow } from "./session";
import { putTasks, type TaskChange } from "./tasks";
import { statusText } from "./texts";

export interface FixButton {
  label: string;
  run?: () => void;
  // A link instead.
  href?: string;
  // A choice first: each of these is a way to do it.
  choices?: { label: string; run: () => void }[];
}

// Returns the buttons that deal with a reason of a refusal.
export function buttonsFor(fix: Fix, { attempt, again }: Refused): FixButton[] {
  if (fix.action === "choose_default_project") return [chooseDefault(again)];
  return attempt ? FIXES[fix.action](fix, attempt) : [];
}

type FixOf = (fix: Fix, attempted: Attempt) => FixButton[];

const FIXES: Record<Exclude<Fix["action"], "choose_default_project">, FixOf> = {
  change_status: ({ status }, attempted) => [stepFirst(String(status), attempted)],
  assign: (_, attempted) => assign(attempted),
  resolve_blockers: (fix, attempted) =>
    others(fix).flatMap(({ id, key }) => [
      open(key),
      close(id, key, "completed", attempted),
      { label: `Stop waiting for ${key}`, run: () => retry(attempted, withoutBlocker(attempted, id)) },
    ]),
  close_subtasks: (fix, attempted) =>
    others(fix).flatMap(({ id, key }) => [
      open(key),
      close(id, key, "completed", attempted),
      close(id, key, "cancelled", attempted),
    ]),
  finish_task: (fix, attempted) =>
    others(fix).flatMap(({ id, key }) => [open(key), close(id, key, "completed", attempted)]),
  lower_urgent: (fix, attempted) =>
    others(fix).flatMap(({ id, key }) => [open(key), lower(id, key, attempted)]),
  bin_subtasks: (fix, attempted) =>
    others(fix).flatMap(({ id, key }) => [
      open(key),
      button(`Move ${key} to the bin`, async () => {
        await attempt(binAttempt(await known(id), () => retry(attempted)));
      }),
    ]),
  reopen_parent: ({ task_id, task_key }, attempted) => [
    open(String(task_key)),
    button(`Reopen ${task_key}`, async () => reopen(await known(String(task_id)), attempted)),
  ],
  restore_parent: ({ task_id, task_key }, attempted) => [
    button(`Restore ${task_key}`, async () => {
      await attempt(restoreAttempt(await binned(String(task_id)), () => retry(attempted)));
    }),
  ],
  ask_another: (_, attempted) => [{ label: "Ask somebody in a comment", run: () => askSomebody(attempted) }],
  unarchive_project: ({ project }, attempted) => unarchive(String(project), attempted),
  // These are fields of the panel, not buttons.
  give_reason: () => [],
  set_due_date: () => [],
};

function button(label: string, run: () => Promise<unknown>): FixButton {
  return { label, run: () => void run().catch(showFailure) };
}

function open(key: string): FixButton {
  return { label: `Open ${key}`, href: `/tasks/${key}` };
}

function others(fix: Fix): { id: string; key: string }[] {
  return (fix.task_ids ?? []).map((id, at) => ({ id, key: fix.task_keys?.[at] ?? "the task" }));
}

// A task in the bin is only found in its list.
async function binned(id: string): Promise<Task> {
  const query = { id: [id], bin: true };
  const { items } = await content(api.GET("/api/v1/tasks", { params: { query: query as never } }));
  return (items as Task[])[0] ?? (await known(id));
}

async function known(id: string): Promise<Task> {
  const task = await needTask(id);
  putTasks([task]);
  return task;
}

// The first step on the way, with everything else that was already added to the attempt.
function stepFirst(status: string, attempted: Attempt): FixButton {
  const { rank: _, ...change } = attempted.change;
  const step = moveAttempt(attempted.task, status, {
    change: { ...change, status },
    undo: undefined,
    onProgress: attempted.onProgress,
    next: () => retry(attempted),
  });
  return { label: `Move to ${statusText(status)} first`, run: () => void attempt(step) };
}

function assign(attempted: Attempt): FixButton[] {
  const toMe = { label: "Assign to me", run: () => retry(attempted, { assignee_id: me.value.id }) };
  if (!mayManage.value) return [toMe];
  const people = [...users.value.values()].filter((user) => user.active && user.role !== "viewer");
  const choices = people.map((user) => ({
    label: user.name,
    run: () => retry(attempted, { assignee_id: user.id }),
  }));
  return [toMe, { label: "Assign to somebody else", choices }];
}

function withoutBlocker({ task, change }: Attempt, id: string): TaskChange {
  return { blocked_by: (change.blocked_by ?? task.blocked_by).filter((blocker) => blocker !== id) };
}

// Moves another task to the nearest status of a category, and then makes the attempt again.
function close(id: string, key: string, category: "completed" | "cancelled", attempted: Attempt): FixButton {
  const label = category === "completed" ? `Complete ${key}` : `Cancel ${key}`;
  return button(label, async () => {
    const status = workflow.value.statuses.find((one) => one.category === category)?.name;
    if (status) await attempt(onTheWay(await known(id), status, attempted));
  });
}

function onTheWay(task: Task, status: string, attempted: Attempt): Attempt {
  return moveAttempt(task, status, { next: () => retry(attempted) });
}

async function reopen(parent: Task, attempted: Attempt): Promise<void> {
  const { statuses } = workflow.value;
  const isOpen = (name: string) =>
    statuses.some((one) => one.name === name && /^(un)?started$/.test(one.category));
  const status = statuses.find(({ name }) => name === parent.status)?.transitions.find(isOpen);
  if (!status) throw new Error(`No transition leads back from ${parent.status}.`);
  await attempt(onTheWay(parent, status, attempted));
}

function lower(id: string, key: string, attempted: Attempt): FixButton {
  return button(`Lower ${key} to high`, async () => {
    const task = await known(id);
    const next = () => retry(attempted);
    const done = `The priority of ${key} is high`;
    await attempt({ task, change: { priority: "high" }, label: `Lower ${key}`, done, next });
  });
}

function askSomebody({ task, label }: Attempt): void {
  askForText({
    title: `Ask somebody about ${task.key}`,
    label: "Comment",
    hint: `Mention a person with @username. They can then do it: ${label}.`,
    action: "Comment",
    maxLength: 10_000,
    onAnswer: (text) => {
      const params = { path: { task_id: task.id } };
      content(api.POST("/api/v1/tasks/{task_id}/comments", { params, body: { text } })).then(
        () => showToast({ text: `Your comment on ${task.key} is there.` }),
        showFailure,
      );
    },
  });
}

function unarchive(project: string, attempted: Attempt): FixButton[] {
  const choices = openProjects.value.map(({ key, name }) => ({
    label: `${key} ${name}`,
    run: () => retry({ ...attempted, change: withoutRank(attempted.change) }, { project: key }),
  }));
  const another: FixButton = { label: "Move the task to another project", choices };
  const back = button(`Take ${project} out of the archive`, async () => {
    await patchProject(project, { archived: false });
    retry(attempted);
  });
  return mayManage.value ? [back, another] : [another];
}

function withoutRank({ rank: _, ...change }: TaskChange): TaskChange {
  return change;
}

function chooseDefault(again: () => void): FixButton {
  const candidates = projects.value.filter((project) => !project.default && !project.archived_at);
  const choices = candidates.map(({ key, name }) => ({
    label: `${key} ${name}`,
    run: () => void patchProject(key, { default: true }).then(again, showFailure),
  }));
  return { label: "Choose another default project", choices };
}

function patchProject(key: string, body: Schemas["ProjectPatch"]): Promise<unknown> {
  return content(api.PATCH("/api/v1/projects/{project_id}", { params: { path: { project_id: key } }, body }));
}
