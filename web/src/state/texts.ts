// Values as people read them.
import { nameOf, workflow } from "./session";

// `in_progress` becomes "In progress".
export function statusText(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const isPlainDate = (due: string) => due.length === 10;

// A plain date is over as the day ends in the service's time zone.
export function isPast(due: string, now = new Date()): boolean {
  if (!isPlainDate(due)) return new Date(due) < now;
  return due < dayIn(workflow.value.time_zone, now);
}

// Returns a date as `2027-03-31`, in a time zone.
export function dayIn(timeZone: string, moment: Date): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" }).format(moment);
}

// "today", "tomorrow", "Mon 3 Mar", or with the year if it is another one; with the time if there is one.
export function dueText(due: string, now = new Date()): string {
  if (!isPlainDate(due)) {
    const moment = new Date(due);
    const time = moment.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
    return `${dayText(dayIn(localZone(), moment), localZone(), now)}, ${time}`;
  }
  return dayText(due, workflow.value.time_zone, now);
}

const DAY = 24 * 60 * 60 * 1000; // milliseconds
const NEAR: Record<number, string> = { [-1]: "yesterday", 0: "today", 1: "tomorrow" };

function dayText(day: string, zone: string, now: Date): string {
  const today = dayIn(zone, now);
  const distance = Math.round((Date.parse(day) - Date.parse(today)) / DAY);
  const near = NEAR[distance];
  if (near) return near;
  const year = day.slice(0, 4) === today.slice(0, 4) ? undefined : "numeric";
  const format = { weekday: "short", day: "numeric", month: "short", year, timeZone: "UTC" } as const;
  return new Date(`${day}T00:00:00Z`).toLocaleDateString(undefined, format);
}

function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;
}

// How many more tasks somebody may start.
export function roomText(room: number): string {
  return room === 0 ? "no room for more" : `room for ${room} more`;
}

const FIELD_TEXTS: Record<string, (value: unknown) => string> = {
  status: (value) => `status is ${statusText(String(value))}`,
  assignee_id: (value) => `assignee is ${nameOf(value as string | null)}`,
  priority: (value) => `priority is ${value}`,
  due_date: (value) => (value ? `due ${dueText(String(value))}` : "no due date"),
  title: (value) => `title is “${value}”`,
  rank: () => "another place",
  description: () => "another description",
  labels: (value) => `labels are ${(value as string[]).join(", ") || "none"}`,
  blocked_by: () => "other blockers",
  project: (value) => `project is ${value}`,
  parent_id: () => "another parent",
};

// Returns a field of the log as people say it, or nothing for what only follows from another field.
export function fieldText(name: string, value: unknown): string {
  return FIELD_TEXTS[name]?.(value) ?? "";
}
