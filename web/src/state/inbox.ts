// How many items of the inbox are unread, and when there may be more of them.
import { computed, signal } from "@preact/signals";
import { onChange } from "./events";
import { loadMe, me } from "./session";

export const unread = computed(() => me.value.unread);

// Counts up whenever the inbox may have changed.
export const inboxTurn = signal(0);

// The inbox is filled a moment after a change; on a busy service, a little later.
const SOON = 800; // milliseconds
const LATE = 5_000; // milliseconds
let soon: ReturnType<typeof setTimeout> | undefined;
let late: ReturnType<typeof setTimeout> | undefined;

// Follows the changes that others make. A tab that nobody sees catches up when it is seen.
export function followInbox(): void {
  onChange((change) => {
    if (change.by === me.value.id || (change.entity !== "task" && change.entity !== "comment")) return;
    if (document.visibilityState !== "visible") return;
    clearTimeout(late);
    late = setTimeout(look, LATE);
    if (!soon) soon = setTimeout(look, SOON);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") look();
  });
}

function look(): void {
  clearTimeout(soon);
  soon = undefined;
  loadMe().then(
    () => {
      inboxTurn.value += 1;
    },
    () => undefined, // the next change looks again
  );
}
