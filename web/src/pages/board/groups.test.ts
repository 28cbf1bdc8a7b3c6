import assert from "node:assert/strict";
import { test } from "node:test";
import { groupsOf } from "./groups";

// As MongoDB makes them: they count up, with several steps for each task.
const ids = Array.from({ length: 2_000 }, (_, number) =>
  (0x6b0928 + number * 3).toString(16).padStart(24, "0"),
);

test("the groups have all cards, in their order", () => {
  assert.deepEqual(
    groupsOf(ids).flatMap((group) => group.ids),
    ids,
  );
  assert.deepEqual(groupsOf([]), []);
});

test("no group is large, and there are few", () => {
  const groups = groupsOf(ids);
  assert.ok(groups.length < 150);
  assert.ok(Math.max(...groups.map((group) => group.ids.length)) < 200);
  assert.equal(new Set(groups.map((group) => group.key)).size, groups.length);
});

test("a card that goes changes its own group, or joins it to the one above", () => {
  const before = groupsOf(ids);
  const present = new Set(before);
  for (const id of ids) {
    const after = groupsOf(
      ids.filter((other) => other !== id),
      before,
    );
    assert.ok(after.filter((group) => !present.has(group)).length <= 1);
  }
});

test("a group whose cards change places is another one", () => {
  const before = groupsOf(["a1", "a2"]);
  assert.deepEqual(groupsOf(["a2", "a1"], before), groupsOf(["a2", "a1"]));
});
