// Entries of the log in plain words.
import type { Schemas } from "../../api/client";
import { nameOf } from "../../state/session";
import { findTask } from "../../state/tasks";
import { dueText, statusText } from "../../state/texts";

export type Entry = Pick<Schemas["Change"], "kind" | "before" | "after">;

type Values = { before: unknown; after: unknown };
type Describe = (values: Values, entry: Entry) => string;

// Returns what somebody did, to follow their name: "moved it from Todo to In progress".
export function describe(entry: Entry): string {
  const whole = WHOLE[entry.kind];
  if (whole) return whole;
  const names = Object.keys(entry.after);
  const texts = names.map((name) => FIELDS[name]?.(valuesOf(entry, name), entry)).filter(Boolean);
  return texts.join(", and ") || "changed it";
}

const valuesOf = ({ before, after }: Entry, name: string): Values => ({
  before: before[name],
  after: after[name],
});

const WHOLE: Partial<Record<Schemas["ChangeKind"], string>> = {
  "task.created": "created the task",
  "task.binned": "moved it to the bin",
  "task.restored": "restored it from the bin",
};

const FIELDS: Record<string, Describe> = {
  title: ({ before, after }) => `renamed it from “${before}” to “${after}”`,
  description: () => "changed the description",
  status: ({ before, after }) =>
    `moved it from ${statusText(String(before))} to ${statusText(String(after))}`,
  priority: ({ before, after }) => `changed the priority from ${before} to ${after}`,
  assignee_id: ({ before, after }) => {
    if (!after) return `took it from ${nameOf(String(before))}`;
    const from = before ? ` instead of ${nameOf(String(before))}` : "";
    return `assigned it to ${nameOf(String(after))}${from}`;
  },
  due_date: ({ before, after }) => {
    if (!after) return `removed the due date, ${dueText(String(before))}`;
    if (!before) return `set the due date to ${dueText(String(after))}`;
    return `changed the due date from ${dueText(String(before))} to ${dueText(String(after))}`;
  },
  labels: (values) => listText(values, "the label", String),
  blocked_by: (values) => listText(values, "the blocker", keyOf),
  parent_id: ({ after }) => (after ? `made it a subtask of ${keyOf(after)}` : "took it out of its parent"),
  project: ({ before, after }, entry) => {
    const [from, to] = [entry.before.key ?? before, entry.after.key ?? after];
    return `moved it from ${from} to ${to}`;
  },
  rank: (_, entry) => (entry.kind === "task.ranked" ? "changed its place in the order by hand" : ""),
};

const keyOf = (id: unknown) => findTask(String(id))?.key ?? "another task";

function listText({ before, after }: Values, noun: string, text: (item: unknown) => string): string {
  const [old, now] = [list(before), list(after)];
  const added = now.filter((item) => !old.includes(item)).map(text);
  const removed = old.filter((item) => !now.includes(item)).map(text);
  const phrase = (verb: string, items: string[]) =>
    items.length ? `${verb} ${noun}${items.length > 1 ? "s" : ""} ${items.join(", ")}` : "";
  return [phrase("added", added), phrase("removed", removed)].filter(Boolean).join(" and ");
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
