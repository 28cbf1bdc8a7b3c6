// What must not compile: each line below its mark is a mistake that the types find.
import type { components } from "./api";

type Schemas = components["schemas"];

// @ts-expect-error no such status
const status: Schemas["Status"] = "done";
// @ts-expect-error a due date is text
const due: Schemas["TaskIn"] = { title: "x", due_date: 7 };
// @ts-expect-error no such field
const field: Schemas["TaskIn"] = { title: "x", due: "2030-06-30" };
// @ts-expect-error a move takes a status
const move: Schemas["BulkOperation"] = { op: "status", id: "x" };
// @ts-expect-error a bulk is either by operations or by query
const bulk: Schemas["BulkIn"] = { mode: "each" };
// @ts-expect-error no such rule
const rule: Schemas["RuleCode"] = "because";
// @ts-expect-error an answer always has it, and it is no number
const version: undefined = ({} as Schemas["Task"]).version;

export { bulk, due, field, move, rule, status, version };
