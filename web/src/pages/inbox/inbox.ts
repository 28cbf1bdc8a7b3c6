// What the inbox knows: items by task, unread tasks first, and what marks them as read.
import { signal } from "@preact/signals";
import { api, content, type Schemas } from "../../api/client";
import { me } from "../../state/session";
import { dueText, statusText } from "../../state/texts";

export type Item = Schemas["InboxItem"];

export interface Topic {
  task: Item["task"];
  items: readonly Item[]; // newest first
  isUnread: boolean;
}

export const items = signal<readonly Item[] | null>(null);
export const next = signal<string | null>(null);

const PAGE = 50;
const MOST_IDS = 200;

// How often items have been marked as read.
let marks = 0;

// Reads the unread items and the latest ones of all, and once more if some were marked as read meanwhile:
// what was read before would show them as unread again.
export async function loadInbox(): Promise<void> {
  const marksBefore = marks;
  const [unread, latest] = await Promise.all([readPage({ unread: true, limit: MOST_IDS }), readPage({})]);
  if (marks !== marksBefore) return loadInbox();
  items.value = newestFirst([...unread.items, ...latest.items]);
  next.value = latest.next;
}

export async function loadOlder(): Promise<void> {
  const older = await readPage({ cursor: next.peek() ?? undefined });
  items.value = newestFirst([...(items.peek() ?? []), ...older.items]);
  next.value = older.next;
}

function readPage(query: { unread?: boolean; limit?: number; cursor?: string }) {
  return content(api.GET("/api/v1/inbox", { params: { query: { limit: PAGE, ...query } } }));
}

function newestFirst(found: readonly Item[]): Item[] {
  return [...new Map(found.map((item) => [item.id, item])).values()].sort((a, b) => (a.at < b.at ? 1 : -1));
}

// Returns one topic for each task, those with unread items first.
export function topicsOf(found: readonly Item[]): Topic[] {
  const groups = new Map<string, Item[]>();
  for (const item of found) groups.set(item.task.id, [...(groups.get(item.task.id) ?? []), item]);
  const topics = [...groups.values()].map((group) => ({
    task: (group[0] as Item).task,
    items: group,
    isUnread: group.some((item) => !item.read_at),
  }));
  return [...topics.filter((topic) => topic.isUnread), ...topics.filter((topic) => !topic.isUnread)];
}

// Marks the items of a task as read, but not what has come since they were shown.
export async function markTopic(topic: Topic): Promise<void> {
  const ids = topic.items.filter((item) => !item.read_at).map((item) => item.id);
  if (ids.length) await mark({ ids: ids.slice(0, MOST_IDS), up_to: latestOf(topic.items) });
}

// Marks everything as read that is not newer than this.
export async function markUpTo(at: string): Promise<void> {
  await mark({ up_to: at });
}

// They are sorted, newest first.
export function latestOf(found: readonly Item[]): string {
  return found[0]?.at ?? "";
}

async function mark(body: { ids?: string[]; up_to: string }): Promise<void> {
  const { unread } = await content(api.POST("/api/v1/inbox/read", { body }));
  marks += 1;
  const isMarked = (item: Item) => item.at <= body.up_to && (body.ids?.includes(item.id) ?? true);
  const now = new Date().toISOString();
  items.value = (items.peek() ?? []).map((item) =>
    isMarked(item) ? { ...item, read_at: item.read_at ?? now } : item,
  );
  me.value = { ...me.peek(), unread };
}

type News = Item["news"][number];

const NEWS_TEXTS: Record<News["kind"], (news: News) => string> = {
  assigned: () => "assigned it to you",
  mentioned: () => "mentioned you",
  commented: () => "commented",
  closed: (news) => `moved it to ${statusText(news.status ?? "a closed status")}`,
  moved: (news) => `moved it to ${statusText(news.status ?? "another status")}`,
  unblocked: () => "finished the last task that it was waiting for",
  due_soon: (news) => `It is due ${dueText(news.due_date ?? "")}`,
  overdue: (news) => `It was due ${dueText(news.due_date ?? "")}`,
};

// Returns what an item tells, each thing once: "commented (3 times), moved it to In review".
export function newsText(item: Item): string {
  const counts = new Map<string, number>();
  for (const news of item.news) {
    const text = NEWS_TEXTS[news.kind](news);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => (count > 1 ? `${text} (${count} times)` : text)).join(", ");
}
