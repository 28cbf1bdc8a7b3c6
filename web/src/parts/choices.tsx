// What can be chosen in a picker: people, projects, labels and tasks.
import { api, content, type Task } from "../api/client";
import { me, openProjects, users } from "../state/session";
import { statusText } from "../state/texts";
import { Avatar } from "./person";
import { matching, type Option } from "./picker";

export const NOBODY = "none";
export const PAUSE = 150; // milliseconds

// The people to whom tasks can be assigned, oneself first.
export function people(text: string, checked: (id: string) => boolean, nobody = "Nobody"): Option[] {
  const mine = (id: string) => (id === me.value.id ? 0 : 1);
  const active = [...users.value.values()]
    .filter((user) => (user.active && user.role !== "viewer") || checked(user.id))
    .sort((one, other) => mine(one.id) - mine(other.id) || one.name.localeCompare(other.name));
  const options = active.map((user) => ({
    id: user.id,
    label: user.name,
    hint: `@${user.username}${user.id === me.value.id ? " (you)" : ""}`,
    checked: checked(user.id),
    mark: <Avatar id={user.id} />,
  }));
  const none = { id: NOBODY, label: nobody, checked: checked(NOBODY), mark: <Avatar id={null} /> };
  return matching([...options, none], text);
}

export function projectOptions(text: string, checked: (key: string) => boolean): Option[] {
  const options = openProjects.value.map(({ key, name }) => ({
    id: key,
    label: name,
    hint: key,
    checked: checked(key),
  }));
  return matching(options, text);
}

const MAX_LABELS = 50;

// The labels in use that begin like this, and the text itself as a new one.
export async function labelOptions(text: string, chosen: readonly string[], isNew = true): Promise<Option[]> {
  const query = { prefix: text.trim() || undefined, limit: MAX_LABELS };
  const { items } = await content(api.GET("/api/v1/labels", { params: { query } }));
  const found = items.map(({ label, open }) => ({ id: label, label, hint: `${open} open` }));
  const others = chosen.filter(
    (label) => label.startsWith(text.trim()) && !found.some(({ id }) => id === label),
  );
  const options: Option[] = [...others.map((label) => ({ id: label, label })), ...found].map((option) => ({
    ...option,
    checked: chosen.includes(option.id),
  }));
  const typed = text.trim();
  if (typed && isNew && !options.some(({ id }) => id === typed))
    options.push({ id: typed, label: typed, hint: "new label" });
  return options;
}

const MAX_TASKS = 12;

// The tasks that a text finds: by words, or by a key.
export async function taskOptions(text: string, except: ReadonlySet<string>): Promise<Option[]> {
  const typed = text.trim();
  const isKey = /^[a-z][a-z0-9]+-\d+$/i.test(typed);
  const query = isKey ? { id: [typed] } : { q: typed.slice(0, 200) || undefined };
  const params = { query: { ...query, limit: MAX_TASKS + except.size } };
  const { items } = await content(api.GET("/api/v1/tasks", { params }));
  return (items as Task[])
    .filter((task) => !except.has(task.id))
    .slice(0, MAX_TASKS)
    .map((task) => ({ id: task.id, label: `${task.key} ${task.title}`, hint: statusText(task.status) }));
}
