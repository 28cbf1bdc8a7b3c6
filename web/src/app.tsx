// The frame around every page: navigation, the page itself, and what may lie on top of it.
import type { ComponentType } from "preact";
import { useEffect, useErrorBoundary, useRef, useState } from "preact/hooks";
import { explain } from "./api/problems";
import { DialogHost } from "./parts/dialog";
import { Empty } from "./parts/empty";
import { Icon } from "./parts/icon";
import { LiveRegion } from "./parts/live";
import { MenuHost } from "./parts/menu";
import { SignInAgainHost } from "./parts/sign-in-again";
import { ToastHost } from "./parts/toast";
import { findRoute, HOME, type PageProps, type Route } from "./routes";
import { Sidebar } from "./shell/sidebar";
import { isConnected } from "./state/events";
import { path } from "./state/router";
import { isAdmin } from "./state/session";

export function App() {
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <div class="shell">
        <Sidebar />
        <main id="main" tabIndex={-1}>
          {!isConnected.value && <Offline />}
          <Outlet />
          <MenuHost />
        </main>
      </div>
      <ToastHost />
      <DialogHost />
      <SignInAgainHost />
      <LiveRegion />
    </>
  );
}

function Offline() {
  return (
    <p class="banner" role="alert">
      <Icon name="offline" />
      No connection to the service. What you see may be out of date; it catches up by itself.
    </p>
  );
}

function Outlet() {
  const [failure, retry] = useErrorBoundary();
  const found = findRoute(path.value === "/" ? HOME : path.value);
  if (failure) return <Failure failure={failure} onRetry={retry} />;
  if (!found) return <NotFound />;
  if (found.route.adminsOnly && !isAdmin.value) return <AdminsOnly />;
  return <Page key={found.route.path} route={found.route} params={found.params} />;
}

const loaded = new Map<Route, ComponentType<PageProps>>();

function Page({ route, params }: { route: Route } & PageProps) {
  const [failure, setFailure] = useState<unknown>(null);
  const [, redraw] = useState(0);
  const isFirst = useRef(performance.now() < FIRST_PAGE);
  useEffect(() => {
    document.title = `${route.title} · taskmgr`;
    if (!isFirst.current) document.getElementById("main")?.focus({ preventScroll: true });
    if (loaded.has(route)) return;
    route.load().then((module) => {
      loaded.set(route, module.default);
      redraw((turn) => turn + 1);
    }, setFailure);
  }, [route]);
  const Content = loaded.get(route);
  if (failure) return <Failure failure={failure} onRetry={() => location.reload()} />;
  return Content ? <Content params={params} /> : <p class="loading">Loading…</p>;
}

// Milliseconds after the document was requested in which the focus stays where the browser has put it.
const FIRST_PAGE = 5_000;

function NotFound() {
  return (
    <Empty title="There is no page here" isPage>
      <p>
        The address may be misspelt. <a href={HOME}>Go to the board</a>
      </p>
    </Empty>
  );
}

function AdminsOnly() {
  return (
    <Empty title="For admins only" isPage>
      <p>
        Your role does not allow this page. <a href={HOME}>Go to the board</a>
      </p>
    </Empty>
  );
}

function Failure({ failure, onRetry }: { failure: unknown; onRetry: () => void }) {
  return (
    <Empty title="This page cannot be shown" isPage>
      <p role="alert">{explain(failure)}</p>
      <p>
        <button type="button" class="primary" onClick={onRetry}>
          Try again
        </button>
      </p>
    </Empty>
  );
}
