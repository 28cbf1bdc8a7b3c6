// Moving cards: by mouse, by keys and from the menu, all by the same change.
import { signal } from "@preact/signals";
import { api, content, type Schemas, type Task } from "../../api/client";
import { showFailure, showToast } from "../../parts/toast";
import { type Attempt, attempt, moveAttempt } from "../../state/attempts";
import { nameOf } from "../../state/session";
import { findTask, type Preview, type TaskChange } from "../../state/tasks";
import { statusText } from "../../state/texts";
import type { Board } from "./board";
import { provisionalRank } from "./order";

export type Transition = Schemas["Transition"];

// A card of the same column, and at which side of it.
export interface Neighbour {
  id: string;
  side: "above" | "below";
}

// The value of a lane, which a card gets that is put there.
export type LaneValue = { assignee_id: string | null } | { priority: Task["priority"] };

export interface Target {
  status: string;
  neighbour?: Neighbour;
  lane?: LaneValue;
}

// The card that is being dragged, and where it may go, once the service has said so.
export const dragging = signal<{ task: Task; transitions: readonly Transition[] } | null>(null);

export async function startDragging(task: Task): Promise<void> {
  dragging.value = { task, transitions: [] };
  const transitions = await readTransitions(task.id).catch(() => []);
  if (dragging.peek()?.task.id === task.id) dragging.value = { task, transitions };
}

export async function readTransitions(id: string): Promise<readonly Transition[]> {
  const params = { path: { task_id: id } };
  return (await content(api.GET("/api/v1/tasks/{task_id}/transitions", { params }))).items;
}

// Puts a card somewhere else. `seen` is the card as it was when the gesture began.
export async function moveCard(board: Board, seen: Task, target: Target): Promise<void> {
  const now = findTask(seen.id);
  if (!now) return;
  const added = changeOf(board, now, target);
  if (now.status === target.status && Object.keys(added.change).length === 0) return;
  const more: Partial<Attempt> = {
    ...added,
    version: seen.version,
    onProgress: () => board.replace(now.id),
  };
  const moved = now.status === target.status ? stay(now, added, more) : moveAttempt(now, target.status, more);
  await attempt(withUndo(board, now, moved));
  focusCard(now.id);
}

type Added = { change: TaskChange; preview: Preview };

function changeOf(board: Board, task: Task, { neighbour, lane }: Target): Added {
  const change: TaskChange = {};
  const preview: Preview = {};
  for (const [name, value] of Object.entries(lane ?? {}))
    if (task[name as keyof Task] !== value) {
      Object.assign(change, { [name]: value });
      Object.assign(preview, { [name]: value });
    }
  if (neighbour) {
    change.rank = neighbour.side === "above" ? { before: neighbour.id } : { after: neighbour.id };
    preview.rank = provisionalRank(aboveOf(board, task.id, neighbour));
  }
  return { change, preview };
}

// The card that will be directly above.
function aboveOf(board: Board, id: string, { id: other, side }: Neighbour): Task | undefined {
  if (side === "below") return findTask(other);
  const ids = (board.columnOf(other)?.ids.peek() ?? []).filter((each) => each !== id);
  return findTask(ids[ids.indexOf(other) - 1] ?? "");
}

// A card that keeps its status, but gets another place, assignee or priority.
function stay(task: Task, { change, preview }: Added, more: Partial<Attempt>): Attempt {
  const what = change.assignee_id !== undefined ? `Assign ${task.key} to ${nameOf(change.assignee_id)}` : "";
  const done =
    change.assignee_id !== undefined ? `${task.key} is assigned to ${nameOf(change.assignee_id)}` : "";
  return {
    task,
    label: what || `Move ${task.key}`,
    done:
      done ||
      (change.priority ? `The priority of ${task.key} is ${change.priority}` : `${task.key} was moved`),
    undo: {},
    ...more,
    change,
    preview,
  };
}

// Adds to what takes a move back whatever else it changes.
function withUndo(board: Board, task: Task, moved: Attempt): Attempt {
  if (!moved.undo) return moved;
  const undo: TaskChange = { ...moved.undo };
  if (moved.change.assignee_id !== undefined) undo.assignee_id = task.assignee_id;
  if (moved.change.priority !== undefined) undo.priority = task.priority;
  if (moved.change.rank) undo.rank = presentPlace(board, task.id);
  return { ...moved, undo };
}

function presentPlace(board: Board, id: string): TaskChange["rank"] {
  const ids = board.columnOf(id)?.ids.peek() ?? [];
  const at = ids.indexOf(id);
  const [above, below] = [ids[at - 1], ids[at + 1]];
  if (above) return { after: above };
  return below ? { before: below } : { last: true };
}

// Moves a card up or down by one in its column, or to an end of it.
export function reorder(board: Board, task: Task, to: "up" | "down" | "first" | "last"): void {
  const ids = board.columnOf(task.id)?.ids.peek() ?? [];
  const at = ids.indexOf(task.id);
  const other = { up: ids[at - 1], down: ids[at + 1], first: ids[0], last: ids.at(-1) }[to];
  if (!other || other === task.id) return;
  const side = to === "up" || to === "first" ? "above" : "below";
  void moveCard(board, task, { status: task.status, neighbour: { id: other, side } }).catch(showFailure);
}

// Returns the ways to move a card, for its menu: every status, and what the service says about it.
export async function moveItems(board: Board, task: Task, isByHand: boolean) {
  const transitions = await readTransitions(task.id);
  const items = transitions
    .filter(({ to }) => to !== task.status)
    .map((transition) => ({
      label: statusText(transition.to),
      hint: shortVerdict(transition),
      run: () => void moveCard(board, task, { status: transition.to }).catch(showFailure),
    }));
  if (!isByHand) return items;
  const places = { first: "To the top", up: "Up", down: "Down", last: "To the bottom" } as const;
  const rankings = Object.entries(places).map(([to, label]) => ({
    label,
    run: () => reorder(board, task, to as keyof typeof places),
  }));
  return [...items, ...rankings];
}

function shortVerdict({ allowed, requires }: Transition): string {
  if (!allowed) return "refused: see why";
  return requires.includes("reason") ? "needs a reason" : "";
}

export interface Verdict {
  kind: "allowed" | "reason" | "refused";
  text: string;
}

// What a column says while a card is dragged.
export function verdict(transition: Transition): Verdict {
  if (!transition.allowed) return { kind: "refused", text: transition.reasons[0]?.detail ?? "Refused" };
  return transition.requires.includes("reason")
    ? { kind: "reason", text: "Needs a reason" }
    : { kind: "allowed", text: "Allowed" };
}

// The focus stays with a card that has moved, unless it has gone elsewhere meanwhile.
export function focusCard(id: string): void {
  requestAnimationFrame(() => {
    const lost = document.activeElement === document.body || document.activeElement === null;
    if (lost) document.querySelector<HTMLElement>(`[data-card="${id}"] a`)?.focus();
  });
}

export function complainAboutNoCard(): void {
  showToast({ text: "Choose a card first: with Tab and the arrow keys, or by pointing at it." });
}
