// Forms that show mistakes at their fields, and the fields.
import { type ComponentChildren, createContext } from "preact";
import { useContext, useId, useRef, useState } from "preact/hooks";
import { explain, type Problem, ProblemError } from "../api/problems";

type Mistakes = Readonly<Record<string, string>>;
const FormMistakes = createContext<Mistakes>({});

// The fields that some problems are about although they name none.
const FIELDS: Record<string, string> = {
  email_taken: "email",
  username_taken: "username",
  project_key_taken: "key",
  wrong_credentials: "current_password",
};

// A mistake that the page finds itself.
export function mistakeAt(field: string, detail: string): ProblemError {
  const errors = [{ location: `body.${field}`, code: "invalid", detail }];
  return new ProblemError({ code: "invalid", status: 422, title: "Invalid values", detail, errors });
}

export function Form({
  action,
  send,
  children,
  more,
  danger,
}: {
  action: string;
  send: (data: FormData) => Promise<unknown>;
  children?: ComponentChildren;
  more?: ComponentChildren; // beside the button
  danger?: boolean;
}) {
  const form = useRef<HTMLFormElement>(null);
  const [mistakes, setMistakes] = useState<Mistakes>({});
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!form.current || isBusy) return;
    setBusy(true);
    setMistakes({});
    try {
      await send(new FormData(form.current));
    } catch (failure) {
      setMistakes(mistakesIn(failure, form.current));
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
    } finally {
      setBusy(false);
    }
  };
  return (
    <FormMistakes.Provider value={mistakes}>
      <form class="form" ref={form} onSubmit={submit}>
        {children}
        <p class="mistake" role="alert">
          {mistakes[""]}
        </p>
        <div class="actions">
          {more}
          <button type="submit" class={danger ? "danger" : "primary"} aria-disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </FormMistakes.Provider>
  );
}

// Returns the text for each field, and under "" what is about none of the form's fields.
function mistakesIn(failure: unknown, form: HTMLFormElement): Mistakes {
  const problem: Partial<Problem> = failure instanceof ProblemError ? failure.problem : {};
  const field = FIELDS[problem.code ?? ""];
  if (field && form.elements.namedItem(field)) return { [field]: explain(failure) };
  const found: Record<string, string> = {};
  for (const { location, detail } of problem.errors ?? []) {
    const name = location.split(".")[1] ?? "";
    const at = form.elements.namedItem(name) ? name : "";
    found[at] = found[at] ? `${found[at]} ${detail}` : detail;
  }
  return Object.keys(found).length ? found : { "": explain(failure) };
}

interface FieldProps {
  label: string;
  name: string;
  hint?: string;
  type?: string;
  value?: string;
  options?: readonly (readonly [value: string, text: string])[];
  rows?: number;
  required?: boolean;
  autofocus?: boolean;
  autocomplete?: string;
  placeholder?: string;
  minLength?: number;
  maxLength?: number;
  min?: string;
  disabled?: boolean;
  onChange?: (event: Event & { currentTarget: HTMLSelectElement }) => void;
}

// A text field; with `options` a list to choose from, with `rows` a field of several lines.
export function Field({ label, hint, value, options, ...rest }: FieldProps) {
  const id = useId();
  const mistake = useContext(FormMistakes)[rest.name];
  const attributes = {
    ...rest,
    id,
    "aria-invalid": mistake ? true : undefined,
    "aria-describedby": mistake || hint ? `${id}-more` : undefined,
  } as object;
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      {options ? (
        <select {...attributes}>
          {options.map(([key, text]) => (
            <option key={key} value={key} selected={key === value}>
              {text}
            </option>
          ))}
        </select>
      ) : rest.rows ? (
        <textarea {...attributes} defaultValue={value} />
      ) : (
        <input {...attributes} defaultValue={value} />
      )}
      {(mistake || hint) && (
        <p id={`${id}-more`} class={mistake ? "mistake" : "hint"}>
          {mistake ?? hint}
        </p>
      )}
    </div>
  );
}

// Returns a field of a form as a text without spaces around it.
export function textIn(data: FormData, name: string): string {
  return String(data.get(name) ?? "").trim();
}
