// The small marks of a task: priority, due date, labels, blocked, subtask.
import { workflow } from "../state/session";
import { dueText, isPast, statusText } from "../state/texts";
import { Icon } from "./icon";

export function Priority({ value }: { value: string }) {
  return (
    <span class={`priority ${value}`} title={`Priority: ${value}`}>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M2.5 10h2v4h-2z" />
        <path d="M7 6h2v8H7z" />
        <path d="M11.5 2h2v12h-2z" />
      </svg>
      <span class="unseen">{value} priority</span>
    </span>
  );
}

export function Due({ date, isOpen }: { date: string; isOpen: boolean }) {
  const late = isOpen && isPast(date);
  return (
    <span class={late ? "chip late" : "chip"} title={`Due ${dueText(date)}`}>
      <Icon name="clock" />
      <span class="unseen">{late ? "Overdue since" : "Due"} </span>
      {dueText(date)}
    </span>
  );
}

// Shows the first labels, and how many more there are.
export function Labels({ labels, most = 5 }: { labels: readonly string[]; most?: number }) {
  const others = labels.slice(most);
  return (
    <>
      {labels.slice(0, most).map((label) => (
        <span class="chip" key={label} title={label}>
          {label}
        </span>
      ))}
      {others.length > 0 && (
        <span class="chip" title={others.join(", ")}>
          +{others.length}
          <span class="unseen"> more labels</span>
        </span>
      )}
    </>
  );
}

export function Blocked() {
  return (
    <span class="chip blocked">
      <Icon name="blocked" />
      Blocked
    </span>
  );
}

// A status, with a dot in the colour of its category.
export function Status({ name }: { name: string }) {
  const category = workflow.value.statuses.find((status) => status.name === name)?.category ?? "unknown";
  return (
    <span class={`status ${category}`}>
      <span class="dot" aria-hidden="true" />
      {statusText(name)}
    </span>
  );
}
