import assert from "node:assert/strict";
import { test } from "node:test";

Object.assign(globalThis, { location: new URL("http://localhost/board") });
const { match, withQuery } = await import("./router");

test("a pattern matches a path with as many parts", () => {
  assert.deepEqual(match("/tasks/:key", "/tasks/OPS-12"), { key: "OPS-12" });
  assert.equal(match("/tasks/:key", "/tasks/OPS-12/more"), null);
  assert.equal(match("/board", "/list"), null);
});

test("parameters are changed one by one, and lists keep their commas", () => {
  const url = new URL("http://localhost/board?project=OPS&label=a");
  assert.equal(
    withQuery(url, { priority: "high,urgent" }),
    "/board?project=OPS&label=a&priority=high,urgent",
  );
  assert.equal(withQuery(url, { project: null, label: "" }), "/board");
});
