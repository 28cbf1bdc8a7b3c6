import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "../../api/client";
import { comparison, placeOf, provisionalRank } from "./order";

const task = (id: string, fields: Partial<Task>) => ({ id, project: "OPS", ...fields }) as Task;
const ids = (tasks: Task[]) => tasks.map((each) => each.id).join("");

test("a plain due date comes after the times of its day, and no date comes last", () => {
  const tasks = [
    task("d", { due_date: null }),
    task("c", { due_date: "2027-03-02" }),
    task("b", { due_date: "2027-03-01" }),
    task("a", { due_date: "2027-03-01T17:00:00.000Z" }),
  ];
  assert.equal(ids(tasks.sort(comparison("due_date"))), "abcd");
});

test("urgent tasks come first, and of equal ones the newest", () => {
  const tasks = [
    task("a", { priority: "low" }),
    task("b", { priority: "urgent" }),
    task("c", { priority: "urgent" }),
  ];
  assert.equal(ids(tasks.sort(comparison("-priority"))), "cba");
});

test("ranks sort by their bytes", () => {
  const tasks = [task("a", { rank: "a1" }), task("b", { rank: "Z4" })];
  assert.equal(ids(tasks.sort(comparison("rank"))), "ba");
});

test("a task is put into its place among the others", () => {
  const others = ["a1", "a3", "a5"].map((rank) => task(rank, { rank }));
  const compare = comparison("rank");
  assert.equal(placeOf(task("x", { rank: "a0" }), others, compare), 0);
  assert.equal(placeOf(task("x", { rank: "a4" }), others, compare), 2);
  assert.equal(placeOf(task("x", { rank: "a6" }), others, compare), 3);
});

test("a provisional rank comes directly after the card above", () => {
  const above = task("above", { rank: "a1" });
  const below = task("below", { rank: "a1V" });
  const moved = task("moved", { rank: provisionalRank(above) });
  assert.equal(placeOf(moved, [above, below], comparison("rank")), 1);
  assert.equal(
    placeOf(task("first", { rank: provisionalRank(undefined) }), [above, below], comparison("rank")),
    0,
  );
});
