// A card: a link to the task, its marks, and its menu. It can be dragged.
import { combine } from "@atlaskit/pragmatic-drag-and-drop/combine";
import { draggable, dropTargetForElements } from "@atlaskit/pragmatic-drag-and-drop/element/adapter";
import { attachClosestEdge } from "@atlaskit/pragmatic-drag-and-drop-hitbox/closest-edge/attach-closest-edge";
import { extractClosestEdge } from "@atlaskit/pragmatic-drag-and-drop-hitbox/closest-edge/extract-closest-edge";
import { useEffect, useRef } from "preact/hooks";
import type { Task } from "../../api/client";
import { Blocked, Due, Labels, Priority } from "../../parts/chips";
import { Icon } from "../../parts/icon";
import { type MenuItem, showMenu } from "../../parts/menu";
import { Avatar } from "../../parts/person";
import { showFailure } from "../../parts/toast";
import { type Attempt, attempt, binAttempt } from "../../state/attempts";
import { navigate } from "../../state/router";
import { mayWrite, me, nameOf, workflow } from "../../state/session";
import { findTask, isPending, taskSignal } from "../../state/tasks";
import type { Board } from "./board";
import { sort } from "./filters";
import { dragging, moveItems, startDragging } from "./moves";

export function Card({ id, board }: { id: string; board: Board }) {
  const task = taskSignal(id).value;
  const element = useRef<HTMLDivElement>(null);
  useDragging(element, id);
  const isOpen = task.category === "unstarted" || task.category === "started";
  return (
    // biome-ignore lint/a11y/useSemanticElements: the list of cards is no <ul>, because it has groups
    <div ref={element} role="listitem" class={isPending(id) ? "card pending" : "card"} data-card={id}>
      <div class="card-top">
        <span class="key">{task.key}</span>
        {task.parent_id && (
          <span class="mark" title="A subtask">
            <Icon name="subtask" />
            <span class="unseen">Subtask</span>
          </span>
        )}
        <button
          type="button"
          class="quiet square"
          aria-label={`Menu of ${task.key}`}
          aria-haspopup="menu"
          onClick={(event) => showCardMenu(event.currentTarget, board, id)}
        >
          <Icon name="more" />
        </button>
      </div>
      <a href={`/tasks/${task.key}`} draggable={false}>
        {task.title}
      </a>
      <div class="card-marks">
        <Priority value={task.priority} />
        {task.due_date && <Due date={task.due_date} isOpen={isOpen} />}
        {task.blocked && isOpen && <Blocked />}
        <Labels labels={task.labels} />
        {task.assignee_id && (
          <span class="assignee">
            <Avatar id={task.assignee_id} />
            <span class="unseen">Assigned to {nameOf(task.assignee_id)}</span>
          </span>
        )}
      </div>
    </div>
  );
}

// Reads nothing from signals while the card is drawn, so that a drag redraws no cards.
function useDragging(element: { current: HTMLDivElement | null }, id: string): void {
  useEffect(() => {
    const card = element.current;
    if (!card || !mayWrite.peek()) return;
    const mark = (edge: string | null) => {
      if (edge) card.dataset.edge = edge;
      else delete card.dataset.edge;
    };
    return combine(
      draggable({
        element: card,
        getInitialData: () => ({ task: findTask(id) as Task }),
        onDragStart: () => {
          card.classList.add("dragged");
          void startDragging(findTask(id) as Task);
        },
        onDrop: () => {
          card.classList.remove("dragged");
          dragging.value = null;
        },
      }),
      dropTargetForElements({
        element: card,
        canDrop: ({ source }) => sort.peek() === "rank" && (source.data.task as Task).id !== id,
        getData: ({ input }) =>
          attachClosestEdge({ card: id }, { input, element: card, allowedEdges: ["top", "bottom"] }),
        onDrag: ({ self }) => mark(extractClosestEdge(self.data)),
        onDragLeave: () => mark(null),
        onDrop: () => mark(null),
      }),
    );
  }, [element, id]);
}

export function showMoveMenu(anchor: HTMLElement, board: Board, id: string): void {
  const task = findTask(id);
  if (!task) return;
  moveItems(board, task, sort.peek() === "rank").then(
    (items) => showMenu(anchor, `Move ${task.key}`, items),
    showFailure,
  );
}

function showCardMenu(anchor: HTMLElement, board: Board, id: string): void {
  const task = findTask(id);
  if (!task) return;
  const change = (label: string, done: string, fields: Attempt["change"], undo: Attempt["change"]) => () =>
    void attempt({
      task,
      label,
      done,
      change: fields,
      preview: fields as Partial<Task>,
      undo,
      version: task.version,
      onProgress: () => board.replace(id),
    });
  const open: MenuItem = { label: "Open", run: () => navigate(`/tasks/${task.key}`) };
  const mine = task.assignee_id === me.value.id;
  const assignee: MenuItem = mine
    ? {
        label: "Give it up",
        run: change(
          `Give up ${task.key}`,
          `${task.key} is assigned to nobody`,
          { assignee_id: null },
          { assignee_id: me.value.id },
        ),
      }
    : {
        label: "Assign to me",
        run: change(
          `Assign ${task.key} to yourself`,
          `${task.key} is assigned to you`,
          { assignee_id: me.value.id },
          { assignee_id: task.assignee_id },
        ),
      };
  const priorities: MenuItem[] = workflow.value.priorities.map((priority) => ({
    label: `Priority: ${priority}`,
    checked: task.priority === priority,
    run: change(
      `Make ${task.key} ${priority}`,
      `The priority of ${task.key} is ${priority}`,
      { priority: priority as Task["priority"] },
      { priority: task.priority },
    ),
  }));
  const bin: MenuItem = { label: "Move to the bin", danger: true, run: () => void attempt(binAttempt(task)) };
  const move: MenuItem = { label: "Move…", hint: "M", run: () => showMoveMenu(anchor, board, id) };
  showMenu(anchor, task.key, mayWrite.value ? [open, move, assignee, ...priorities, bin] : [open]);
}
