// The columns of the list besides key and title.
import { computed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Task } from "../../api/client";
import { Ago } from "../../parts/ago";
import { Blocked, Due, Labels, Priority, Status } from "../../parts/chips";
import { Avatar, Person } from "../../parts/person";
import { matching, showPicker } from "../../parts/picker";
import { query, setQuery } from "../../state/router";

export interface Column {
  name: string;
  title: string;
  // The key of `sort`, and the direction that comes first.
  sort?: string;
  first?: "-";
  cell: (task: Task) => ComponentChildren;
}

const isOpen = ({ category }: Task) => category === "unstarted" || category === "started";

const ALL: readonly Column[] = [
  {
    name: "status",
    title: "Status",
    cell: (task) => (
      <>
        <Status name={task.status} /> {task.blocked && <Blocked />}
      </>
    ),
  },
  {
    name: "priority",
    title: "Priority",
    sort: "priority",
    first: "-",
    cell: ({ priority }) => <Priority value={priority} />,
  },
  {
    name: "assignee_id",
    title: "Assignee",
    cell: ({ assignee_id }) => (assignee_id ? <Person id={assignee_id} /> : <Avatar id={null} />),
  },
  {
    name: "due_date",
    title: "Due",
    sort: "due_date",
    cell: (task) => task.due_date && <Due date={task.due_date} isOpen={isOpen(task)} />,
  },
  { name: "labels", title: "Labels", cell: ({ labels }) => <Labels labels={labels} most={3} /> },
  {
    name: "project",
    title: "Project",
    sort: "key",
    cell: ({ project }) => <span class="key">{project}</span>,
  },
  {
    name: "updated_at",
    title: "Changed",
    sort: "updated_at",
    first: "-",
    cell: ({ updated_at }) => <Ago at={updated_at} />,
  },
  {
    name: "created_at",
    title: "Created",
    sort: "created_at",
    first: "-",
    cell: ({ created_at }) => <Ago at={created_at} />,
  },
];

const DEFAULT = ["status", "priority", "assignee_id", "due_date", "labels", "updated_at"];

export const columns = computed(() => {
  const names = query.value.get("columns")?.split(",") ?? DEFAULT;
  return ALL.filter((column) => names.includes(column.name));
});

export function pickColumns(): void {
  const isShown = (name: string) => columns.peek().some((column) => column.name === name);
  showPicker({
    title: "Columns",
    label: "Column",
    several: true,
    find: (text) => {
      const options = ALL.map(({ name, title }) => ({ id: name, label: title, checked: isShown(name) }));
      return matching(options, text);
    },
    onPick: ({ id }) => {
      const names = ALL.map(({ name }) => name).filter((name) => isShown(name) !== (name === id));
      setQuery({ columns: names.join() === DEFAULT.join() ? null : names.join() || "key" });
    },
  });
}
