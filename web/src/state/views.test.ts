import assert from "node:assert/strict";
import { test } from "node:test";

Object.assign(globalThis, { location: new URL("http://localhost/board") });
const { addressOf, viewOf } = await import("./views");

test("a view has the filters, the order and the lanes of its address", () => {
  const address = new URL(
    "http://localhost/board?project=OPS&label=a&label=b&sort=due_date&lanes=priority&x=1",
  );
  assert.deepEqual(viewOf(address), {
    filters: { project: "OPS", label: ["a", "b"] },
    sort: "due_date",
    layout: { kind: "board", swimlanes: "priority", fields: null },
  });
});

test("only the board and the list have views", () => {
  assert.equal(viewOf(new URL("http://localhost/people?project=OPS")), null);
  assert.equal(viewOf(new URL("http://localhost/list?columns=key,title"))?.layout?.kind, "list");
});

test("a view leads back to the address that it was made of", () => {
  for (const text of [
    "/board?project=OPS&label=a&label=b&sort=-priority&lanes=assignee",
    "/list?q=cake+and+tea",
    "/list?sort=due_date&columns=status,due_date",
  ]) {
    const view = viewOf(new URL(text, "http://localhost"));
    assert.ok(view);
    assert.equal(addressOf(view as Parameters<typeof addressOf>[0]), text);
  }
});
