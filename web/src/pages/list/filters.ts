// What the list shows, as its address says it: filters, order and columns.
import { computed } from "@preact/signals";
import { address, navigate, query, setQuery } from "../../state/router";

// The parameters of the address that are filters of the API under the same name; `label` may be repeated.
const FILTERS = [
  "project",
  "status",
  "category",
  "priority",
  "assignee",
  "created_by",
  "label",
  "q",
  "parent",
  "blocked_by",
  "blocked",
  "overdue",
  "due",
  "due_from",
  "due_to",
  "created_from",
  "created_to",
  "updated_from",
  "updated_to",
  "bin",
] as const;

export type FilterName = (typeof FILTERS)[number];

export const filters = computed(() => {
  const found: Record<string, string | string[]> = {};
  for (const name of FILTERS) {
    const values = query.value.getAll(name).filter(Boolean);
    if (values.length) found[name] = name === "label" ? values : String(values.at(-1));
  }
  return found;
});

export const isFiltered = computed(() => Object.keys(filters.value).length > 0);

// Without a choice, a search is sorted by relevance and everything else by age.
export const sort = computed(() => query.value.get("sort") ?? (filters.value.q ? null : "-created_at"));

// Changes whenever other tasks have to be read.
export const selection = computed(() => JSON.stringify([filters.value, sort.value]));

export function valuesOf(name: FilterName): string[] {
  const value = filters.value[name];
  if (value === undefined) return [];
  return Array.isArray(value) ? value : value.split(",");
}

// Adds a value to a filter, or takes it away.
export function toggle(name: FilterName, value: string): void {
  const before = valuesOf(name);
  const after = before.includes(value) ? before.filter((one) => one !== value) : [...before, value];
  if (name === "label") setLabels(after);
  else setQuery({ [name]: after.join(",") });
}

function setLabels(labels: readonly string[]): void {
  const url = new URL(address.peek());
  url.searchParams.delete("label");
  for (const label of labels) url.searchParams.append("label", label);
  navigate(url.href, { replace: true });
}

export function clearFilters(): void {
  setQuery(Object.fromEntries(FILTERS.map((name) => [name, null])));
}

// Sorts by a key; again, in the other direction.
export function sortBy(key: string, first: "" | "-"): void {
  const second = first ? "" : "-";
  setQuery({ sort: (sort.peek() === first + key ? second : first) + key });
}
