// Saved views: those that somebody sees, and the addresses that show them.
import { signal } from "@preact/signals";
import { all, api, content, type Schemas } from "../api/client";
import { onChange } from "./events";
import { users } from "./session";

export type View = Schemas["View"];
export type ViewChanges = Omit<Schemas["ViewPatch"], "version">;
export type NewView = Schemas["ViewIn"];

export const views = signal<readonly View[] | null>(null);

// The filters of lists of tasks, which have the same names in an address, in a view and in the API.
// biome-ignore format: as a paragraph
const FILTERS = [
  "id", "project", "status", "category", "priority", "assignee", "created_by", "label", "parent",
  "blocked_by", "blocked", "overdue", "due", "due_from", "due_to", "created_from", "created_to",
  "updated_from", "updated_to", "q", "bin",
] as const;
const USERS: readonly string[] = ["assignee", "created_by"];
const SWIMLANES: readonly string[] = ["assignee", "priority"];

export async function loadViews(): Promise<void> {
  views.value = await all((cursor) =>
    content(api.GET("/api/v1/views", { params: { query: { limit: 200, cursor } } })),
  );
}

// Keeps them current; returns what ends that. That somebody else has shared a view is not told, so they are
// also read again whenever the page of views is opened.
export function followViews(onFailure: (error: unknown) => void): () => void {
  return onChange((change) => {
    if (change.entity === "view") loadViews().catch(onFailure);
  });
}

// Returns the address that shows a view. People are named in it as the board and the list name them.
export function addressOf(view: Pick<View, "filters" | "sort" | "layout">): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(view.filters))
    for (const text of Array.isArray(value) ? value : [value])
      search.append(name, USERS.includes(name) ? withUsernames(text) : text);
  if (view.sort) search.set("sort", view.sort);
  if (view.layout.swimlanes) search.set("lanes", view.layout.swimlanes);
  if (view.layout.fields) search.set("columns", view.layout.fields.join());
  const text = search.toString().replaceAll("%2C", ",");
  return `/${view.layout.kind}${text ? `?${text}` : ""}`;
}

function withUsernames(text: string): string {
  const names = text.split(",").map((id) => users.value.get(id)?.username ?? id);
  return names.join();
}

// Returns what a view of an address of the board or the list consists of, or null for another page.
export function viewOf(address: URL): Pick<NewView, "filters" | "sort" | "layout"> | null {
  const kind = address.pathname === "/list" ? "list" : "board";
  if (!["/", "/board", "/list"].includes(address.pathname)) return null;
  const query = address.searchParams;
  const filters: Record<string, string | string[]> = {};
  for (const name of FILTERS) {
    const values = query.getAll(name).filter(Boolean);
    if (values.length) filters[name] = name === "label" ? values : (values[0] as string);
  }
  const lanes = query.get("lanes");
  const fields = kind === "list" ? query.get("columns") : null;
  const layout = {
    kind,
    swimlanes: lanes && SWIMLANES.includes(lanes) ? lanes : null,
    fields: fields ? fields.split(",") : null,
  };
  return { filters, sort: query.get("sort") || null, layout } as Pick<NewView, "filters" | "sort" | "layout">;
}

export async function createView(view: NewView): Promise<void> {
  await content(api.POST("/api/v1/views", { body: view }));
  await loadViews();
}

export async function changeView(view: View, changes: ViewChanges): Promise<void> {
  const body = { ...changes, version: view.version };
  await content(api.PATCH("/api/v1/views/{view_id}", { params: { path: { view_id: view.id } }, body }));
  await loadViews();
}

export async function deleteView(view: View): Promise<void> {
  await content(api.DELETE("/api/v1/views/{view_id}", { params: { path: { view_id: view.id } } }));
  await loadViews();
}
