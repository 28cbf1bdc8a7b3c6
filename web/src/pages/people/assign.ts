// Gives a task to another person, and says what came of it.
import type { Task } from "../../api/client";
import { type MenuItem, showMenu } from "../../parts/menu";
import { attempt } from "../../state/attempts";
import { me, nameOf } from "../../state/session";
import { roomText } from "../../state/texts";
import type { Row } from "./people";

export function assign(task: Task, userId: string | null): void {
  if (task.assignee_id === userId) return;
  const name = nameOf(userId);
  void attempt({
    task,
    change: { assignee_id: userId },
    label: `Assign ${task.key} to ${name}`,
    done: `${task.key} is assigned to ${name}`,
    undo: { assignee_id: task.assignee_id },
    preview: { assignee_id: userId },
    version: task.version,
  });
}

// Offers everybody to whom a task can be given: the way without a pointer.
export function chooseAssignee(anchor: HTMLElement, task: Task, people: readonly Row[]): void {
  const items: MenuItem[] = people
    .filter((person) => person.active)
    .map((person) => ({
      label: person.id === me.value.id ? `${person.name} (you)` : person.name,
      hint: roomOf(person),
      checked: person.id === task.assignee_id,
      run: () => assign(task, person.id),
    }));
  const nobody = { label: "Nobody", checked: task.assignee_id === null, run: () => assign(task, null) };
  showMenu(anchor, `Assign ${task.key}`, [...items, nobody]);
}

// Nothing if the policy has no limit.
export function roomOf({ wip_room: room }: Row): string | undefined {
  return room === null || room === undefined ? undefined : roomText(room);
}
