// Shows a secret once: when the dialog is closed, the page has forgotten it.
import { useId, useRef, useState } from "preact/hooks";
import { closeDialog, showDialog } from "./dialog";
import { announce } from "./live";

export function showSecret(shown: { title: string; label: string; secret: string; note: string }): void {
  showDialog({ title: shown.title, content: () => <Secret {...shown} /> });
}

function Secret({ label, secret, note }: { label: string; secret: string; note: string }) {
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    // Without HTTPS there is no clipboard to write to, so the text is at least selected.
    field.current?.select();
    await navigator.clipboard?.writeText(secret).then(
      () => {
        setCopied(true);
        announce("Copied.");
      },
      () => undefined,
    );
  };
  return (
    <div class="form">
      <p>{note}</p>
      <div class="form-field">
        <label for={id}>{label}</label>
        <span class="secret">
          <input
            id={id}
            ref={field}
            readOnly
            value={secret}
            onFocus={(event) => event.currentTarget.select()}
          />
          <button type="button" class="primary" autofocus onClick={copy}>
            {isCopied ? "Copied" : "Copy"}
          </button>
        </span>
      </div>
      <p class="hint">It is shown only this once.</p>
      <div class="actions">
        <button type="button" onClick={closeDialog}>
          Done
        </button>
      </div>
    </div>
  );
}
