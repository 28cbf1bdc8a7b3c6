// Everything about one task.
import { useEffect, useRef } from "preact/hooks";
import type { Task } from "../../api/client";
import { explain } from "../../api/problems";
import { Empty } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import type { PageProps } from "../../routes";
import { attempt, binAttempt, restoreAttempt } from "../../state/attempts";
import { type Command, useCommands } from "../../state/keys";
import { navigate } from "../../state/router";
import { mayWrite } from "../../state/session";
import { Activity } from "./activity";
import { Comments } from "./comments";
import { Description, Title } from "./edit";
import { Fields } from "./fields";
import { Relations } from "./relations";
import { TaskPage } from "./state";
import { WatchButton } from "./watch";

export default function Page({ params }: PageProps) {
  const page = usePage(params.key ?? "");
  const task = page.task;
  useTitle(task, params.key ?? "");
  if (page.failure.value && !task)
    return (
      <Empty title="This task cannot be shown" isPage>
        <p role="alert">{explain(page.failure.value)}</p>
      </Empty>
    );
  if (!task) return <p class="loading">Loading…</p>;
  return <Content key={task.id} page={page} task={task} />;
}

// Keeps the page of a task when the task only gets another key.
function usePage(key: string): TaskPage {
  const held = useRef<TaskPage | null>(null);
  const isSame = held.current?.key === key || held.current?.task?.key === key;
  if (!held.current || !isSame) {
    held.current?.close();
    held.current = new TaskPage(key);
  }
  useEffect(() => () => held.current?.close(), []);
  return held.current;
}

// A former key, or one in lower case, becomes the present one.
function useTitle(task: Task | undefined, key: string): void {
  const present = task?.key ?? key;
  useEffect(() => {
    if (present !== key) navigate(`/tasks/${present}`, { replace: true });
  }, [present, key]);
  const title = task && `${task.key} ${task.title} · taskmgr`;
  useEffect(() => {
    if (title) document.title = title;
  }, [title]);
}

function Content({ page, task }: { page: TaskPage; task: Task }) {
  const mayEdit = mayWrite.value && !task.deleted_at;
  useCommands(mayEdit ? COMMANDS : []);
  return (
    <article class="task">
      <header class="page-head">
        <a href={`/board?project=${task.project}`} class="key" aria-label={`Board of ${task.project}`}>
          {task.project}
        </a>
        <span aria-hidden="true">/</span>
        <span class="key">{task.key}</span>
        <span class="spring" />
        {!task.deleted_at && <WatchButton task={task} />}
        {mayEdit && (
          <button
            type="button"
            class="quiet"
            aria-label="Move to the bin"
            onClick={() => void attempt(binAttempt(task))}
          >
            <Icon name="bin" />
            <span class="bin-label">Move to the bin</span>
          </button>
        )}
      </header>
      {task.deleted_at && <InBin task={task} />}
      <div class="task-columns">
        <div class="task-main">
          <Title task={task} mayEdit={mayEdit} />
          <Description task={task} mayEdit={mayEdit} />
        </div>
        <Fields task={task} mayEdit={mayEdit} />
        <div class="task-more">
          <Relations page={page} task={task} mayEdit={mayEdit} />
          {!task.deleted_at && <Comments page={page} task={task} />}
          <Activity page={page} task={task} />
        </div>
      </div>
    </article>
  );
}

function InBin({ task }: { task: Task }) {
  const restore = () => void attempt(restoreAttempt(task));
  return (
    <p class="banner" role="status">
      <Icon name="bin" />
      <span>This task is in the bin.</span>
      {mayWrite.value && (
        <button type="button" onClick={restore}>
          Restore
        </button>
      )}
    </p>
  );
}

// Each key presses the button that is marked with it.
const press = (keys: string, label: string): Command => ({
  keys,
  label,
  group: "Task",
  run: () => {
    const button = document.querySelector<HTMLElement>(`.task [data-key="${keys}"]`);
    button?.focus();
    if (button?.matches("button")) button.click();
  },
});

const COMMANDS = [
  press("t", "Edit the title"),
  press("e", "Edit the description"),
  press("s", "Change the status"),
  press("p", "Change the priority"),
  press("a", "Change the assignee"),
  press("d", "Change the due date"),
  press("l", "Change the labels"),
  press("w", "Watch, or stop watching"),
  press("m", "Write a comment"),
];
