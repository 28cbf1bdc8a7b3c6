// How many more tasks the people in view may start, by the limit of the policy.
import { effect, signal, untracked } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, content, type Task } from "../../api/client";
import { Avatar } from "../../parts/person";
import { showFailure } from "../../parts/toast";
import { onChange } from "../../state/events";
import { nameOf, users, workflow } from "../../state/session";
import { roomText } from "../../state/texts";
import type { Board, Column } from "./board";
import { lanes } from "./filters";

const GATHERING = 500; // milliseconds in which changes are gathered before the rooms are read again
const MAX_PEOPLE = 100;

// By the ids of the users.
export const rooms = signal<ReadonlyMap<string, number>>(new Map());

// In lanes by assignee, the head of each lane says it.
export function Rooms({ board }: { board: Board }) {
  useEffect(() => followRooms(board), [board]);
  const people = [...rooms.value].sort(([one], [other]) => nameOf(one).localeCompare(nameOf(other)));
  if (!workflow.value.limits.wip || lanes.value === "assignee") return null;
  return (
    <ul class="rooms" aria-label="Room for more started tasks">
      {people.map(([id, room]) => (
        <li key={id} class={room ? undefined : "full"} title={`${nameOf(id)}: ${roomText(room)}`}>
          <Avatar id={id} />
          <span aria-hidden="true">{room}</span>
          <span class="unseen">
            {nameOf(id)}: {roomText(room)}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Room({ of }: { of: string | null }) {
  const room = of ? rooms.value.get(of) : undefined;
  return room === undefined ? null : <small class={room ? "hint" : "full"}>{roomText(room)}</small>;
}

// Returns what a column says about the assignee of a card that would be started there.
export function roomFor(task: Task, column: Pick<Column, "category">): string | undefined {
  const room = rooms.value.get(task.assignee_id ?? "");
  if (room === undefined || column.category !== "started" || task.category === "started") return undefined;
  return `${nameOf(task.assignee_id)} has ${roomText(room)}`;
}

// Reads the rooms now, with each page of a column, and some time after the first of several changes.
function followRooms(board: Board): () => void {
  if (!workflow.value.limits.wip) return () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const read = () => {
    clearTimeout(timer);
    timer = undefined;
    readRooms(board.assignees()).then((found) => {
      rooms.value = found;
    }, showFailure);
  };
  const readSoon = () => {
    timer ??= setTimeout(read, GATHERING);
  };
  const stopPages = effect(() => {
    for (const column of board.columns) void column.next.value;
    untracked(read);
  });
  const stopChanges = onChange((change) => change.entity === "task" && readSoon());
  return () => {
    clearTimeout(timer);
    stopPages();
    stopChanges();
  };
}

async function readRooms(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const username = [...ids].map((id) => users.peek().get(id)?.username).filter((name) => name !== undefined);
  if (!username.length) return new Map();
  const query = { username: username.slice(0, MAX_PEOPLE), include: "tasks", tasks_limit: 0 } as const;
  const { items } = await content(
    api.GET("/api/v1/users", { params: { query: { ...query, limit: MAX_PEOPLE } } }),
  );
  return new Map(items.map((user) => [user.id, user.wip_room ?? 0]));
}
