import assert from "node:assert/strict";
import { test } from "node:test";
import { distanceText } from "./when";

test("a moment is said as the distance from now, in the largest unit", () => {
  const now = new Date("2027-03-03T12:00:00Z");
  const said = (at: string) => distanceText(at, now);

  assert.equal(said("2027-03-03T11:59:45Z"), "now");
  assert.equal(said("2027-03-03T11:57:00Z"), "3 minutes ago");
  assert.equal(said("2027-03-03T12:59:50Z"), "in 1 hour");
  assert.equal(said("2027-03-02T12:00:00Z"), "yesterday");
  assert.equal(said("2027-03-10T12:00:00Z"), "in 7 days");
  assert.equal(said("2025-03-03T12:00:00Z"), "2 years ago");
});
