import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, type Entry } from "./history";

const told = (before: object, after: object, kind = "task.changed") =>
  describe({ kind, before, after } as Entry);

test("a change is told with what was before and what is now", () => {
  assert.equal(told({ status: "todo" }, { status: "in_progress" }), "moved it from Todo to In progress");
  assert.equal(told({ priority: "low" }, { priority: "high" }), "changed the priority from low to high");
  assert.equal(told({ title: "a" }, { title: "b" }), "renamed it from “a” to “b”");
  assert.equal(
    told({ labels: ["a", "b"] }, { labels: ["b", "c", "d"] }),
    "added the labels c, d and removed the label a",
  );
});

test("several changes at once are one sentence", () => {
  const text = told({ status: "todo", priority: "low" }, { status: "completed", priority: "high" });
  assert.equal(text, "moved it from Todo to Completed, and changed the priority from low to high");
});

test("what only follows from a change is left out", () => {
  const text = told(
    { status: "todo", started_at: null },
    { status: "in_progress", started_at: "2027-01-01T00:00:00Z" },
  );
  assert.equal(text, "moved it from Todo to In progress");
});

test("creation, bin and new keys have words of their own", () => {
  assert.equal(told({}, { title: "a" }, "task.created"), "created the task");
  assert.equal(told({ deleted_at: null }, { deleted_at: "x" }, "task.binned"), "moved it to the bin");
  const moved = told({ project: "OPS", key: "OPS-1" }, { project: "WEB", key: "WEB-9" }, "task.moved");
  assert.equal(moved, "moved it from OPS-1 to WEB-9");
});
