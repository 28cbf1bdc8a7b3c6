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
  const before = new Map(groupsOf(ids).map((group) => [group.key, group.ids.join()]));
  for (const id of ids) {
    const after = groupsOf(ids.filter((other) => other !== id));
    const changed = after.filter((group) => before.get(group.key) !== group.ids.join());
    assert.ok(changed.length <= 1);
  }
});
