// Failures of calls (RFC 9457). Everything that a call throws is a `ProblemError`.
import type { Schemas, Task } from "./client";

export type Reason = Schemas["Refusal"];
export type Fix = NonNullable<Reason["fix"]>;

export interface Problem {
  code: string;
  status: number;
  title: string;
  detail: string;
  errors?: { location: string; code: string; detail: string }[];
  reasons?: Reason[];
  current?: Task;
}

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

// Returns what to say about a failure: the mistakes in the input if it names any.
export function explain(error: unknown): string {
  if (!(error instanceof ProblemError)) return "Something went wrong in this page. Load it again.";
  const { errors, detail } = error.problem;
  return errors?.length ? errors.map((mistake) => mistake.detail).join(" ") : detail;
}
