// A choice from many, by typing a part of what is looked for: people, labels, projects, tasks.
import { type ComponentChildren, h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { closeDialog, showDialog } from "./dialog";
import { Icon } from "./icon";
import { showFailure } from "./toast";

export interface Option {
  id: string;
  label: string;
  hint?: string;
  checked?: boolean;
  // A picture in front of the label.
  mark?: ComponentChildren;
}

export interface Picker {
  title: string;
  label: string;
  // Returns what a text finds; with `pause`, only after so many milliseconds without a key.
  find: (text: string) => readonly Option[] | Promise<readonly Option[]>;
  pause?: number;
  // Called with every option that is chosen. With `several`, the dialog stays open, and the options are found
  // again once what this has returned is done.
  onPick: (option: Option) => unknown;
  several?: boolean;
}

export function showPicker(picker: Picker): void {
  showDialog({ title: picker.title, content: () => h(Content, { picker }) });
}

function Content({ picker }: { picker: Picker }) {
  const [text, setText] = useState("");
  const [turn, setTurn] = useState(0);
  const [selected, select] = useState(0);
  const found = useFound(picker, text, turn);
  const at = Math.min(selected, (found?.length ?? 0) - 1);
  const pick = async (option: Option | undefined) => {
    if (!option) return;
    if (!picker.several) closeDialog();
    await picker.onPick(option);
    setTurn((before) => before + 1);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const count = found?.length ?? 0;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") void pick(found?.[at]);
    else if (step && count) select((at + step + count) % count);
    else return;
    event.preventDefault();
  };
  return (
    <div class="palette">
      <input
        type="text"
        role="combobox"
        aria-label={picker.label}
        aria-expanded="true"
        aria-controls="picker-found"
        aria-activedescendant={found?.[at] && `picker-${at}`}
        autofocus
        autocomplete="off"
        placeholder={picker.label}
        onInput={(event) => {
          setText(event.currentTarget.value);
          select(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="picker-found" role="listbox" aria-label="Found" aria-multiselectable={picker.several}>
        {found?.map((option, place) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the text field
          // biome-ignore lint/a11y/useKeyWithClickEvents: the text field has the keys
          <div
            key={option.id}
            id={`picker-${place}`}
            role="option"
            class={place === at ? "current" : undefined}
            aria-selected={picker.several ? Boolean(option.checked) : place === at}
            onClick={() => void pick(option)}
            ref={(element) => {
              if (place === at) element?.scrollIntoView({ block: "nearest" });
            }}
          >
            {option.mark}
            <span dir="auto">{option.label}</span>
            <small>{option.hint}</small>
            {option.checked && <Icon name="check" />}
          </div>
        ))}
      </div>
      {found?.length === 0 && <p class="hint">Nothing matches.</p>}
      {picker.several && (
        <div class="actions">
          <button type="button" class="primary" onClick={closeDialog}>
            Done
          </button>
        </div>
      )}
    </div>
  );
}

function useFound({ find, pause = 0 }: Picker, text: string, turn: number): readonly Option[] | null {
  const [found, setFound] = useState<readonly Option[] | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is found changes with every choice
  useEffect(() => {
    let isCurrent = true;
    const ask = async () => {
      const options = await find(text);
      if (isCurrent) setFound(options);
    };
    const timer = setTimeout(() => ask().catch(showFailure), text ? pause : 0);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [text, turn]);
  return found;
}

// Keeps the options that have every word of a text at the beginning of one of their own words.
export function matching(options: readonly Option[], text: string): Option[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return options.filter((option) => {
    const own = `${option.label} ${option.hint ?? ""}`.toLowerCase();
    return words.every((word) => own.includes(word));
  });
}
