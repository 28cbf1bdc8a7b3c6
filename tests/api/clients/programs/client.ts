// A small integration, written against types that openapi-typescript has made.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

declare const process: { env: Record<string, string>; exit(status: number): never };

type Task = components["schemas"]["Task"];
type Fix = components["schemas"]["Fix"];
type RuleCode = components["schemas"]["RuleCode"];

// A list goes into one parameter, with commas; only labels are repeated.
function querySerializer(query: Record<string, unknown>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    if (name === "label" && Array.isArray(value)) value.forEach((label) => search.append(name, String(label)));
    else search.append(name, String(value));
  }
  return search.toString();
}

const client = createClient<paths>({
  baseUrl: process.env.TASKMGR_URL!,
  headers: { Authorization: `Bearer ${process.env.TASKMGR_TOKEN!}` },
  querySerializer,
});

function must<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`missing: ${what}`);
  return value;
}

function equal<T>(found: T, expected: T): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
  }
}

// What a program does with a refusal: every case is known to the compiler.
function lifted(fix: Fix): components["schemas"]["Status"] | string[] | "ask" {
  switch (fix.action) {
    case "change_status":
      return must(fix.status, "the status to move to");
    case "resolve_blockers":
    case "close_subtasks":
      return must(fix.task_ids, "the tasks in the way");
    default:
      return "ask";
  }
}

async function create(): Promise<string> {
  const { data, response } = await client.POST("/api/v1/tasks", {
    params: { header: { "Idempotency-Key": "typescript-1" } },
    body: { title: "Typed", priority: "high", due_date: "2030-06-30", assignee_id: "me", labels: ["ts", "a b"] },
  });
  const made = must(data, "a new task");
  equal(response.status, 201);
  if (!("title" in made)) throw new Error("the token may not read what it writes");
  equal(made.due_date, "2030-06-30");
  equal(made.category, "unstarted");
  return must(made.id, "its id");
}

async function list(id: string): Promise<void> {
  const { data } = await client.GET("/api/v1/tasks", {
    params: {
      query: {
        status: ["todo", "in_progress"], category: ["open"], assignee: ["me"], label: ["ts", "a b"],
        due_from: "2030-06-30", due_to: "2030-06-30", sort: ["-priority", "due_date"], total: true, overdue: false,
      },
    },
  });
  const page = must(data, "a page") as components["schemas"]["TaskPage"];
  equal(page.items.map((task) => task.id), [id]);
  equal(page.total, 1);
  const priority: components["schemas"]["Priority"] = page.items[0]!.priority;
  equal(priority, "high");
}

async function refused(id: string): Promise<void> {
  const { data, error, response } = await client.PUT("/api/v1/tasks/{task_id}/status", {
    params: { path: { task_id: id } },
    body: { status: "completed" },
  });
  equal(data, undefined);
  equal(response.status, 409);
  const problem = must(error, "a problem");
  equal(problem.code, "refused");
  const reason = must(problem.reasons?.[0], "a reason");
  const rule: RuleCode = reason.code;
  equal(rule, "transition_not_allowed");
  equal(lifted(must(reason.fix, "a fix")), "in_progress");
}

async function move(id: string): Promise<Task> {
  const { data, response } = await client.PUT("/api/v1/tasks/{task_id}/status", {
    params: { path: { task_id: id }, header: { "If-Match": '"1"' } },
    body: { status: "in_progress" },
  });
  const task = must(data, "the task");
  if (!("title" in task)) throw new Error("the token may not read what it writes");
  equal(task.status, "in_progress");
  equal(response.headers.get("ETag"), `"${task.version}"`);
  return task;
}

async function bulk(id: string): Promise<void> {
  const { data } = await client.POST("/api/v1/tasks/bulk", {
    body: {
      mode: "each",
      operations: [
        { op: "priority", id, priority: "low" },
        { op: "status", id, status: "backlog" },
        { op: "create", title: "One of many" },
      ],
    },
  });
  const results = must(data, "results").results;
  equal(results.map((result) => result.status), [200, 409, 201]);
  const failed = results.flatMap((result) => ("problem" in result ? [result.problem] : []));
  equal(failed.map((problem) => problem.reasons?.[0]?.code), ["transition_not_allowed"]);
}

const id = await create();
await list(id);
await refused(id);
await move(id);
await bulk(id);
console.log("done");
