// The tasks of the list. After a change, the pages that have been read are read again, so that every task is
// where the service sorts it.
import { batch, signal } from "@preact/signals";
import { api, content, type Schemas } from "../../api/client";
import { showFailure } from "../../parts/toast";
import { onTaskChanges, putTasks } from "../../state/tasks";

const FIRST_PAGE = 50;
const MAX_PAGE = 200;
// While changes arrive all the time, the list is read this often.
const PAUSE = 300; // milliseconds

export class List {
  readonly ids = signal<readonly string[]>([]);
  readonly total = signal(0);
  readonly next = signal<string | null>(null);
  private readonly stop: () => void;
  private reading: Promise<void> = Promise.resolve();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;

  constructor(
    private readonly filters: Record<string, string | string[]>,
    private readonly sort: string | null,
  ) {
    this.stop = onTaskChanges({ onChanged: () => this.readSoon() });
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.stop();
  }

  open(): Promise<void> {
    return this.inTurn(() => this.readAgain());
  }

  // Reads the next page.
  readMore(): Promise<void> {
    return this.inTurn(async () => {
      const cursor = this.next.peek();
      if (cursor) this.show(await this.query({ cursor, limit: MAX_PAGE }), this.ids.peek());
    });
  }

  private readSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.inTurn(() => this.readAgain()).catch(showFailure);
    }, PAUSE);
  }

  // One after the other, so that an older answer never replaces a newer one.
  private inTurn(read: () => Promise<void>): Promise<void> {
    const turn = this.reading.then(() => (this.isClosed ? undefined : read()));
    this.reading = turn.catch(() => {});
    return turn;
  }

  // Reads as many tasks as there are now.
  private async readAgain(): Promise<void> {
    const wanted = Math.max(this.ids.peek().length, FIRST_PAGE);
    const items: Schemas["TaskRow"][] = [];
    let page: Schemas["TaskPage"] | undefined;
    let total = 0;
    do {
      const limit = Math.min(wanted - items.length, MAX_PAGE);
      page = await this.query({ limit, cursor: page?.next ?? undefined, total: !page });
      total = page.total ?? total;
      items.push(...page.items);
    } while (page.next && items.length < wanted);
    this.show({ items, next: page.next, total }, []);
  }

  private show({ items, next, total }: Schemas["TaskPage"], before: readonly string[]): void {
    if (this.isClosed) return;
    batch(() => {
      putTasks(items);
      const known = new Set(before);
      this.ids.value = [...before, ...items.map((task) => task.id).filter((id) => !known.has(id))];
      this.next.value = next;
      this.total.value = total ?? this.total.peek();
    });
  }

  private async query(more: object): Promise<Schemas["TaskPage"]> {
    const query = { ...this.filters, sort: this.sort ?? undefined, include: "derived", ...more };
    return (await content(
      api.GET("/api/v1/tasks", { params: { query: query as never } }),
    )) as Schemas["TaskPage"];
  }
}
