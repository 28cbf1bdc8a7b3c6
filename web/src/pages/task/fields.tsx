// The fields of a task that are chosen, not written.
import type { ComponentChildren } from "preact";
import { api, content, type Schemas, type Task } from "../../api/client";
import { Ago } from "../../parts/ago";
import { Blocked, Due, Priority, Status } from "../../parts/chips";
import { labelOptions, NOBODY, PAUSE, people, projectOptions } from "../../parts/choices";
import { askForText } from "../../parts/dialog";
import { askForDue } from "../../parts/due";
import { Icon } from "../../parts/icon";
import { announce } from "../../parts/live";
import { type MenuItem, showMenu } from "../../parts/menu";
import { Avatar, Person } from "../../parts/person";
import { showPicker } from "../../parts/picker";
import { showFailure, showToast } from "../../parts/toast";
import { type Attempt, attempt, moveAttempt } from "../../state/attempts";
import { nameOf, users, workflow } from "../../state/session";
import { changeTask, confirmedTask, isPending, type TaskChange } from "../../state/tasks";
import { dueText, statusText } from "../../state/texts";

export function Fields({ task, mayEdit }: { task: Task; mayEdit: boolean }) {
  const isOpen = task.category === "unstarted" || task.category === "started";
  return (
    <aside class="fields" aria-label="Fields">
      <dl>
        <Field
          name="Status"
          shortcut="s"
          onEdit={mayEdit && ((at) => void showStatuses(at, task).catch(showFailure))}
        >
          <Status name={task.status} />
          {task.blocked && <Blocked />}
        </Field>
        <Field name="Priority" shortcut="p" onEdit={mayEdit && ((at) => showPriorities(at, task))}>
          <Priority value={task.priority} />
          <span aria-hidden="true">{statusText(task.priority)}</span>
        </Field>
        <Field name="Assignee" shortcut="a" onEdit={mayEdit && (() => pickAssignee(task))}>
          <Assignee id={task.assignee_id} />
        </Field>
        <Field name="Due" shortcut="d" onEdit={mayEdit && (() => editDue(task))}>
          {task.due_date ? (
            <Due date={task.due_date} isOpen={isOpen} />
          ) : (
            <span class="hint">No due date</span>
          )}
        </Field>
        <LabelsField task={task} mayEdit={mayEdit} />
        <Field name="Project" onEdit={mayEdit && (() => pickProject(task))}>
          <span class="key">{task.project}</span>
        </Field>
        <div>
          <dt>Created</dt>
          <dd class="hint">
            {nameOf(task.created_by)}, <Ago at={task.created_at} />
          </dd>
        </div>
        <div>
          <dt>Changed</dt>
          <dd class="hint">
            <Ago at={task.updated_at} />
          </dd>
        </div>
      </dl>
    </aside>
  );
}

function Field(field: {
  name: string;
  shortcut?: string;
  onEdit: false | ((anchor: HTMLElement) => void);
  children: ComponentChildren;
}) {
  const { onEdit } = field;
  return (
    <div>
      <dt>{field.name}</dt>
      <dd>
        {onEdit ? (
          <button
            type="button"
            class="quiet field"
            data-key={field.shortcut}
            aria-haspopup="true"
            onClick={(event) => onEdit(event.currentTarget)}
          >
            <span class="unseen">{field.name}: </span>
            {field.children}
          </button>
        ) : (
          <span class="field">{field.children}</span>
        )}
      </dd>
    </div>
  );
}

function Assignee({ id }: { id: string | null }) {
  const isGone = id !== null && users.value.get(id)?.active === false;
  if (!id)
    return (
      <span class="person hint">
        <Avatar id={null} />
        Nobody
      </span>
    );
  return (
    <>
      <Person id={id} />
      {isGone && <span class="chip late">Deactivated</span>}
    </>
  );
}

// A change of what people here see now. While another one is on its way, its answer brings the version.
function change(task: Task, attempted: Omit<Attempt, "task">): void {
  const version = isPending(task.id) ? undefined : confirmedTask(task.id)?.version;
  void attempt({ task, version, ...attempted });
}

async function showStatuses(anchor: HTMLElement, task: Task): Promise<void> {
  const params = { path: { task_id: task.id } };
  const { items } = await content(api.GET("/api/v1/tasks/{task_id}/transitions", { params }));
  const current: MenuItem = { label: statusText(task.status), checked: true, run: () => {} };
  const others = items.filter(({ to }) => to !== task.status).map((transition) => itemOf(task, transition));
  showMenu(anchor, `Status of ${task.key}`, [current, ...others]);
}

function itemOf(task: Task, { to, allowed, requires, reasons }: Schemas["Transition"]): MenuItem {
  const asks = requires.includes("reason");
  const move = (reason?: string) => void attempt(moveAttempt(task, to, { change: reason ? { reason } : {} }));
  return {
    label: statusText(to),
    checked: false,
    hint: allowed ? (asks ? "with a reason" : undefined) : "refused",
    note: allowed ? undefined : reasons[0]?.detail,
    run: () => {
      if (!allowed || !asks) return move();
      askForText({
        title: `Move ${task.key} to ${statusText(to)}`,
        label: "Reason",
        action: "Move",
        onAnswer: move,
      });
    },
  };
}

function showPriorities(anchor: HTMLElement, task: Task): void {
  const items = workflow.value.priorities.toReversed().map((priority) => ({
    label: statusText(priority),
    checked: priority === task.priority,
    run: () =>
      change(task, {
        change: { priority },
        preview: { priority },
        undo: { priority: task.priority },
        label: `Set the priority of ${task.key} to ${priority}`,
        done: `The priority of ${task.key} is ${priority}`,
      }),
  }));
  showMenu(anchor, `Priority of ${task.key}`, items);
}

function pickAssignee(task: Task): void {
  showPicker({
    title: `Assignee of ${task.key}`,
    label: "Name or username",
    find: (text) => people(text, (id) => id === (task.assignee_id ?? NOBODY)),
    onPick: ({ id }) => {
      const assignee_id = id === NOBODY ? null : id;
      const name = nameOf(assignee_id);
      change(task, {
        change: { assignee_id },
        preview: { assignee_id },
        undo: { assignee_id: task.assignee_id },
        label: `Assign ${task.key} to ${name}`,
        done: `${task.key} is assigned to ${name}`,
      });
    },
  });
}

function editDue(task: Task): void {
  askForDue(`Due date of ${task.key}`, task.due_date, (due_date) =>
    change(task, {
      change: { due_date },
      preview: { due_date },
      undo: { due_date: task.due_date },
      label: `Change the due date of ${task.key}`,
      done: due_date ? `${task.key} is due ${dueText(due_date)}` : `${task.key} has no due date`,
    }),
  );
}

function pickProject(task: Task): void {
  showPicker({
    title: `Move ${task.key} to another project`,
    label: "Project",
    find: (text) => projectOptions(text, (key) => key === task.project),
    onPick: ({ id: project }) => {
      if (project === task.project) return;
      change(task, {
        change: { project },
        label: `Move ${task.key} to ${project}`,
        done: `The task is in ${project}`,
      });
    },
  });
}

function LabelsField({ task, mayEdit }: { task: Task; mayEdit: boolean }) {
  const pick = () =>
    showPicker({
      title: `Labels of ${task.key}`,
      label: "Label",
      pause: PAUSE,
      several: true,
      find: (text) => labelOptions(text, confirmedTask(task.id)?.labels ?? []),
      onPick: ({ id, checked }) => toggleLabel(task, id, !checked),
    });
  return (
    <div>
      <dt>Labels</dt>
      <dd class="labels">
        {task.labels.map((label) => (
          <span class="chip" key={label}>
            <bdi>{label}</bdi>
            {mayEdit && (
              <button
                type="button"
                class="quiet"
                aria-label={`Remove the label ${label}`}
                onClick={() => void toggleLabel(task, label, false)}
              >
                <Icon name="close" />
              </button>
            )}
          </span>
        ))}
        {mayEdit && (
          <button type="button" class="quiet field" data-key="l" aria-haspopup="dialog" onClick={pick}>
            <Icon name="plus" />
            {task.labels.length ? <span class="unseen">Add a label</span> : "Add a label"}
          </button>
        )}
      </dd>
    </div>
  );
}

const MAX_TRIES = 5;

// Labels are one list, so what others add or remove meanwhile has to be kept.
async function toggleLabel(task: Task, label: string, isOn: boolean): Promise<void> {
  const done = isOn ? `${task.key} has the label ${label}` : `${task.key} no longer has the label ${label}`;
  for (let tries = 1; ; tries++) {
    const { labels, version } = confirmedTask(task.id) ?? task;
    const others = labels.filter((one) => one !== label);
    const changed: TaskChange = { labels: isOn ? [...others, label] : others };
    const outcome = await changeTask(task.id, changed, { version });
    if (outcome.kind === "stale" && tries < MAX_TRIES) continue;
    if (outcome.kind === "refused")
      void attempt({ task, change: changed, label: `Change the labels of ${task.key}` });
    else if (outcome.kind !== "done") showToast({ text: outcome.problem.detail, kind: "failure" });
    else announce(done);
    return;
  }
}
