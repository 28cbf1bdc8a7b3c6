// Who is signed in, and what hardly ever changes: the workflow, the projects and the names of the users.
import { computed, signal } from "@preact/signals";
import { all, api, content, type Me, type Project, type User, type Workflow } from "../api/client";
import { onChange } from "./events";

export const me = signal<Me>(undefined as unknown as Me); // set before anything is drawn
export const workflow = signal<Workflow>(undefined as unknown as Workflow);
export const projects = signal<Project[]>([]);
export const users = signal<ReadonlyMap<string, User>>(new Map());

export const openProjects = computed(() => projects.value.filter((project) => !project.archived_at));
export const mayManage = computed(() => me.value.role === "manager" || me.value.role === "admin");
export const isAdmin = computed(() => me.value.role === "admin");
export const mayWrite = computed(() => me.value.role !== "viewer");

export async function loadSession(): Promise<void> {
  await Promise.all([loadMe(), loadWorkflow(), loadProjects(), loadUsers()]);
}

export const loadMe = async () => {
  me.value = await content(api.GET("/api/v1/users/me"));
};

const loadWorkflow = async () => {
  workflow.value = await content(api.GET("/api/v1/workflow"));
};

const loadProjects = async () => {
  projects.value = await all((cursor) =>
    content(api.GET("/api/v1/projects", { params: { query: { limit: 200, cursor } } })),
  );
};

export const loadUsers = async () => {
  const found = await all((cursor) =>
    content(api.GET("/api/v1/users", { params: { query: { limit: 200, cursor } } })),
  );
  users.value = new Map(found.map((user) => [user.id, user]));
};

// Keeps all of this current.
export function followSession(): void {
  onChange((change) => {
    if (change.entity === "project") void loadProjects();
    if (change.entity !== "user") return;
    void loadUsers();
    if (change.entity_id === me.value.id) void loadMe();
  });
}

// Returns the name of a user, or of the process that did something.
export function nameOf(id: string | null | undefined): string {
  if (!id) return "Nobody";
  if (id.startsWith("system:")) return id === "system:ranking" ? "The service" : "An administrator";
  return users.value.get(id)?.name ?? "Somebody";
}

// Ends the session; `onEnd` is called before this page is left.
export async function signOut(onEnd: () => void): Promise<void> {
  const { items } = await content(api.GET("/api/v1/auth/sessions"));
  const current = items.find((session) => session.current);
  if (current)
    await content(
      api.DELETE("/api/v1/auth/sessions/{session_id}", { params: { path: { session_id: current.id } } }),
    );
  onEnd();
  location.replace("/sign-in");
}
