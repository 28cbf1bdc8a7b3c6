// The columns, in lanes if somebody wants them.

import { combine } from "@atlaskit/pragmatic-drag-and-drop/combine";
import { dropTargetForElements, monitorForElements } from "@atlaskit/pragmatic-drag-and-drop/element/adapter";
import { autoScrollForElements } from "@atlaskit/pragmatic-drag-and-drop-auto-scroll/element";
import { extractClosestEdge } from "@atlaskit/pragmatic-drag-and-drop-hitbox/closest-edge/extract-closest-edge";
import { useComputed } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Task } from "../../api/client";
import { Priority, Status } from "../../parts/chips";
import { Person } from "../../parts/person";
import { showFailure } from "../../parts/toast";
import { nameOf, workflow } from "../../state/session";
import { findTask } from "../../state/tasks";
import { statusText } from "../../state/texts";
import type { Board, Column } from "./board";
import { Card } from "./card";
import { lanes } from "./filters";
import { type Group, groupsOf } from "./groups";
import { moveByKey } from "./keys";
import { dragging, type LaneValue, moveCard, type Verdict, verdict } from "./moves";
import { Room, Rooms, roomFor } from "./rooms";

interface Lane {
  // Empty if there is but one lane.
  name: string;
  value?: LaneValue;
}

export function Grid({ board }: { board: Board }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const scroller = element.current;
    if (!scroller) return;
    return combine(
      autoScrollForElements({ element: scroller }),
      monitorForElements({
        onDrop: ({ source, location }) => drop(board, source.data.task as Task, location.current.dropTargets),
      }),
    );
  }, [board]);
  const shown = useComputed(() => lanesOf(board));
  return (
    <>
      <Rooms board={board} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the cards inside */}
      <div
        ref={element}
        class="board"
        style={{ "--count": board.columns.length }}
        onKeyDown={(event) => moveByKey(event, board)}
      >
        <div class="columns heads">
          {board.columns.map((column) => (
            <Head key={column.status} column={column} />
          ))}
        </div>
        {shown.value.map((lane) => (
          <LaneRow key={lane.name} lane={lane} board={board} />
        ))}
        <div class="columns">
          {board.columns.map((column) => (
            <More key={column.status} column={column} board={board} />
          ))}
        </div>
      </div>
    </>
  );
}

type DropTargets = { data: Record<string | symbol, unknown> }[];

function drop(board: Board, task: Task, targets: DropTargets): void {
  const cell = targets.find(({ data }) => data.status)?.data;
  if (!cell) return;
  const card = targets.find(({ data }) => data.card)?.data;
  const side = card && extractClosestEdge(card) === "top" ? ("above" as const) : ("below" as const);
  const neighbour = card ? { id: String(card.card), side } : undefined;
  const lane = cell.lane as LaneValue | undefined;
  void moveCard(board, task, { status: String(cell.status), neighbour, lane }).catch(showFailure);
}

function Head({ column }: { column: Column }) {
  const says = verdictOf(column);
  return (
    <div class={`head ${says?.kind ?? ""}`}>
      <h2>
        <Status name={column.status} />
        <span class="count">{column.total.value.toLocaleString()}</span>
      </h2>
      {says && <p title={says.text}>{says.text}</p>}
    </div>
  );
}

// What a column says about the card that is being dragged.
function verdictOf(column: Column): Verdict | null {
  const { task, transitions } = dragging.value ?? {};
  const transition = transitions?.find(({ to }) => to === column.status);
  if (!task || !transition || task.status === column.status) return null;
  const says = verdict(transition);
  const room = says.kind === "refused" ? undefined : roomFor(task, column);
  return room ? { ...says, text: `${says.text}. ${room}` } : says;
}

function LaneRow({ lane, board }: { lane: Lane; board: Board }) {
  const columns = (
    <div class="columns">
      {board.columns.map((column) => (
        <Cell key={column.status} column={column} lane={lane} board={board} />
      ))}
    </div>
  );
  if (!lane.name) return columns;
  return (
    <section class="lane" aria-label={lane.name}>
      <h3>{laneHead(lane)}</h3>
      {columns}
    </section>
  );
}

function laneHead({ value }: Lane) {
  if (!value) return null;
  if ("assignee_id" in value)
    return (
      <>
        <Person id={value.assignee_id} /> <Room of={value.assignee_id} />
      </>
    );
  return (
    <span class="person">
      <Priority value={value.priority} />
      {value.priority}
    </span>
  );
}

const CARD_HEIGHT = 6; // rem; that of a card which has not been in view yet, so nobody knows it

function Cell({ column, lane, board }: { column: Column; lane: Lane; board: Board }) {
  const element = useRef<HTMLDivElement>(null);
  const shown = useComputed(() => column.ids.value.filter((id) => isIn(id, lane)));
  const groups = useRef<readonly Group[]>([]);
  groups.current = groupsOf(shown.value, groups.current);
  useEffect(() => {
    const cell = element.current;
    if (!cell) return;
    return dropTargetForElements({
      element: cell,
      getData: () => ({ status: column.status, lane: lane.value }),
      onDragStart: () => cell.classList.add("over"),
      onDragEnter: () => cell.classList.add("over"),
      onDragLeave: () => cell.classList.remove("over"),
      onDrop: () => cell.classList.remove("over"),
    });
  }, [column, lane]);
  const name = lane.name ? `${statusText(column.status)}, ${lane.name}` : statusText(column.status);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a <ul> must contain its items directly, without groups
    <div ref={element} role="list" class="cell" aria-label={name} data-status={column.status}>
      {groups.current.map((group) => (
        <CardGroup key={group.key} group={group} board={board} />
      ))}
    </div>
  );
}

// Is drawn again only if its group is another one: with thousands of cards, looking at each takes longer than
// moving one.
function CardGroup({ group, board }: { group: Group; board: Board }) {
  return useMemo(
    () => (
      <div
        class="card-group"
        style={{ containIntrinsicBlockSize: `auto ${group.ids.length * CARD_HEIGHT}rem` }}
      >
        {group.ids.map((id) => (
          <Card key={id} id={id} board={board} />
        ))}
      </div>
    ),
    [group, board],
  );
}

function isIn(id: string, { value }: Lane): boolean {
  if (!value) return true;
  const task = findTask(id);
  if (!task) return false;
  return "assignee_id" in value ? task.assignee_id === value.assignee_id : task.priority === value.priority;
}

// Lanes by the people who have cards here, or by priority. Objects are kept, so that cells need not be redone.
const known = new Map<string, Lane>();

function lanesOf(board: Board): Lane[] {
  if (lanes.value === "none") return [keep("", { name: "" })];
  if (lanes.value === "priority")
    return workflow.value.priorities
      .map((name) => name as Task["priority"])
      .toReversed()
      .map((priority) => keep(`priority ${priority}`, { name: `${priority} priority`, value: { priority } }));
  const ids = board.columns.flatMap((column) => column.ids.value);
  const people = new Set(ids.map((id) => findTask(id)?.assignee_id ?? null));
  const sorted = [...people].sort(
    (one, other) => Number(!one) - Number(!other) || nameOf(one).localeCompare(nameOf(other)),
  );
  return sorted.map((id) => keep(`assignee ${id}`, { name: nameOf(id), value: { assignee_id: id } }));
}

function keep(key: string, lane: Lane): Lane {
  const found = known.get(key) ?? lane;
  known.set(key, found);
  return found;
}

// The end of a column: the next page is read when it comes into view.
function More({ column, board }: { column: Column; board: Board }) {
  const element = useRef<HTMLDivElement>(null);
  const next = column.next.value;
  useEffect(() => {
    if (!element.current || !next) return;
    const observer = new IntersectionObserver(
      (entries) =>
        entries.some((entry) => entry.isIntersecting) && void board.readMore(column).catch(showFailure),
      { rootMargin: "600px" },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [board, column, next]);
  return (
    <div ref={element} class="column-end">
      {next && (
        <button type="button" class="quiet" onClick={() => void board.readMore(column).catch(showFailure)}>
          Show more
        </button>
      )}
    </div>
  );
}
