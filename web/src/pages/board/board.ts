// The tasks of the board, by status. It reads them by page, and follows the changes.
import { batch, type Signal, signal } from "@preact/signals";
import { api, content, type Schemas, type Task } from "../../api/client";
import { showFailure } from "../../parts/toast";
import { workflow } from "../../state/session";
import { findTask, onTaskChanges, putTasks } from "../../state/tasks";
import type { SortName } from "./filters";
import { comparison, placeOf } from "./order";

export interface Column {
  status: string;
  category: string;
  ids: Signal<readonly string[]>;
  total: Signal<number>;
  // The cursor of the next page; null if all are here.
  next: Signal<string | null>;
  isReading: boolean;
}

const PAGE = 100;
const MAX_IDS = 100; // of a request
// Beyond this many changes at once, reading the board again is cheaper.
const MANY = 300;
const COUNT_PAUSE = 1_000; // milliseconds

let boards = 0;

export class Board {
  // Another one for each board, so that nothing of a former board is drawn again.
  readonly number = ++boards;
  readonly columns: readonly Column[];
  readonly isLoaded = signal(false);
  private readonly compare: (one: Task, other: Task) => number;
  private stop: () => void = () => {};
  private counting: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;

  constructor(
    private readonly filters: Record<string, string>,
    private readonly sort: SortName,
  ) {
    this.compare = comparison(sort);
    this.columns = workflow.value.statuses.map(({ name, category }) => ({
      status: name,
      category,
      ids: signal([]),
      total: signal(0),
      next: signal<string | null>(null),
      isReading: false,
    }));
  }

  async open(): Promise<void> {
    this.stop = onTaskChanges({
      onApplied: (id) => this.columnOf(id) && this.replace(id),
      onChanged: (ids) => void this.follow(ids).catch(showFailure),
    });
    await this.readAll();
    this.isLoaded.value = true;
  }

  close(): void {
    this.isClosed = true;
    this.stop();
    clearTimeout(this.counting);
  }

  // Reads the next page of a column.
  async readMore(column: Column): Promise<void> {
    const cursor = column.next.value;
    if (!cursor || column.isReading) return;
    await this.read(column, cursor);
  }

  columnOf(id: string): Column | undefined {
    return this.columns.find((column) => column.ids.peek().includes(id));
  }

  // Returns the ids of those whose open tasks are here.
  assignees(): Set<string> {
    const open = this.columns.filter(({ category }) => category === "unstarted" || category === "started");
    const ids = open.flatMap((column) => column.ids.peek());
    const assignees = ids.map((id) => findTask(id)?.assignee_id);
    return new Set(assignees.filter((id) => typeof id === "string"));
  }

  // Puts a task where it belongs by what is shown of it.
  replace(id: string): void {
    const task = findTask(id);
    const from = this.columnOf(id);
    const to = task && this.columns.find((column) => column.status === task.status);
    if (task && to && from === to && this.isInPlace(to, task)) return;
    batch(() => {
      if (from) from.ids.value = from.ids.peek().filter((other) => other !== id);
      if (task && to) this.insert(to, task, from === to);
      if (from && from !== to) from.total.value -= 1;
      if (to && from && from !== to) to.total.value += 1;
    });
  }

  // Most changes leave a card where it is; then nothing has to be laid out again.
  private isInPlace(column: Column, task: Task): boolean {
    const ids = column.ids.peek();
    const at = ids.indexOf(task.id);
    const [above, below] = [findTask(ids[at - 1] ?? ""), findTask(ids[at + 1] ?? "")];
    return !(above && this.compare(above, task) > 0) && !(below && this.compare(task, below) > 0);
  }

  private insert(column: Column, task: Task, wasHere: boolean): void {
    const ids = column.ids.peek();
    const shown = ids.map((id) => findTask(id) as Task);
    const place = placeOf(task, shown, this.compare);
    // What comes after the pages that were read, comes with a later page.
    const isBeyond = place === ids.length && column.next.peek() !== null && !wasHere;
    if (!isBeyond) column.ids.value = ids.toSpliced(place, 0, task.id);
  }

  private async readAll(): Promise<void> {
    await Promise.all(this.columns.map((column) => this.read(column)));
  }

  private async read(column: Column, cursor?: string): Promise<void> {
    column.isReading = true;
    try {
      const page = await this.query({ status: [column.status], limit: PAGE, cursor, total: !cursor });
      if (this.isClosed) return;
      batch(() => {
        putTasks(page.items);
        const known = new Set(cursor ? column.ids.peek() : []);
        const added = page.items.map((task) => task.id).filter((id) => !known.has(id));
        column.ids.value = [...known, ...added];
        column.next.value = page.next;
        if (page.total !== undefined) column.total.value = page.total;
      });
    } finally {
      column.isReading = false;
    }
  }

  private async query(more: Record<string, unknown>) {
    const query = { ...this.filters, sort: [this.sort], include: ["derived"], ...more };
    const page = await content(api.GET("/api/v1/tasks", { params: { query: query as never } }));
    return page as Schemas["TaskPage"];
  }

  // Asks which of these tasks are on the board now, and puts them where they belong.
  private async follow(ids: ReadonlySet<string>): Promise<void> {
    if (ids.size > MANY) return this.readAll();
    const all = [...ids];
    for (let at = 0; at < all.length; at += MAX_IDS) {
      const asked = all.slice(at, at + MAX_IDS);
      const { items } = await this.query({ id: asked, limit: 200, sort: undefined });
      if (this.isClosed) return;
      batch(() => this.take(asked, items));
    }
    this.countSoon();
  }

  private take(asked: readonly string[], found: readonly Task[]): void {
    putTasks(found);
    const present = new Set(found.map((task) => task.id));
    for (const id of asked) {
      if (present.has(id)) this.replace(id);
      else this.remove(id);
    }
  }

  private remove(id: string): void {
    const column = this.columnOf(id);
    if (!column) return;
    column.ids.value = column.ids.peek().filter((other) => other !== id);
    column.total.value -= 1;
  }

  // What is not read cannot be counted here.
  private countSoon(): void {
    for (const column of this.columns)
      if (column.next.peek() === null) column.total.value = column.ids.peek().length;
    clearTimeout(this.counting);
    this.counting = setTimeout(() => void this.count().catch(showFailure), COUNT_PAUSE);
  }

  private async count(): Promise<void> {
    for (const column of this.columns.filter((each) => each.next.peek() !== null)) {
      const page = await this.query({ status: [column.status], limit: 1, total: true, include: undefined });
      column.total.value = page.total ?? column.total.peek();
    }
  }
}
