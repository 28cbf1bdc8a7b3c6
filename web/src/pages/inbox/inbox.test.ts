import assert from "node:assert/strict";
import { test } from "node:test";
import { type Item, newsText, topicsOf } from "./inbox";

const news = (kind: string, more = {}) => ({ kind, status: null, due_date: null, ...more });
const item = (id: string, task: string, read: boolean, told = [news("commented")]) =>
  ({
    id,
    task: { id: task, key: task, title: task },
    at: id,
    read_at: read ? id : null,
    news: told,
  }) as unknown as Item;

test("items are grouped by task, and tasks with unread items come first", () => {
  const topics = topicsOf([
    item("5", "A", true),
    item("4", "B", true),
    item("3", "C", false),
    item("2", "B", false),
  ]);

  assert.deepEqual(
    topics.map((topic) => [topic.task.id, topic.items.map(({ id }) => id), topic.isUnread]),
    [
      ["B", ["4", "2"], true],
      ["C", ["3"], true],
      ["A", ["5"], false],
    ],
  );
});

test("what has happened several times is said once", () => {
  const told = [news("commented"), news("moved", { status: "in_review" }), news("commented")];

  assert.equal(newsText(item("1", "A", false, told)), "commented (2 times), moved it to In review");
});
