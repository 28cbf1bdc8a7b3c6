// The pages: the only table of them. Navigation, palette and the help about keys are made from it.
//
// `SECTIONS` in taskmgr/api/views/dashboard.py has the first part of each path.
import type { ComponentType } from "preact";
import type { IconName } from "./parts/icon";
import { match } from "./state/router";

export type PageProps = { params: Record<string, string> };

export interface Route {
  path: string;
  title: string;
  // With an icon it is in the navigation, with keys it can be reached by them.
  icon?: IconName;
  keys?: string;
  adminsOnly?: boolean;
  load: () => Promise<{ default: ComponentType<PageProps> }>;
}

export const routes: readonly Route[] = [
  { path: "/board", title: "Board", icon: "board", keys: "g b", load: () => import("./pages/board/page") },
  {
    path: "/people",
    title: "People",
    icon: "people",
    keys: "g p",
    load: () => import("./pages/people/page"),
  },
  {
    path: "/insights",
    title: "Insights",
    icon: "insights",
    keys: "g i",
    load: () => import("./pages/insights/page"),
  },
  { path: "/views", title: "Views", icon: "view", keys: "g v", load: () => import("./pages/views/page") },
  { path: "/tasks/:key", title: "Task", load: () => import("./pages/task/page") },
];

export const HOME = "/board";

export function findRoute(path: string): { route: Route; params: Record<string, string> } | null {
  for (const route of routes) {
    const params = match(route.path, path);
    if (params) return { route, params };
  }
  return null;
}
