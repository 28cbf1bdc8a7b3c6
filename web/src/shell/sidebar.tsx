// The navigation: the pages of the route table, the projects, and the user.
import type { Signal } from "@preact/signals";
import { Icon } from "../parts/icon";
import { type MenuItem, showMenu } from "../parts/menu";
import { Avatar } from "../parts/person";
import { showFailure } from "../parts/toast";
import { HOME, type Route, routes } from "../routes";
import { announceSignOut } from "../state/events";
import { navigate, path, query } from "../state/router";
import { isAdmin, mayWrite, me, openProjects, signOut } from "../state/session";
import { contrast, theme } from "../state/settings";
import { showHelp } from "./help";
import { showPalette } from "./palette";
import { startQuickAdd } from "./quick-add";

export function Sidebar() {
  const here = path.value === "/" ? HOME : path.value;
  const shown = routes.filter((route) => route.icon && (isAdmin.value || !route.adminsOnly));
  return (
    <header class="sidebar">
      <a class="brand" href={HOME}>
        taskmgr
      </a>
      <button type="button" class="search quiet" aria-label="Search (Ctrl K)" onClick={showPalette}>
        <Icon name="search" />
        <span>Search</span>
        <kbd>Ctrl K</kbd>
      </button>
      {mayWrite.value && (
        <button type="button" class="new-task" aria-label="New task (c)" onClick={startQuickAdd}>
          <Icon name="plus" />
          <span>New task</span>
          <kbd>c</kbd>
        </button>
      )}
      <nav aria-label="Pages">
        {shown.map((route) => (
          <a
            key={route.path}
            href={route.path}
            class={route.isMain ? undefined : "minor"}
            aria-current={isIn(here, route.path) ? "page" : undefined}
          >
            {route.icon && <Icon name={route.icon} />}
            <span>{route.title}</span>
            {route.count && <Count value={route.count.value} />}
          </a>
        ))}
      </nav>
      <button
        type="button"
        class="more-pages quiet"
        aria-haspopup="menu"
        onClick={(event) => showMenu(event.currentTarget, "More pages", morePages(here, shown))}
      >
        <Icon name="more" />
        <span>More</span>
      </button>
      <nav class="projects" aria-label="Projects">
        <h2>Projects</h2>
        {openProjects.value.map((project) => (
          <a
            key={project.key}
            href={`/board?project=${project.key}`}
            aria-current={query.value.get("project") === project.key ? "true" : undefined}
          >
            <span class="key">{project.key}</span>
            <span>{project.name}</span>
          </a>
        ))}
      </nav>
      <button
        type="button"
        class="user quiet"
        aria-haspopup="menu"
        aria-label={`${me.value.name}: your menu`}
        onClick={(event) => showMenu(event.currentTarget, "Your menu", userMenu())}
      >
        <Avatar id={me.value.id} />
        <span>{me.value.name}</span>
      </button>
    </header>
  );
}

function Count({ value }: { value: number }) {
  if (!value) return null;
  return (
    <b class="count">
      {value > 99 ? "99+" : value}
      <i class="unseen"> unread</i>
    </b>
  );
}

function isIn(here: string, path: string): boolean {
  return here === path || here.startsWith(`${path}/`);
}

// What the navigation of a phone has no room for.
function morePages(here: string, shown: readonly Route[]): MenuItem[] {
  const pages = shown
    .filter((route) => !route.isMain)
    .map(({ path, title }) => ({ label: title, checked: isIn(here, path), run: () => navigate(path) }));
  const boards = openProjects.value.map(({ key, name }) => ({
    label: name,
    hint: key,
    run: () => navigate(`/board?project=${key}`),
  }));
  return [...pages, ...boards];
}

function userMenu(): MenuItem[] {
  return [
    choice(theme, "system", "Colours of the system"),
    choice(theme, "light", "Light"),
    choice(theme, "dark", "Dark"),
    {
      label: "High contrast",
      checked: contrast.value === "more",
      run: () => {
        contrast.value = contrast.value === "more" ? "system" : "more";
      },
    },
    { label: "Keys", hint: "?", run: showHelp },
    { label: "API", run: () => location.assign("/docs") },
    {
      label: "Sign out",
      run: () => signOut(announceSignOut).catch(showFailure),
    },
  ];
}

function choice<T>(setting: Signal<T>, value: T, label: string): MenuItem {
  return {
    label,
    checked: setting.value === value,
    run: () => {
      setting.value = value;
    },
  };
}
