// Gives a task to another person, and says what came of it.
import type { Task } from "../../api/client";
import { announce } from "../../parts/live";
import { type MenuItem, showMenu } from "../../parts/menu";
import { showToast } from "../../parts/toast";
import { me, nameOf } from "../../state/session";
import { changeTask } from "../../state/tasks";
import type { Row } from "./people";

export async function assign(task: Task, userId: string | null): Promise<void> {
  const former = task.assignee_id;
  if (former === userId) return;
  const name = nameOf(userId);
  const outcome = await changeTask(
    task.id,
    { assignee_id: userId },
    { preview: { assignee_id: userId }, version: task.version },
  );
  if (outcome.kind !== "done") {
    const text = `${task.key} was not assigned to ${name}: ${outcome.problem.detail}`;
    showToast({ text, kind: "failure" });
    return;
  }
  announce(`${task.key} is assigned to ${name}.`);
  showToast({
    text: `${task.key} is assigned to ${name}.`,
    action: { label: "Undo", run: () => void assign(outcome.task, former) },
  });
}

// Offers everybody to whom a task can be given: the way without a pointer.
export function chooseAssignee(anchor: HTMLElement, task: Task, people: readonly Row[]): void {
  const items: MenuItem[] = people
    .filter((person) => person.active)
    .map((person) => ({
      label: person.id === me.value.id ? `${person.name} (you)` : person.name,
      hint: roomText(person),
      checked: person.id === task.assignee_id,
      run: () => void assign(task, person.id),
    }));
  const nobody = { label: "Nobody", checked: task.assignee_id === null, run: () => void assign(task, null) };
  showMenu(anchor, `Assign ${task.key}`, [...items, nobody]);
}

// How many more tasks somebody may start; nothing if the policy has no limit.
export function roomText(person: Row): string | undefined {
  const room = person.wip_room;
  if (room === null || room === undefined) return undefined;
  return room === 0 ? "no room for more" : `room for ${room} more`;
}
