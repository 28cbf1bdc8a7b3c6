// What the board shows, as its address says it.
import { computed } from "@preact/signals";
import { query } from "../../state/router";

export type Lanes = "none" | "assignee" | "priority";
export type SortName = "rank" | "due_date" | "-priority" | "-updated_at";

export const SORTS: Record<SortName, string> = {
  rank: "By hand",
  due_date: "Due date",
  "-priority": "Priority",
  "-updated_at": "Last change",
};

// The parameters of the address that are filters of the API under the same name.
const FILTERS = ["project", "assignee", "priority", "label", "q", "overdue", "blocked", "due"] as const;

export const filters = computed(() => {
  const found: Record<string, string> = {};
  for (const name of FILTERS) {
    const value = query.value.get(name);
    if (value) found[name] = value;
  }
  return found;
});

export const isFiltered = computed(() => Object.keys(filters.value).some((name) => name !== "project"));

// The order by hand is that of one project.
export const project = computed(() => {
  const { project } = filters.value;
  return project && !project.includes(",") ? project : null;
});

export const sort = computed<SortName>(() => {
  const chosen = query.value.get("sort") as SortName | null;
  if (chosen && chosen in SORTS && (chosen !== "rank" || project.value)) return chosen;
  return project.value ? "rank" : "due_date";
});

export const lanes = computed<Lanes>(() => {
  const chosen = query.value.get("lanes");
  return chosen === "assignee" || chosen === "priority" ? chosen : "none";
});

// Changes whenever other tasks have to be read.
export const selection = computed(() => JSON.stringify([filters.value, sort.value]));
