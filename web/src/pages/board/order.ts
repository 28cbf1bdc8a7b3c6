// The order of the cards, as the service sorts them, so that a card that changes goes to its place at once.
import type { Task } from "../../api/client";
import type { SortName } from "./filters";

type Key = (task: Task) => string;

const PRIORITIES = ["low", "medium", "high", "urgent"];
const LAST = "~"; // after every date

// Texts that sort as the service does, in ascending order.
const KEYS: Record<SortName, Key> = {
  rank: (task) => `${task.project} ${task.rank}`,
  due_date: (task) => dueKey(task.due_date),
  "-priority": (task) => String(PRIORITIES.indexOf(task.priority)),
  "-updated_at": (task) => task.updated_at,
};

// A plain date is over at its end, so it comes after every time on that day.
function dueKey(due: string | null): string {
  if (!due) return LAST;
  return due.length === 10 ? `${due}${LAST}` : due;
}

// Returns a comparison for `sort`. Equal tasks are in the order of their ids, in the same direction.
export function comparison(sort: SortName): (one: Task, other: Task) => number {
  const key = KEYS[sort];
  const direction = sort.startsWith("-") ? -1 : 1;
  return (one, other) => direction * (compare(key(one), key(other)) || compare(one.id, other.id));
}

// By code units, so without regard to a language: ranks are texts that sort by their bytes.
function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

// Returns where a task belongs among others that are in order.
export function placeOf(task: Task, others: readonly Task[], compare: (a: Task, b: Task) => number): number {
  let [low, high] = [0, others.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(others[middle] as Task, task) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Returns a rank that sorts directly after another one. It only serves until the service has answered.
export function provisionalRank(above: Task | undefined): string {
  return above ? `${above.rank}\u0000` : "";
}
