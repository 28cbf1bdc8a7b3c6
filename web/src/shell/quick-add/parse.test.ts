import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "./parse";

const known = {
  today: "2026-11-27", // a Friday
  priorities: ["low", "medium", "high", "urgent"],
  usernames: ["ada", "adam", "bob"],
  projects: ["OPS", "WEB"],
};

const read = (line: string) => parse(line, known);
const due = (words: string) => read(`Pay ${words}`).due;

test("a line has a title and whatever else it names, in any order", () => {
  assert.deepEqual(read("Order cables !high @ada #lab fri"), {
    title: "Order cables",
    priority: "high",
    assignee: "ada",
    labels: ["lab"],
    due: "2026-12-04",
    unknown: [],
  });
  assert.deepEqual(read("+web #ui !u  Mend the #api page @me tomorrow"), {
    title: "Mend the page",
    priority: "urgent",
    assignee: "me",
    labels: ["ui", "api"],
    project: "WEB",
    due: "2026-11-28",
    unknown: [],
  });
});

test("names may be abbreviated as long as they are clear", () => {
  assert.equal(read("x @bo").assignee, "bob");
  assert.equal(read("x @ada").assignee, "ada");
  assert.deepEqual(read("x @ad").unknown, ["@ad"]);
});

test("what names nothing is part of the title, and so is a sign alone", () => {
  assert.deepEqual(read("Say @eve +NOPE !wow # ! done"), {
    title: "Say @eve +NOPE !wow # ! done",
    labels: [],
    unknown: ["@eve", "+NOPE", "!wow"],
  });
});

test("a backslash keeps a word in the title", () => {
  assert.equal(read("Close \\#5 on \\fri").title, "Close #5 on fri");
  assert.equal(read("Close \\#5 on \\fri").due, undefined);
  assert.equal(read("a \\ b \\\\c").title, "a \\ b \\c");
});

test("a due date counts only at the end, and never as the whole title", () => {
  assert.equal(read("Buy sun cream").due, undefined);
  assert.equal(read("Today").title, "Today");
  assert.equal(read("Pay fri !high #a").due, "2026-12-04");
});

test("days are named in many ways", () => {
  const cases = {
    today: "2026-11-27",
    Tomorrow: "2026-11-28",
    mon: "2026-11-30",
    thurs: "2026-12-03",
    Friday: "2026-12-04",
    "next week": "2026-11-30",
    "3 Dec": "2026-12-03",
    "Dec 3": "2026-12-03",
    "3rd December 2027": "2027-12-03",
    "dec 3, 2027": "2027-12-03",
    "2 jan": "2027-01-02",
    "2026-12-03": "2026-12-03",
    "in 3 days": "2026-11-30",
    "in a week": "2026-12-04",
    "in 2 weeks": "2026-12-11",
  };
  for (const [words, date] of Object.entries(cases)) assert.equal(due(words), date);
});

test("what is no day stays in the title", () => {
  for (const words of ["31 feb", "2026-02-30", "in days", "3 dogs", "fr", "seconds"])
    assert.equal(read(`Pay ${words}`).title, `Pay ${words}`);
});
