// The keys of the board: arrows go from card to card; with Alt they move the card.
import type { Task } from "../../api/client";
import { showFailure } from "../../parts/toast";
import { findTask } from "../../state/tasks";
import type { Board } from "./board";
import { sort } from "./filters";
import { moveCard, reorder } from "./moves";

// Returns the id of the card that has the focus or, if none has, the one that is pointed at.
export function currentCard(): string | undefined {
  const focused = document.activeElement?.closest<HTMLElement>("[data-card]");
  const pointed = document.querySelector<HTMLElement>("[data-card]:hover");
  return (focused ?? pointed)?.dataset.card;
}

export function moveByKey(event: KeyboardEvent, board: Board): void {
  const card = (event.target as HTMLElement).closest<HTMLElement>("[data-card]");
  if (!card || !event.key.startsWith("Arrow") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const direction = event.key.slice("Arrow".length) as Direction;
  const task = findTask(card.dataset.card ?? "");
  if (event.altKey && task) moveTask(board, task, direction);
  else neighbourOf(card, direction)?.querySelector("a")?.focus();
}

type Direction = "Up" | "Down" | "Left" | "Right";

function moveTask(board: Board, task: Task, direction: Direction): void {
  if (direction === "Up" || direction === "Down") {
    if (sort.peek() === "rank") reorder(board, task, direction === "Up" ? "up" : "down");
    return;
  }
  const at = board.columns.findIndex((column) => column.status === task.status);
  const to = board.columns[at + (direction === "Left" ? -1 : 1)];
  if (to) void moveCard(board, task, { status: to.status }).catch(showFailure);
}

function neighbourOf(card: HTMLElement, direction: Direction): HTMLElement | undefined {
  const cell = card.closest<HTMLElement>("[data-status]") as HTMLElement;
  const cards = cardsIn(cell);
  const at = cards.indexOf(card);
  if (direction === "Up") return cards[at - 1];
  if (direction === "Down") return cards[at + 1];
  const step = direction === "Left" ? "previousElementSibling" : "nextElementSibling";
  for (let other = cell[step]; other; other = other[step]) {
    const others = cardsIn(other);
    if (others.length > 0) return others[Math.min(at, others.length - 1)];
  }
  return undefined;
}

function cardsIn(cell: Element): HTMLElement[] {
  return [...cell.querySelectorAll<HTMLElement>("[data-card]")];
}
