// The typed client of the API. Its types are generated from our own OpenAPI document (`make check`) and
// erased by the build.
import createClient from "openapi-fetch";
import { type Problem, ProblemError } from "./problems";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Task = Schemas["TaskRow"];
export type User = Schemas["User"];
export type Me = Schemas["Me"];
export type Project = Schemas["Project"];
export type Workflow = Schemas["Workflow"];
export type Change = Schemas["FeedEntry"];

export const api = createClient<paths>({ baseUrl: "", querySerializer });

// A list goes into one parameter, with commas; only labels are repeated.
function querySerializer(query: Record<string, unknown>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    if (name === "label" && Array.isArray(value))
      for (const label of value) search.append(name, String(label));
    else search.append(name, String(value));
  }
  return search.toString();
}

type Outcome<T> = { data?: T; error?: unknown; response: Response };

// Returns the content of an answer, or throws a `ProblemError`.
export async function content<T>(answer: Promise<Outcome<T>>): Promise<T> {
  let outcome: Outcome<T>;
  try {
    outcome = await answer;
  } catch {
    throw new ProblemError(UNREACHABLE);
  }
  if (outcome.response.ok) return outcome.data as T;
  const problem = isProblem(outcome.error) ? outcome.error : unreadable(outcome.response);
  if (problem.code === "unauthenticated") signInAgain();
  throw new ProblemError(problem);
}

const UNREACHABLE: Problem = {
  code: "unreachable",
  status: 0,
  title: "Not reachable",
  detail: "The service cannot be reached. Nothing was changed.",
};

function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "code" in error && "detail" in error;
}

function unreadable(response: Response): Problem {
  const detail = `The service answered with the status ${response.status}. Try again.`;
  return { code: "unreadable", status: response.status, title: "Failed", detail };
}

// Leaves for the page of signing in, which leads back here.
export function signInAgain(): void {
  const { pathname, search } = location;
  const here = pathname === "/" ? "" : `#next=${encodeURIComponent(pathname + search)}`;
  location.replace(`/sign-in${here}`);
}

type Page<T> = { items: T[]; next: string | null };

// Reads all pages of a list, one after the other.
export async function all<T>(page: (cursor?: string) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | undefined; ; ) {
    const { items: more, next } = await page(cursor);
    items.push(...more);
    if (!next) return items;
    cursor = next;
  }
}
