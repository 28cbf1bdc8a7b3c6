// The dialog of the page; there is one at a time. The browser keeps the focus inside, and returns it at the end.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";

interface Shown {
  title: string;
  content: () => ComponentChildren;
  onClose?: () => void;
  wide?: boolean;
}

const shown = signal<Shown | null>(null);

export function showDialog(dialog: Shown): void {
  shown.value = dialog;
}

export function closeDialog(): void {
  document.querySelector<HTMLDialogElement>("dialog.dialog")?.close();
}

export function DialogHost() {
  return shown.value && <OpenDialog key={shown.value} dialog={shown.value} />;
}

function OpenDialog({ dialog }: { dialog: Shown }) {
  const element = useRef<HTMLDialogElement>(null);
  // At once, so that no key reaches the page after the one that opened the dialog.
  useLayoutEffect(() => element.current?.showModal(), []);
  // The event comes a moment after the dialog was closed; another one may be shown by then.
  const onClose = () => {
    if (shown.peek() === dialog) shown.value = null;
    dialog.onClose?.();
  };
  return (
    <dialog
      ref={element}
      class={dialog.wide ? "dialog wide" : "dialog"}
      aria-labelledby="dialog-title"
      onClose={onClose}
      onPointerDown={(event) => event.target === element.current && element.current?.close()}
    >
      <div class="dialog-body">
        <header>
          <h2 id="dialog-title">{dialog.title}</h2>
          <button type="button" class="quiet square" aria-label="Close" onClick={closeDialog}>
            <Icon name="close" />
          </button>
        </header>
        <dialog.content />
      </div>
    </dialog>
  );
}

// Asks for a text in one line or several; calls `onAnswer` if it is given.
export function askForText(question: {
  title: string;
  label: string;
  action: string;
  hint?: string;
  maxLength?: number;
  onAnswer: (text: string) => void;
}): void {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get("text")).trim();
    if (!text) return;
    closeDialog();
    question.onAnswer(text);
  };
  showDialog({
    title: question.title,
    content: () => (
      <form class="form" onSubmit={submit}>
        <label>
          {question.label}
          <textarea name="text" rows={3} maxLength={question.maxLength ?? 1000} required autofocus />
        </label>
        {question.hint && <p class="hint">{question.hint}</p>}
        <div class="actions">
          <button type="button" class="quiet" onClick={closeDialog}>
            Cancel
          </button>
          <button type="submit" class="primary">
            {question.action}
          </button>
        </div>
      </form>
    ),
  });
}
