// Creates a task from one line. What was typed is kept until the task exists.
import { useSignal } from "@preact/signals";
import { api, content, type Schemas } from "../../api/client";
import { type Problem, ProblemError } from "../../api/problems";
import { Due, Labels, Priority } from "../../parts/chips";
import { closeDialog, showDialog } from "../../parts/dialog";
import { announce } from "../../parts/live";
import { Person } from "../../parts/person";
import { showFailure, showToast } from "../../parts/toast";
import { keepDraft, readDraft } from "../../state/drafts";
import { path, query } from "../../state/router";
import { me, openProjects, users, workflow } from "../../state/session";
import { dayIn } from "../../state/texts";
import { type Parsed, parse } from "./parse";

const DRAFT = "quick-add";

export function showQuickAdd(): void {
  showDialog({ title: "New task", content: QuickAdd, wide: true });
}

function QuickAdd() {
  const text = useSignal(readDraft(DRAFT));
  const reason = useSignal("");
  const problem = useSignal<Problem | null>(null);
  const isSending = useSignal(false);
  const parsed = read(text.value);
  const asksForReason = problem.value?.reasons?.some((one) => /reason|due_date/.test(one.fix?.action ?? ""));
  const create = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!parsed.title || isSending.peek()) return;
    isSending.value = true;
    try {
      const body = bodyOf(parsed, reason.peek());
      const params = { header: { "Idempotency-Key": crypto.randomUUID() } };
      const task = (await content(api.POST("/api/v1/tasks", { params, body }))) as Schemas["Task"];
      keepDraft(DRAFT, "");
      closeDialog();
      sayCreated(task);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      problem.value = error.problem;
    } finally {
      isSending.value = false;
    }
  };
  return (
    <form class="form quick-add" onSubmit={(event) => void create(event)}>
      <input
        type="text"
        aria-label="Task"
        aria-describedby="quick-add-help"
        placeholder="Order cables !high @ada #lab fri"
        dir="auto"
        autofocus
        autocomplete="off"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          keepDraft(DRAFT, text.value);
        }}
      />
      <Preview parsed={parsed} />
      {problem.value && <Mistakes problem={problem.value} />}
      {asksForReason && (
        <label>
          Reason
          <input maxLength={1000} onInput={(event) => (reason.value = event.currentTarget.value)} />
        </label>
      )}
      <p id="quick-add-help" class="hint">
        <code>!</code> priority, <code>@</code> assignee, <code>#</code> label, <code>+</code> project; at the
        end a day: fri, 3 Dec, in 3 days. <code>\</code> keeps a word in the title.
      </p>
      <div class="actions">
        <button type="button" class="quiet" onClick={closeDialog}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={!parsed.title || isSending.value}>
          Create
        </button>
      </div>
    </form>
  );
}

function Preview({ parsed }: { parsed: Parsed }) {
  const { title, priority, assignee, labels, due, unknown } = parsed;
  return (
    <div class="preview" role="status" aria-label="What will be created">
      <span class="key">{projectOf(parsed)}</span>
      <strong dir="auto">{title || <span class="hint">Untitled</span>}</strong>
      {priority && (
        <span class="chip">
          <Priority value={priority} />
          {priority}
        </span>
      )}
      {assignee && <Person id={userId(assignee)} />}
      {due && <Due date={due} isOpen={true} />}
      <Labels labels={labels} />
      {unknown.length > 0 && <span class="hint">Part of the title: {unknown.join(" ")}</span>}
    </div>
  );
}

function Mistakes({ problem }: { problem: Problem }) {
  const reasons = problem.reasons?.map((one) => one.detail);
  const errors = problem.errors?.map((one) => `${one.location.replace("body.", "")}: ${one.detail}`);
  const texts = reasons?.length ? reasons : errors?.length ? errors : [problem.detail];
  return (
    <div class="failure" role="alert">
      {texts.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  );
}

function read(text: string): Parsed {
  return parse(text, {
    today: dayIn(workflow.value.time_zone, new Date()),
    priorities: workflow.value.priorities,
    usernames: [...users.value.values()].filter((user) => user.active).map((user) => user.username),
    projects: openProjects.value.map((project) => project.key),
  });
}

function userId(assignee: string): string {
  if (assignee === "me") return me.value.id;
  return [...users.value.values()].find((user) => user.username === assignee)?.id ?? "";
}

// The one that the line names, or the one that is shown, or the default.
function projectOf({ project }: Parsed): string | undefined {
  const ofTask = /^\/tasks\/([A-Z0-9]+)-/.exec(path.value)?.[1];
  const shown = query.value.get("project") ?? ofTask;
  const isOpen = openProjects.value.some(({ key }) => key === shown);
  const fallback = openProjects.value.find((one) => one.default)?.key;
  return project ?? (isOpen ? (shown ?? fallback) : fallback);
}

function bodyOf(parsed: Parsed, reason: string): Schemas["TaskIn"] {
  const { title, priority, assignee, labels, due } = parsed;
  return {
    title,
    labels,
    project: projectOf(parsed),
    priority: priority as Schemas["Priority"] | undefined,
    assignee_id: assignee,
    due_date: due,
    reason: reason || undefined,
  };
}

function sayCreated({ id, key, title }: Schemas["Task"]): void {
  announce(`${key} is created`);
  const undo = () => {
    content(api.DELETE("/api/v1/tasks/{task_id}", { params: { path: { task_id: id } } })).then(
      () => showToast({ text: `${key} is in the bin` }),
      showFailure,
    );
  };
  showToast({
    text: `is created: ${title}`,
    link: { label: key, href: `/tasks/${key}` },
    action: { label: "Undo", run: undo },
  });
}
