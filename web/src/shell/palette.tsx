// The command palette (`Ctrl K`): every page, every command, and the tasks that match.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { api, content, type Task } from "../api/client";
import { closeDialog, showDialog } from "../parts/dialog";
import { showFailure } from "../parts/toast";
import { type Command, commands } from "../state/keys";
import { navigate } from "../state/router";

const PAUSE = 150; // milliseconds without a key, after which tasks are searched
const MAX_TASKS = 8;
const typed = signal("");

export function showPalette(): void {
  typed.value = "";
  showDialog({ title: "Go to", content: Palette });
}

function Palette() {
  const [selected, select] = useState(0);
  const tasks = useTasks(typed.value);
  const found = [...commands.value.filter((command) => matches(command.label, typed.value)), ...tasks];
  const at = Math.min(selected, found.length - 1);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") run(found[at]);
    else if (step) select((at + step + found.length) % found.length);
    else return;
    event.preventDefault();
  };
  return (
    <div class="palette">
      <input
        type="text"
        role="combobox"
        aria-label="Search pages, commands and tasks"
        aria-expanded="true"
        aria-controls="palette-found"
        aria-activedescendant={found[at] && `palette-${at}`}
        autofocus
        autocomplete="off"
        placeholder="Search pages, commands and tasks"
        onInput={(event) => {
          typed.value = event.currentTarget.value;
          select(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="palette-found" role="listbox" aria-label="Found">
        {found.map((command, place) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the text field
          // biome-ignore lint/a11y/useKeyWithClickEvents: the text field has the keys
          <div
            key={`${command.group} ${command.label}`}
            id={`palette-${place}`}
            role="option"
            aria-selected={place === at}
            onClick={() => run(command)}
          >
            <span>{command.label}</span>
            <small>{command.keys ?? command.group}</small>
          </div>
        ))}
      </div>
      {found.length === 0 && <p class="hint">Nothing matches.</p>}
    </div>
  );
}

function run(command: Command | undefined): void {
  if (!command) return;
  closeDialog();
  command.run();
}

function matches(label: string, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/);
  return words.every((word) => label.toLowerCase().includes(word));
}

// Returns the tasks that a text finds, as commands that open them.
function useTasks(text: string): Command[] {
  const [found, setFound] = useState<readonly Task[]>([]);
  useEffect(() => {
    if (text.trim().length < 2) {
      setFound([]);
      return;
    }
    let isCurrent = true;
    const timer = setTimeout(() => {
      search(text).then((tasks) => isCurrent && setFound(tasks), showFailure);
    }, PAUSE);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [text]);
  return found.map((task) => ({
    label: `${task.key} ${task.title}`,
    group: "Task",
    run: () => navigate(`/tasks/${task.key}`),
  }));
}

async function search(q: string): Promise<Task[]> {
  const isKey = /^[a-z][a-z0-9]+-\d+$/i.test(q.trim());
  const query = isKey ? { id: [q.trim()], limit: 1 } : { q: q.slice(0, 200), limit: MAX_TASKS };
  return (await content(api.GET("/api/v1/tasks", { params: { query } }))).items as Task[];
}
