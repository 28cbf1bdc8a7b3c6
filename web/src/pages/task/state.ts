// The task that the page shows, and the tasks that it is related to. Changes of any of them are followed.
import { signal } from "@preact/signals";
import { api, type Change, content, type Task } from "../../api/client";
import { ProblemError } from "../../api/problems";
import { onChange } from "../../state/events";
import { findTask, putTasks } from "../../state/tasks";

const GATHERING = 30; // milliseconds
const MAX_SUBTASKS = 200;

export class TaskPage {
  // Null until it has been read.
  readonly id = signal<string | null>(null);
  readonly failure = signal<unknown>(null);
  readonly subtasks = signal<readonly string[]>([]);
  // The parent, the blockers and the tasks that wait, as far as they have been read.
  readonly others = signal<ReadonlySet<string>>(new Set());
  // Raised by every change of the task or its comments.
  readonly turn = signal(0);
  readonly commentTurn = signal(0);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;
  private readonly stop: () => void;

  constructor(readonly key: string) {
    this.stop = onChange((change) => this.hear(change));
    void this.read();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.stop();
  }

  get task(): Task | undefined {
    return this.id.value ? findTask(this.id.value) : undefined;
  }

  private hear(change: Change): void {
    const id = this.id.peek();
    if (!id) return;
    if (change.entity === "comment" && isAbout(change, "task_id", id)) this.commentTurn.value += 1;
    if (change.entity !== "task" || !this.concerns(change, id)) return;
    if (change.entity_id === id) this.turn.value += 1;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.read();
    }, GATHERING);
  }

  private concerns(change: Change, id: string): boolean {
    return (
      change.entity_id === id ||
      this.others.peek().has(change.entity_id) ||
      this.subtasks.peek().includes(change.entity_id) ||
      isAbout(change, "parent_id", id) ||
      isAbout(change, "blocked_by", id)
    );
  }

  private async read(): Promise<void> {
    try {
      const task = await readTask(this.id.peek() ?? this.key);
      const related = await readRelated(task);
      if (this.isClosed) return;
      putTasks([task, ...related.others, ...related.subtasks]);
      this.others.value = new Set(related.others.map((other) => other.id));
      this.subtasks.value = related.subtasks.map((other) => other.id);
      this.id.value = task.id;
      this.failure.value = null;
    } catch (failure) {
      this.failure.value = failure;
    }
  }
}

// A comment that is changed names its task only if the entry is the one of its creation.
function isAbout({ before, after, kind }: Change, field: string, id: string): boolean {
  const names = (value: unknown) => value === id || (Array.isArray(value) && value.includes(id));
  if (field === "task_id" && kind !== "comment.created") return true;
  return names(before[field]) || names(after[field]);
}

// A task in the bin is only in the list of the bin.
async function readTask(key: string): Promise<Task> {
  try {
    const params = { path: { task_id: key }, query: { include: ["derived" as const] } };
    return (await content(api.GET("/api/v1/tasks/{task_id}", { params }))) as Task;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code !== "not_found") throw error;
    const query = { id: [key], bin: true, limit: 1 };
    const { items } = await content(api.GET("/api/v1/tasks", { params: { query } }));
    if (!items[0]) throw error;
    return items[0] as Task;
  }
}

const MAX_IDS = 100; // of a request

async function readRelated(task: Task): Promise<{ others: Task[]; subtasks: Task[] }> {
  const ids = [task.parent_id, ...task.blocked_by, ...(task.blocks ?? [])].filter((id) => id !== null);
  const list = async (query: object) =>
    (await content(api.GET("/api/v1/tasks", { params: { query } }))).items as Task[];
  const [others, subtasks] = await Promise.all([
    ids.length ? list({ id: ids.slice(0, MAX_IDS), limit: MAX_IDS }) : [],
    list({ parent: [task.id], sort: ["rank"], limit: MAX_SUBTASKS }),
  ]);
  return { others, subtasks };
}
