// Title and description, edited in place. What somebody has typed is never lost: it is kept in this browser,
// and if somebody else changes the same field meanwhile, both texts are shown.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Task } from "../../api/client";
import { Icon } from "../../parts/icon";
import { announce } from "../../parts/live";
import { Markdown } from "../../parts/markdown";
import { MentionArea } from "../../parts/mention";
import { refuse } from "../../state/attempts";
import { keepDraft, readDraft } from "../../state/drafts";
import { nameOf } from "../../state/session";
import { changeTask, confirmedTask } from "../../state/tasks";
import { lastChange } from "./activity";

type Field = "title" | "description";
type Edit = { base: string; text: string };

const MAX_TITLE = 200;
const MAX_TRIES = 5;

export function Title({ task, mayEdit }: { task: Task; mayEdit: boolean }) {
  const editor = useEditor(task, "title");
  if (editor.edit.value) return <Editor editor={editor} task={task} field="title" />;
  return (
    <div class="editable">
      <h1 dir="auto">{task.title}</h1>
      {mayEdit && <EditButton editor={editor} field="title" shortcut="t" />}
    </div>
  );
}

export function Description({ task, mayEdit }: { task: Task; mayEdit: boolean }) {
  const editor = useEditor(task, "description");
  return (
    <section aria-label="Description" class="description">
      <h2 class="unseen">Description</h2>
      {editor.edit.value ? (
        <Editor editor={editor} task={task} field="description" />
      ) : (
        <div class="editable">
          {task.description ? <Markdown text={task.description} /> : <p class="hint">No description.</p>}
          {mayEdit && <EditButton editor={editor} field="description" shortcut="e" />}
        </div>
      )}
    </section>
  );
}

function EditButton({ editor, field, shortcut }: { editor: EditorState; field: Field; shortcut: string }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (editor.hasEnded.current) button.current?.focus();
    editor.hasEnded.current = false;
  }, [editor]);
  return (
    <button
      ref={button}
      type="button"
      class="quiet square"
      data-key={shortcut}
      aria-label={`Edit the ${field}`}
      onClick={editor.begin}
    >
      <Icon name="edit" />
    </button>
  );
}

type EditorState = ReturnType<typeof useEditor>;

function useEditor(task: Task, field: Field) {
  const draft = `edit:${task.id}:${field}`;
  const edit = useSignal<Edit | null>(parseEdit(readDraft(draft)));
  const failure = useSignal("");
  const hasEnded = useRef(false);
  const set = (value: Edit | null) => {
    edit.value = value;
    const isChanged = value && value.text !== value.base;
    keepDraft(draft, isChanged ? JSON.stringify(value) : "");
  };
  const end = () => {
    failure.value = "";
    hasEnded.current = true;
    set(null);
  };
  const save = async () => {
    const sent = edit.peek();
    if (!sent) return;
    if (sent.text === sent.base) return end();
    failure.value = (await send(task, field, sent)) ?? "";
    if (confirmedTask(task.id)?.[field] !== sent.text.trim()) return;
    announce(`The ${field} is saved`);
    end();
  };
  return {
    edit,
    failure,
    hasEnded,
    set,
    end,
    save,
    begin: () => set({ base: task[field], text: task[field] }),
  };
}

// Saves the text unless the same field has changed meanwhile; changes of other fields do not matter.
async function send(task: Task, field: Field, { base, text }: Edit): Promise<string | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const current = confirmedTask(task.id) ?? task;
    if (current[field] !== base) return undefined;
    const outcome = await changeTask(task.id, { [field]: text }, { version: current.version });
    if (outcome.kind === "done") return undefined;
    if (outcome.kind === "refused")
      refuse(
        { task, change: { [field]: text }, label: `Change the ${field} of ${task.key}` },
        outcome.problem,
      );
    if (outcome.kind !== "stale")
      return outcome.problem.errors?.map((one) => one.detail).join(" ") || outcome.problem.detail;
  }
  return "The task changes too often at the moment. Try again.";
}

function parseEdit(draft: string): Edit | null {
  try {
    const { base, text } = JSON.parse(draft);
    return typeof base === "string" && typeof text === "string" ? { base, text } : null;
  } catch {
    return null;
  }
}

function Editor({ editor, task, field }: { editor: EditorState; task: Task; field: Field }) {
  const { base, text } = editor.edit.value as Edit;
  const now = task[field];
  const isConflict = now !== base && now !== text;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented) return;
    const saves = event.key === "Enter" && (field === "title" || event.ctrlKey || event.metaKey);
    if (saves && !isConflict) void editor.save();
    else if (event.key === "Escape" && text === base) editor.end();
    else if (!saves) return;
    event.preventDefault();
  };
  return (
    <form
      class="form edit"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        void editor.save();
      }}
    >
      <MentionArea
        label={field === "title" ? "Title" : "Description"}
        class={field}
        rows={field === "title" ? 1 : 8}
        maxLength={field === "title" ? MAX_TITLE : undefined}
        value={text}
        autofocus
        onValue={(value) => editor.set({ base, text: value })}
        describedBy={editor.failure.value ? `failure-${field}` : undefined}
      />
      {editor.failure.value && (
        <p id={`failure-${field}`} class="failure" role="alert">
          {editor.failure.value}
        </p>
      )}
      {isConflict ? (
        <Conflict task={task} field={field} editor={editor} />
      ) : (
        <div class="actions">
          <button type="button" class="quiet" onClick={editor.end}>
            {text === base ? "Cancel" : "Discard"}
          </button>
          <button type="submit" class="primary">
            Save
          </button>
        </div>
      )}
    </form>
  );
}

function Conflict({ task, field, editor }: { task: Task; field: Field; editor: EditorState }) {
  const entry = lastChange(task.id, field);
  const mine = editor.edit.value?.text ?? "";
  const who = entry ? nameOf(entry.by) : "Somebody";
  const overwrite = () => {
    editor.set({ base: task[field], text: mine });
    void editor.save();
  };
  return (
    <div class="conflict" role="alert">
      <p>
        <strong>
          {who} has changed the {field} meanwhile.
        </strong>{" "}
        It is now:
      </p>
      <blockquote dir="auto">{task[field] || "(empty)"}</blockquote>
      <div class="actions">
        <button type="button" onClick={editor.end}>
          Discard mine
        </button>
        <button type="button" class="primary" onClick={overwrite}>
          Save mine
        </button>
      </div>
    </div>
  );
}
