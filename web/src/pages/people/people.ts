// Everybody with their open work, and the tasks that nobody has. Read again a moment after tasks change.
import { signal } from "@preact/signals";
import { all, api, content, type Schemas, type Task } from "../../api/client";
import { onChange } from "../../state/events";
import { workflow } from "../../state/session";
import { putTasks, taskSignal } from "../../state/tasks";

export type Row = Schemas["UserRow"];

const MAX_TASKS = 20; // of one person
const GATHERING = 400; // milliseconds in which changes are gathered before everything is read again

export const rows = signal<readonly Row[] | null>(null);
export const unassignedTotal = signal(0);
const taskIds = signal<readonly string[]>([]);

export async function load(project: string | null): Promise<void> {
  const [people, unassigned] = await Promise.all([readPeople(project), readUnassigned(project)]);
  const found = [...people.flatMap((person) => person.tasks ?? []), ...unassigned.items] as Task[];
  const tasks = found.filter(isOpen);
  putTasks(tasks);
  taskIds.value = tasks.map((task) => task.id);
  unassignedTotal.value = unassigned.total ?? 0;
  rows.value = people.filter((person) => person.active || (person.counts?.open ?? 0) > 0);
}

const of = (project: string | null) => (project ? [project] : undefined);

const readPeople = (project: string | null) =>
  all((cursor) =>
    content(
      api.GET("/api/v1/users", {
        params: {
          query: { include: "tasks", tasks_limit: MAX_TASKS, project: of(project), limit: 100, cursor },
        },
      }),
    ),
  );

const readUnassigned = (project: string | null) =>
  content(
    api.GET("/api/v1/tasks", {
      params: {
        query: {
          assignee: ["none"],
          category: ["open"],
          project: of(project),
          sort: ["due_date"],
          limit: MAX_TASKS,
          total: true,
        },
      },
    }),
  );

function isOpen(task: { status: string }): boolean {
  const category = workflow.value.statuses.find((status) => status.name === task.status)?.category;
  return category === "unstarted" || category === "started";
}

// Returns the open tasks of a person, or of nobody, with the changes that are on their way.
export function openTasksOf(userId: string | null): Task[] {
  return taskIds.value
    .map((id) => taskSignal(id).value)
    .filter((task) => task.assignee_id === userId && isOpen(task));
}

// Calls `reload` some time after the first of several changes; returns what ends that.
export function followPeople(reload: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = onChange((change) => {
    if (change.entity !== "task" && change.entity !== "user") return;
    timer ??= setTimeout(() => {
      timer = undefined;
      reload();
    }, GATHERING);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}
