// Changes that people make by hand, and what follows: done with a way back, refused with reasons that can be
// dealt with, or overtaken by somebody else's change.
import { signal } from "@preact/signals";
import { api, content, type Task } from "../api/client";
import type { Problem } from "../api/problems";
import { announce } from "../parts/live";
import { showToast } from "../parts/toast";
import { nameOf, workflow } from "./session";
import {
  categoryOf,
  changeTask,
  confirmedTask,
  findTask,
  type Outcome,
  type Preview,
  type TaskChange,
} from "./tasks";
import { fieldText, statusText } from "./texts";

export interface Attempt {
  task: Task;
  change: TaskChange;
  // What is done, for messages: "Move OPS-12 to In review".
  label: string;
  // What has been done: "OPS-12 is in In review". Without it, nothing is said.
  done?: string;
  preview?: Preview;
  // Only if the task still has this version.
  version?: number;
  // What puts it back.
  undo?: TaskChange;
  // How the change is sent, unless it is a change of fields.
  send?: (change: TaskChange) => Promise<Outcome>;
  // Called once the change is there: what was attempted before, or what comes next.
  next?: () => void;
  // Called whenever the change is on its way, or is not any more.
  onProgress?: () => void;
}

export interface Refused {
  // What was refused: "Move OPS-12 to In review".
  label: string;
  problem: Problem;
  // The change of a task, unless it was a change of something else.
  attempt?: Attempt;
  // Makes it again.
  again: () => void;
}

// The refusal that is shown.
export const refused = signal<Refused | null>(null);

export async function attempt(attempted: Attempt): Promise<boolean> {
  const outcome = await send(attempted);
  if (outcome.kind === "done") succeed(attempted);
  else if (outcome.kind === "refused") refuse(attempted, outcome.problem);
  else if (outcome.kind === "stale") await explainStale(attempted, outcome.problem);
  else fail(attempted, outcome.problem);
  return outcome.kind === "done";
}

// Attempts the same again, with more in the same command.
export function retry(attempted: Attempt, added: TaskChange = {}): void {
  const change = { ...attempted.change, ...added };
  const undo = attempted.undo && { ...attempted.undo, ...presentValues(attempted.task, added) };
  void attempt({ ...attempted, change, undo, version: undefined });
}

// Returns what puts back the fields that a change adds.
function presentValues(task: Task, { assignee_id, due_date, blocked_by }: TaskChange): TaskChange {
  const values: TaskChange = {};
  if (assignee_id !== undefined) values.assignee_id = task.assignee_id;
  if (due_date !== undefined) values.due_date = task.due_date;
  if (blocked_by !== undefined) values.blocked_by = task.blocked_by;
  return values;
}

async function send({ task, change, preview, version, send, onProgress }: Attempt): Promise<Outcome> {
  const sent = send ? send(change) : changeTask(task.id, change, { preview, version });
  onProgress?.();
  try {
    return await sent;
  } finally {
    onProgress?.();
  }
}

function succeed({ task, done, undo, next, onProgress }: Attempt): void {
  if (done) {
    announce(done);
    const back = undo && { label: "Undo", run: () => void takeBack(task, undo, onProgress) };
    if (back) showToast({ text: done, action: back });
  }
  next?.();
}

function takeBack(task: Task, undo: TaskChange, onProgress?: () => void): Promise<boolean> {
  const label = `Undo the change of ${task.key}`;
  return attempt({ task, change: undo, label, done: `${task.key} is as it was before`, onProgress });
}

// Shows why a change of a task was refused, and what can be done about it.
export function refuse(attempted: Attempt, problem: Problem): void {
  const { label } = attempted;
  showRefusal({ label, problem, attempt: attempted, again: () => retry(attempted) });
}

export function showRefusal(shown: Refused): void {
  announce(`Refused: ${shown.problem.detail}`);
  refused.value = shown;
}

function fail({ label }: Attempt, problem: Problem): void {
  announce(`${label}: failed. ${problem.detail}`);
  showToast({ text: problem.detail, kind: "failure" });
}

// Says who has changed what meanwhile, and offers to do it all the same.
async function explainStale(attempted: Attempt, problem: Problem): Promise<void> {
  const seen = attempted.version ?? attempted.task.version;
  const what = await describeChanges(attempted.task, seen).catch(() => problem.detail);
  announce(what);
  const again = { ...attempted, version: confirmedTask(attempted.task.id)?.version };
  showToast({
    text: `Nothing was changed: ${what}`,
    kind: "failure",
    action: { label: `${attempted.label} anyway`, run: () => void attempt(again) },
  });
}

async function describeChanges(task: Task, since: number): Promise<string> {
  const params = { path: { task_id: task.id }, query: { limit: 10 } };
  const { items } = await content(api.GET("/api/v1/tasks/{task_id}/activity", { params }));
  const newer = items.filter((entry) => entry.version > since);
  const people = [...new Set(newer.map((entry) => nameOf(entry.by)))].join(" and ");
  const fields = new Map(newer.toReversed().flatMap((entry) => Object.entries(entry.after)));
  const texts = [...fields].map(([name, value]) => fieldText(name, value)).filter(Boolean);
  return `${people || "Somebody"} has changed ${task.key} meanwhile: ${texts.join(", ")}.`;
}

// The move of a task to another status, with whatever else the same gesture changes.
export function moveAttempt(task: Task, status: string, more: Partial<Attempt> = {}): Attempt {
  const where = statusText(status);
  const change: TaskChange = { status, ...more.change };
  return {
    task,
    label: `Move ${task.key} to ${where}`,
    done: `${task.key} is in ${where}`,
    undo: canGoBack(task.status, status) ? { status: task.status } : undefined,
    ...more,
    change,
    preview: { status, category: categoryOf(status), ...more.preview },
  };
}

function canGoBack(from: string, to: string): boolean {
  const status = workflow.value.statuses.find(({ name }) => name === to);
  return from === to || (status?.transitions.some((name) => name === from) ?? false);
}

// Moves a task to the bin, and offers to restore it.
export function binAttempt(task: Task, next?: () => void): Attempt {
  const params = { path: { task_id: task.id } };
  const done = `${task.key} is in the bin`;
  return {
    task,
    change: {},
    label: `Move ${task.key} to the bin`,
    send: () => outcomeOf(task, api.DELETE("/api/v1/tasks/{task_id}", { params })),
    next: () => {
      announce(done);
      showToast({ text: done, action: { label: "Undo", run: () => void attempt(restoreAttempt(task)) } });
      next?.();
    },
  };
}

export function restoreAttempt(task: Task, next?: () => void): Attempt {
  const params = { path: { task_id: task.id } };
  return {
    task,
    change: {},
    label: `Restore ${task.key}`,
    done: `${task.key} has been restored`,
    send: ({ reason, override }) =>
      outcomeOf(task, api.POST("/api/v1/tasks/{task_id}/restore", { params, body: { reason, override } })),
    next,
  };
}

export async function outcomeOf(task: Task, answer: Parameters<typeof content>[0]): Promise<Outcome> {
  try {
    const after = (await content(answer)) as Task;
    return { kind: "done", task: after, before: task };
  } catch (error) {
    const { problem } = error as { problem?: Problem };
    if (!problem) throw error;
    return { kind: problem.reasons?.length ? "refused" : "failed", problem };
  }
}

// Returns a task that may not be known here yet.
export async function needTask(id: string): Promise<Task> {
  const known = findTask(id);
  if (known) return known;
  const params = { path: { task_id: id } };
  return (await content(api.GET("/api/v1/tasks/{task_id}", { params }))) as Task;
}
