// Starts the dashboard: the session first, because everything shown needs it.
import { render } from "preact";
import "./style/index.css";
import { api, content } from "./api/client";
import { App } from "./app";
import { Empty } from "./parts/empty";
import { startRefusals } from "./parts/refusal";
import { showSaveView } from "./parts/save-view";
import { findRoute, routes } from "./routes";
import { showHelp } from "./shell/help";
import { showPalette } from "./shell/palette";
import { startQuickAdd } from "./shell/quick-add";
import { connect } from "./state/events";
import { followInbox } from "./state/inbox";
import { addCommands, startKeys } from "./state/keys";
import { navigate, startRouter } from "./state/router";
import { followSession, isAdmin, loadSession, mayWrite } from "./state/session";
import { applySettings } from "./state/settings";

async function start(root: HTMLElement): Promise<void> {
  const { id } = await content(api.GET("/api/v1/users/me"));
  await connect(id);
  await loadSession();
  followSession();
  followInbox();
  startRouter((path) => findRoute(path) !== null);
  startKeys();
  startRefusals();
  addCommands([
    { keys: "Ctrl+k", label: "Search", group: "Everywhere", run: showPalette },
    { label: "Save this view", group: "Everywhere", run: showSaveView },
    ...(mayWrite.value ? [{ keys: "c", label: "New task", group: "Everywhere", run: startQuickAdd }] : []),
    { keys: "?", label: "Show the keys", group: "Everywhere", run: showHelp },
    ...routes
      .filter((route) => !route.path.includes(":") && (isAdmin.value || !route.adminsOnly))
      .map(({ path, title, keys }) => ({ keys, label: title, group: "Go to", run: () => navigate(path) })),
  ]);
  render(<App />, root);
}

const root = document.getElementById("app") as HTMLElement;
applySettings();
start(root).catch((error: Error) =>
  render(
    <Empty title="The dashboard cannot be shown" isPage>
      <p role="alert">{error.message}</p>
      <p>
        <button type="button" class="primary" onClick={() => location.reload()}>
          Try again
        </button>
      </p>
    </Empty>,
    root,
  ),
);
