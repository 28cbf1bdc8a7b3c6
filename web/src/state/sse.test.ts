import assert from "node:assert/strict";
import { test } from "node:test";
import { readEvents, splitEvents } from "./sse";

test("an event has its id and its data", () => {
  const { events, rest } = splitEvents('id: 17-1f\nevent: task.created\ndata: {"seq": 17}\n\n');
  assert.deepEqual(events, [{ id: "17-1f", data: '{"seq": 17}' }]);
  assert.equal(rest, "");
});

test("what is not complete waits for the next piece", () => {
  const { events, rest } = splitEvents("retry: 3000\n\nid: 1-a\nda");
  assert.deepEqual(events, [{}]);
  assert.equal(rest, "id: 1-a\nda");
});

test("an event without data still has its position", () => {
  assert.deepEqual(splitEvents("id: 9-ff\n\n").events, [{ id: "9-ff" }]);
});

test("characters that are cut between two pieces are put together again", async () => {
  const bytes = new TextEncoder().encode('data: {"title": "Grüße 🎂"}\n\n');
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const found = [];
  for await (const event of readEvents(body)) found.push(event);
  assert.deepEqual(found, [{ data: '{"title": "Grüße 🎂"}' }]);
});
