// The people: who has how much to do. A task is given to somebody by dragging it there, or by its menu.
import "./page.css";
import { draggable, dropTargetForElements } from "@atlaskit/pragmatic-drag-and-drop/element/adapter";
import { autoScrollForElements } from "@atlaskit/pragmatic-drag-and-drop-auto-scroll/element";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Task } from "../../api/client";
import { Blocked, Due, Priority } from "../../parts/chips";
import { Empty } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { Person } from "../../parts/person";
import { ProjectChoice } from "../../parts/project-choice";
import { showFailure } from "../../parts/toast";
import { query } from "../../state/router";
import { mayWrite } from "../../state/session";
import { findTask, isPending } from "../../state/tasks";
import { counted } from "../../state/texts";
import { assign, chooseAssignee, roomOf } from "./assign";
import { followPeople, load, openTasksOf, type Row, rows, unassignedTotal } from "./people";

export default function PeoplePage() {
  const project = query.value.get("project");
  useEffect(() => {
    const reload = () => void load(project).catch(showFailure);
    reload();
    return followPeople(reload);
  }, [project]);
  useEffect(() => {
    const element = document.getElementById("main");
    return element ? autoScrollForElements({ element }) : undefined;
  }, []);
  return (
    <>
      <header class="page-head">
        <h1>People</h1>
        <ProjectChoice />
      </header>
      <div class="page-body">
        {rows.value ? <People people={rows.value} /> : <p class="loading">Loading…</p>}
      </div>
    </>
  );
}

function People({ people }: { people: readonly Row[] }) {
  const shown = people.filter((person) => person.kind === "person" || person.tasks?.length);
  return (
    <>
      {mayWrite.value && (
        <p class="hint">
          Drag a task to a person, or choose somebody with its button
          <span class="desk-only">
            {" "}
            or with <kbd>M</kbd>
          </span>
          .
        </p>
      )}
      <ul class="people">
        <Column userId={null} people={people} />
        {shown.map((person) => (
          <Column key={person.id} userId={person.id} person={person} people={people} />
        ))}
      </ul>
      {shown.length < 2 && (
        <Empty title="Nobody else is here yet">
          <p>Admins invite people, and give each of them a role.</p>
        </Empty>
      )}
    </>
  );
}

function Column({ userId, person, people }: { userId: string | null; person?: Row; people: readonly Row[] }) {
  const element = useRef<HTMLLIElement>(null);
  const [isOver, setOver] = useState(false);
  const canTake = mayWrite.value && (person?.active ?? true);
  useEffect(() => {
    if (!element.current || !canTake) return;
    return dropTargetForElements({
      element: element.current,
      canDrop: ({ source }) => findTask(String(source.data.task))?.assignee_id !== userId,
      onDragEnter: () => setOver(true),
      onDragLeave: () => setOver(false),
      onDrop: ({ source }) => {
        setOver(false);
        const task = findTask(String(source.data.task));
        if (task) assign(task, userId);
      },
    });
  }, [userId, canTake]);
  const tasks = openTasksOf(userId);
  const total = person ? (person.counts?.open ?? 0) : unassignedTotal.value;
  const heading = `person-${userId ?? "nobody"}`;
  return (
    <li ref={element} class={isOver ? "column over" : "column"}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms */}
      <div role="group" aria-labelledby={heading}>
        <h2 id={heading} dir="auto">
          <Person id={userId} />
        </h2>
        {person ? <Load person={person} /> : <p class="load">{total} open</p>}
        <ul>
          {tasks.map((task) => (
            <TaskRow key={task.id} task={task} people={people} />
          ))}
        </ul>
        {total > tasks.length && <p class="hint">and {counted(total - tasks.length, "more open task")}</p>}
        {tasks.length === 0 && <p class="hint">Nothing open.</p>}
      </div>
    </li>
  );
}

function Load({ person }: { person: Row }) {
  const { open, overdue, blocked } = person.counts ?? { open: 0, overdue: 0, blocked: 0 };
  const room = roomOf(person);
  return (
    <p class="load">
      {open} open
      {overdue > 0 && <span class="chip late">{overdue} overdue</span>}
      {blocked > 0 && <span class="chip blocked">{blocked} blocked</span>}
      {!person.active && <span class="chip">Deactivated</span>}
      {room && person.active && <span class="room">{room}</span>}
    </p>
  );
}

function TaskRow({ task, people }: { task: Task; people: readonly Row[] }) {
  const element = useRef<HTMLLIElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const mayMove = mayWrite.value;
  useEffect(() => {
    if (!element.current || !mayWrite.value) return;
    return draggable({
      element: element.current,
      getInitialData: () => ({ task: task.id }),
      onDragStart: () => element.current?.classList.add("dragged"),
      onDrop: () => element.current?.classList.remove("dragged"),
    });
  }, [task.id]);
  const choose = () => button.current && chooseAssignee(button.current, task, people);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key.toLowerCase() !== "m" || !mayMove || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    choose();
  };
  return (
    <li ref={element} class={isPending(task.id) ? "task pending" : "task"} onKeyDown={onKeyDown}>
      <Priority value={task.priority} />
      <a href={`/tasks/${task.key}`} draggable={false} dir="auto">
        <span class="key">{task.key}</span> {task.title}
      </a>
      {task.due_date && <Due date={task.due_date} isOpen />}
      {task.blocked && <Blocked />}
      {mayMove && (
        <button
          ref={button}
          type="button"
          class="quiet square"
          aria-haspopup="menu"
          aria-label={`Assign ${task.key}`}
          aria-keyshortcuts="M"
          onClick={choose}
        >
          <Icon name="move" />
        </button>
      )}
    </li>
  );
}
