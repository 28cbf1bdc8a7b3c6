// The keys of the page that is shown, and of the dashboard. The help (`?`) and the palette list them.
import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";

export interface Command {
  // As `KeyboardEvent.key`, or two of them with a space between: `g b`. Without keys, only the palette has it.
  keys?: string;
  label: string;
  group: string;
  run: () => void;
}

export const commands = signal<readonly Command[]>([]);

const SEQUENCE_TIME = 1_000; // milliseconds
let previous = { key: "", at: 0 };

export function addCommands(added: readonly Command[]): () => void {
  commands.value = [...commands.value, ...added];
  return () => {
    commands.value = commands.value.filter((command) => !added.includes(command));
  };
}

// Offers commands from the moment a component is drawn. `run` may be a new function each time.
export function useCommands(offered: readonly Command[]): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the commands are the same as long as their texts are
  useLayoutEffect(() => addCommands(offered), [offered.map((one) => one.label).join()]);
}

export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    const typed = keysOf(event);
    if (event.defaultPrevented || (isTyping(event.target) && typed !== "Ctrl+k")) return;
    if (document.querySelector("dialog:modal") && typed !== "Ctrl+k") return;
    const sequence = event.timeStamp - previous.at < SEQUENCE_TIME ? `${previous.key} ${typed}` : typed;
    previous = { key: typed, at: event.timeStamp };
    // The last one wins, because a page's own keys come after those of the dashboard.
    const find = (keys: string) => commands.value.findLast((command) => command.keys === keys);
    const command = find(sequence) ?? find(typed);
    if (!command) return;
    event.preventDefault();
    previous = { key: "", at: 0 };
    command.run();
  });
}

function keysOf(event: KeyboardEvent): string {
  return event.ctrlKey || event.metaKey ? `Ctrl+${event.key.toLowerCase()}` : event.key;
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return Boolean(element?.matches?.("input, textarea, select, [contenteditable]"));
}
