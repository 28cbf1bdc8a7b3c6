// Saved views: one's own, and those that others share.
import "./page.css";
import { useEffect } from "preact/hooks";
import { Empty } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { type MenuItem, showMenu } from "../../parts/menu";
import { Person } from "../../parts/person";
import { showFailure, showToast } from "../../parts/toast";
import { mayManage, me, nameOf } from "../../state/session";
import { statusText } from "../../state/texts";
import {
  addressOf,
  changeView,
  createView,
  deleteView,
  followViews,
  loadViews,
  type NewView,
  type View,
  type ViewChanges,
  views,
} from "../../state/views";
import { askForName } from "./rename";

export default function ViewsPage() {
  useEffect(() => {
    loadViews().catch(showFailure);
    return followViews(showFailure);
  }, []);
  const all = views.value;
  return (
    <>
      <header class="page-head">
        <h1>Views</h1>
      </header>
      <div class="page-body">{all ? <Views all={all} /> : <p class="loading">Loading…</p>}</div>
    </>
  );
}

function Views({ all }: { all: readonly View[] }) {
  if (all.length === 0)
    return (
      <Empty title="No saved views yet">
        <p>
          A view keeps the filters, the order, and the lanes of the <a href="/board">board</a> or the columns
          of the <a href="/list">list</a> under a name. Set them there, and choose “Save view”.
        </p>
      </Empty>
    );
  const own = all.filter((view) => view.owner_id === me.value.id);
  const shared = all.filter((view) => view.owner_id !== me.value.id);
  return (
    <>
      <Group title="Yours" found={own} none="You have not saved a view." />
      <Group title="Shared by others" found={shared} none="Nobody else shares a view." />
    </>
  );
}

function Group({ title, found, none }: { title: string; found: readonly View[]; none: string }) {
  const id = `views-${title.toLowerCase().replaceAll(" ", "-")}`;
  return (
    <section class="views" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {found.length === 0 && <p class="hint">{none}</p>}
      <ul>
        {found.map((view) => (
          <ViewRow key={view.id} view={view} />
        ))}
      </ul>
    </section>
  );
}

function ViewRow({ view }: { view: View }) {
  const isOwn = view.owner_id === me.value.id;
  return (
    <li>
      <Icon name={view.layout.kind === "board" ? "board" : "list"} />
      <div class="what">
        <a href={addressOf(view)} dir="auto">
          {view.name}
        </a>
        <p class="hint" dir="auto">
          {describe(view)}
        </p>
      </div>
      {isOwn ? <span class="chip">{view.shared ? "Shared" : "Private"}</span> : <Person id={view.owner_id} />}
      {(isOwn || mayManage.value) && (
        <button
          type="button"
          class="quiet square"
          aria-haspopup="menu"
          aria-label={`Change the view ${view.name}`}
          onClick={(event) => showMenu(event.currentTarget, `View ${view.name}`, menuOf(view))}
        >
          <Icon name="more" />
        </button>
      )}
    </li>
  );
}

// "Project OPS · overdue · sorted by due date"
function describe(view: View): string {
  const parts = Object.entries(view.filters).map(([name, value]) => {
    const texts = (Array.isArray(value) ? value : value.split(",")).map(shownValue);
    if (value === "true") return statusText(name);
    return `${statusText(name)}: ${texts.join(", ")}`;
  });
  if (parts.length === 0) parts.push("All tasks");
  if (view.sort) parts.push(`Sorted by ${view.sort.replaceAll("_", " ").replaceAll("-", "descending ")}`);
  if (view.layout.swimlanes) parts.push(`Lanes by ${view.layout.swimlanes}`);
  if (view.layout.fields) parts.push(`Columns: ${view.layout.fields.map(shownValue).join(", ")}`);
  return parts.join(" · ");
}

function shownValue(text: string): string {
  return /^[0-9a-f]{24}$/.test(text) ? nameOf(text) : text.replaceAll("_", " ");
}

function menuOf(view: View): MenuItem[] {
  const change = (changes: ViewChanges, text: string) =>
    changeView(view, changes).then(() => showToast({ text }), showFailure);
  return [
    {
      label: "Rename",
      run: () => askForName(view.name, (name) => change({ name }, `It is called “${name}” now.`)),
    },
    view.shared
      ? {
          label: "Make private",
          run: () => change({ shared: false }, `Only its owner sees “${view.name}” now.`),
        }
      : { label: "Share", run: () => change({ shared: true }, `Everybody sees “${view.name}” now.`) },
    { label: "Delete", danger: true, run: () => void remove(view) },
  ];
}

async function remove(view: View): Promise<void> {
  try {
    await deleteView(view);
  } catch (error) {
    showFailure(error);
    return;
  }
  const { name, filters, sort, shared } = view;
  const layout = view.layout as NewView["layout"];
  // A view that is saved again belongs to whoever does it, so only one's own can be brought back.
  const undo = () => createView({ name, filters, sort, layout, shared }).catch(showFailure);
  const action = view.owner_id === me.value.id ? { label: "Undo", run: () => void undo() } : undefined;
  showToast({ text: `The view “${name}” is deleted.`, action });
}
