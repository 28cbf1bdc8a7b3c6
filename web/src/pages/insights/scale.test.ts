import assert from "node:assert/strict";
import { test } from "node:test";
import { durationText, labelledPlaces, roundUp, stacked, ticks } from "./scale";

test("an axis has round numbers that include the greatest value", () => {
  assert.deepEqual(ticks(7, true), [0, 2, 4, 6, 8]);
  assert.deepEqual(ticks(0, true), [0, 1]);
  assert.deepEqual(ticks(1, true), [0, 1]);
  assert.deepEqual(ticks(1, false), [0, 0.25, 0.5, 0.75, 1]);
  assert.equal(roundUp(2.1), 2.5);
  for (let value = 1; value < 5_000; value += 37) {
    const found = ticks(value, true);
    assert.ok((found.at(-1) ?? 0) >= value);
    assert.ok(found.length <= 6);
  }
});

test("the last column always has a label", () => {
  assert.deepEqual(labelledPlaces(7, 3), [0, 3, 6]);
  assert.deepEqual(labelledPlaces(2, 8), [0, 1]);
  assert.equal(labelledPlaces(366, 6).at(-1), 365);
});

test("series are stacked on each other", () => {
  assert.deepEqual(
    stacked([
      [1, 2],
      [3, 0],
      [0, 1],
    ]),
    [
      [1, 2],
      [4, 2],
      [4, 3],
    ],
  );
});

test("a duration is told in the unit that fits", () => {
  assert.equal(durationText(2.5 * 86_400), "2.5 days");
  assert.equal(durationText(86_400), "1 day");
  assert.equal(durationText(3 * 3600), "3 hours");
  assert.equal(durationText(20), "0.3 minutes");
});
