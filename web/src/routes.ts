// The pages: the only table of them. Navigation, palette and the help about keys are made from it.
//
// `SECTIONS` in taskmgr/api/views/dashboard.py has the first part of each path.
import type { ReadonlySignal } from "@preact/signals";
import type { ComponentType } from "preact";
import type { IconName } from "./parts/icon";
import { unread } from "./state/inbox";
import { match } from "./state/router";

export type PageProps = { params: Record<string, string> };

export interface Route {
  path: string;
  title: string;
  // With an icon it is in the navigation, with keys it can be reached by them.
  icon?: IconName;
  keys?: string;
  adminsOnly?: boolean;
  // Stays in the navigation of a phone; the others are in a menu there.
  isMain?: boolean;
  // What the navigation shows beside the title, such as the number of unread items.
  count?: ReadonlySignal<number>;
  load: () => Promise<{ default: ComponentType<PageProps> }>;
}

const admin = () => import("./pages/admin/page");
const settings = () => import("./pages/settings/page");

export const routes: readonly Route[] = [
  {
    path: "/board",
    title: "Board",
    icon: "board",
    keys: "g b",
    isMain: true,
    load: () => import("./pages/board/page"),
  },
  {
    path: "/list",
    title: "List",
    icon: "list",
    keys: "g l",
    isMain: true,
    load: () => import("./pages/list/page"),
  },
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
  {
    path: "/inbox",
    title: "Inbox",
    icon: "inbox",
    keys: "g n",
    isMain: true,
    count: unread,
    load: () => import("./pages/inbox/page"),
  },
  { path: "/settings", title: "Settings", icon: "settings", keys: "g s", load: settings },
  { path: "/settings/sign-in", title: "Settings: signing in", load: settings },
  { path: "/settings/sessions", title: "Settings: sessions", load: settings },
  { path: "/settings/tokens", title: "Settings: tokens", load: settings },
  { path: "/settings/notifications", title: "Settings: notifications", load: settings },
  { path: "/settings/appearance", title: "Settings: appearance", load: settings },
  { path: "/admin", title: "Admin", icon: "admin", keys: "g m", adminsOnly: true, load: admin },
  { path: "/admin/users/:username", title: "Admin: user", adminsOnly: true, load: admin },
  { path: "/admin/projects", title: "Admin: projects", adminsOnly: true, load: admin },
  { path: "/admin/webhooks", title: "Admin: webhooks", adminsOnly: true, load: admin },
  { path: "/admin/webhooks/:webhook", title: "Admin: webhook", adminsOnly: true, load: admin },
  { path: "/admin/policy", title: "Admin: policy", adminsOnly: true, load: admin },
  { path: "/admin/service", title: "Admin: service", adminsOnly: true, load: admin },
];

export const HOME = "/board";

export function findRoute(path: string): { route: Route; params: Record<string, string> } | null {
  for (const route of routes) {
    const params = match(route.path, path);
    if (params) return { route, params };
  }
  return null;
}
