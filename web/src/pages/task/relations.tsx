// The parent, the subtasks, and the tasks that wait for each other.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { api, content, type Task } from "../../api/client";
import { explain } from "../../api/problems";
import { Status } from "../../parts/chips";
import { PAUSE, taskOptions } from "../../parts/choices";
import { Icon } from "../../parts/icon";
import { announce } from "../../parts/live";
import { Avatar } from "../../parts/person";
import { showPicker } from "../../parts/picker";
import { attempt, outcomeOf } from "../../state/attempts";
import { findTask, type TaskChange } from "../../state/tasks";
import { counted } from "../../state/texts";
import type { TaskPage } from "./state";

export function Relations({ page, task, mayEdit }: { page: TaskPage; task: Task; mayEdit: boolean }) {
  const subtasks = page.subtasks.value.map(findTask).filter((other) => other !== undefined);
  const parent = task.parent_id ? findTask(task.parent_id) : undefined;
  const closed = subtasks.filter((other) => other.category === "completed" || other.category === "cancelled");
  return (
    <>
      <Group
        title="Parent"
        isShown={mayEdit || Boolean(parent)}
        add={mayEdit && { label: "Choose a parent", run: () => pickParent(task, page) }}
      >
        {parent && (
          <Row task={parent} onRemove={mayEdit ? () => setParent(task, null) : undefined} what="parent" />
        )}
      </Group>
      <Group
        title="Subtasks"
        count={subtasks.length > 0 ? `${closed.length} of ${subtasks.length} closed` : undefined}
        isShown={mayEdit || subtasks.length > 0}
      >
        {subtasks.map((other) => (
          <Row key={other.id} task={other} />
        ))}
        {mayEdit && <NewSubtask task={task} />}
      </Group>
      <Group
        title="Waits for"
        isShown={mayEdit || task.blocked_by.length > 0}
        add={mayEdit && { label: "Add a task that this one waits for", run: () => pickBlocker(task) }}
      >
        {task.blocked_by.map((id) => {
          const other = findTask(id);
          const remove = mayEdit ? () => block(task, id, false) : undefined;
          return other ? (
            <Row key={id} task={other} onRemove={remove} what="blocker" />
          ) : (
            <li key={id} class="hint">
              A task in the bin
              {remove && <Remove label="Remove the blocker in the bin" onClick={remove} />}
            </li>
          );
        })}
      </Group>
      <Group title="Wait for this" isShown={Boolean(task.blocks?.length)}>
        {task.blocks?.map((id) => {
          const other = findTask(id);
          return other && <Row key={id} task={other} />;
        })}
      </Group>
    </>
  );
}

function Group(group: {
  title: string;
  count?: string;
  isShown: boolean;
  add?: false | { label: string; run: () => void };
  children: ComponentChildren;
}) {
  if (!group.isShown) return null;
  return (
    <section class="group" aria-label={group.title}>
      <header>
        <h2>{group.title}</h2>
        {group.count && <span class="hint">{group.count}</span>}
        {group.add && (
          <button type="button" class="quiet square" aria-label={group.add.label} onClick={group.add.run}>
            <Icon name="plus" />
          </button>
        )}
      </header>
      <ul>{group.children}</ul>
    </section>
  );
}

function Row({ task, onRemove, what }: { task: Task; onRemove?: () => void; what?: string }) {
  return (
    <li class="task-row">
      <Status name={task.status} />
      <a href={`/tasks/${task.key}`}>
        <span class="key">{task.key}</span> <bdi>{task.title}</bdi>
      </a>
      <Avatar id={task.assignee_id} />
      {onRemove && <Remove label={`Remove the ${what} ${task.key}`} onClick={onRemove} />}
    </li>
  );
}

function Remove({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <button type="button" class="quiet square" aria-label={label} onClick={onClick}>
      <Icon name="close" />
    </button>
  );
}

function NewSubtask({ task }: { task: Task }) {
  const [title, setTitle] = useState("");
  const [failure, setFailure] = useState("");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!title.trim()) return;
    try {
      const body = { title, project: task.project, parent_id: task.id };
      const made = await content(api.POST("/api/v1/tasks", { body }));
      setTitle("");
      setFailure("");
      announce(`${(made as Task).key} is created`);
    } catch (error) {
      setFailure(explain(error));
    }
  };
  return (
    <li>
      <form class="in-place" onSubmit={(event) => void submit(event)}>
        <input
          aria-label="Title of a new subtask"
          placeholder="New subtask"
          maxLength={200}
          value={title}
          onInput={(event) => setTitle(event.currentTarget.value)}
        />
        <button type="submit">Add</button>
      </form>
      {failure && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
    </li>
  );
}

function setParent(task: Task, parent_id: string | null): void {
  const change: TaskChange = { parent_id };
  const done = parent_id ? `${task.key} has a parent` : `${task.key} has no parent`;
  const undo = { parent_id: task.parent_id };
  void attempt({ task, change, undo, done, label: `Change the parent of ${task.key}` });
}

function pickParent(task: Task, page: TaskPage): void {
  const except = new Set([task.id, ...page.subtasks.peek()]);
  showPicker({
    title: `Parent of ${task.key}`,
    label: "Key or words",
    pause: PAUSE,
    find: (text) => taskOptions(text, except),
    onPick: ({ id }) => setParent(task, id),
  });
}

function pickBlocker(task: Task): void {
  const except = new Set([task.id, ...task.blocked_by]);
  showPicker({
    title: `${task.key} waits for`,
    label: "Key or words",
    pause: PAUSE,
    find: (text) => taskOptions(text, except),
    onPick: ({ id }) => block(task, id, true),
  });
}

// Adds or removes one blocker, whatever others do with the list.
function block(task: Task, other: string, isOn: boolean): void {
  const params = { path: { task_id: task.id, blocker_id: other } };
  const path = "/api/v1/tasks/{task_id}/blocked-by/{blocker_id}" as const;
  const count = counted(task.blocked_by.length + (isOn ? 1 : -1), "task");
  void attempt({
    task,
    change: {},
    label: isOn ? `Let ${task.key} wait` : `Remove the blocker of ${task.key}`,
    done: `${task.key} waits for ${count}`,
    send: () => outcomeOf(task, isOn ? api.PUT(path, { params }) : api.DELETE(path, { params })),
  });
}
