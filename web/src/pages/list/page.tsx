// The list: the tasks that match, with everything that can be done to many at once.
import { useEffect, useRef, useState } from "preact/hooks";
import { explain } from "../../api/problems";
import { Empty, NothingMatches } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { useOpened } from "../../parts/opened";
import { showFailure } from "../../parts/toast";
import { startQuickAdd } from "../../shell/quick-add";
import { type Command, useCommands } from "../../state/keys";
import { mayWrite } from "../../state/session";
import { taskSignal } from "../../state/tasks";
import { BulkBar, editMany } from "./bulk";
import { columns } from "./columns";
import { clearFilters, filters, isFiltered, selection, sort, sortBy } from "./filters";
import { ListHead } from "./head";
import { List } from "./list";
import { Selection } from "./selection";

export default function ListPage() {
  const { opened: list, failure } = useOpened(() => new List(filters.peek(), sort.peek()), selection.value);
  return (
    <>
      <ListHead list={list} />
      {failure !== null && (
        <Empty title="The list cannot be shown">
          <p role="alert">{explain(failure)}</p>
          <p>
            <button type="button" onClick={clearFilters}>
              Clear the filters
            </button>
          </p>
        </Empty>
      )}
      {failure === null && (list ? <Content list={list} /> : <p class="loading">Loading…</p>)}
    </>
  );
}

function Content({ list }: { list: List }) {
  const [chosen] = useState(() => new Selection());
  const table = useRef<HTMLTableElement>(null);
  const ids = list.ids.value;
  useEffect(() => chosen.keep(ids), [chosen, ids]);
  useCommands(commandsOf(list, chosen, table));
  if (!ids.length) return isFiltered.value ? <NothingMatches onClear={clearFilters} /> : <NoTasks />;
  return (
    <>
      <table class="list" ref={table}>
        <caption class="unseen">Tasks</caption>
        <Head list={list} chosen={chosen} />
        <tbody>
          {ids.map((id) => (
            <Row key={id} id={id} list={list} chosen={chosen} />
          ))}
        </tbody>
      </table>
      {list.next.value && <More list={list} />}
      {mayWrite.value && <BulkBar chosen={chosen} />}
    </>
  );
}

function Head({ list, chosen }: { list: List; chosen: Selection }) {
  const ids = list.ids.value;
  const count = chosen.ids.value.size;
  return (
    <thead>
      <tr>
        <th scope="col" class="check">
          <input
            type="checkbox"
            aria-label="Select all that are shown"
            checked={count > 0 && count === ids.length}
            indeterminate={count > 0 && count < ids.length}
            onChange={(event) => chosen.setAll(event.currentTarget.checked ? ids : [])}
          />
        </th>
        <SortableHead title="Key" sort="key" class="wide" />
        <SortableHead title="Title" sort="title" />
        {columns.value.map(({ name, title, sort, first }) => (
          <SortableHead key={name} title={title} sort={sort} first={first} class="wide" />
        ))}
      </tr>
    </thead>
  );
}

function SortableHead(head: { title: string; sort?: string; first?: "-"; class?: string }) {
  const { title, sort: key, first = "" } = head;
  if (!key)
    return (
      <th scope="col" class={head.class}>
        {title}
      </th>
    );
  const direction = sort.value === key ? "ascending" : sort.value === `-${key}` ? "descending" : undefined;
  return (
    <th scope="col" class={head.class} aria-sort={direction}>
      <button type="button" class="quiet" onClick={() => sortBy(key, first)}>
        {title}
        {direction && <Icon name={direction === "ascending" ? "up" : "down"} />}
      </button>
    </th>
  );
}

function Row({ id, list, chosen }: { id: string; list: List; chosen: Selection }) {
  const task = taskSignal(id).value;
  const isChosen = chosen.ids.value.has(id);
  return (
    <tr class={isChosen ? "chosen" : undefined} data-row={id}>
      <td class="check">
        <input
          type="checkbox"
          aria-label={`Select ${task.key}`}
          checked={isChosen}
          onClick={(event) => chosen.click(id, event.currentTarget.checked, event.shiftKey, list.ids.peek())}
        />
      </td>
      <td class="wide key">{task.key}</td>
      <th scope="row">
        <a href={`/tasks/${task.key}`}>
          <span class="narrow key">{task.key} </span>
          <bdi>{task.title}</bdi>
        </a>
        <div class="narrow meta">
          {columns.value.map(({ name, cell }) => (
            <span key={name}>{cell(task)}</span>
          ))}
        </div>
      </th>
      {columns.value.map(({ name, cell }) => (
        <td key={name} class="wide" data-column={name}>
          {cell(task)}
        </td>
      ))}
    </tr>
  );
}

// The next page is read as soon as the end comes near.
function More({ list }: { list: List }) {
  const button = useRef<HTMLButtonElement>(null);
  const read = () => void list.readMore().catch(showFailure);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it looks again after every page
  useEffect(() => {
    const near = new IntersectionObserver(([entry]) => entry?.isIntersecting && read(), {
      rootMargin: "600px",
    });
    if (button.current) near.observe(button.current);
    return () => near.disconnect();
  }, [list, list.ids.value.length]);
  return (
    <p class="list-end">
      <button type="button" ref={button} onClick={read}>
        Load more
      </button>
    </p>
  );
}

function NoTasks() {
  return (
    <Empty title="There are no tasks yet">
      {mayWrite.value && (
        <p>
          <button type="button" class="primary" onClick={startQuickAdd}>
            Create the first one
          </button>
        </p>
      )}
    </Empty>
  );
}

function commandsOf(list: List, chosen: Selection, table: { current: HTMLTableElement | null }): Command[] {
  const rows = () => [...(table.current?.querySelectorAll<HTMLElement>("tbody tr") ?? [])];
  const current = () => rows().findIndex((row) => row.contains(document.activeElement));
  const go = (step: number) => {
    const all = rows();
    const at = current() < 0 ? (step > 0 ? 0 : all.length - 1) : current() + step;
    const row = all[Math.max(0, Math.min(at, all.length - 1))];
    row?.querySelector("a")?.focus();
    row?.scrollIntoView({ block: "nearest" });
  };
  const select = (isRange: boolean) => {
    const id = rows()[current()]?.dataset.row;
    if (id) chosen.click(id, isRange || !chosen.ids.peek().has(id), isRange, list.ids.peek());
  };
  const edit = () => {
    const row = rows()[current()];
    const ids = chosen.ids.peek().size ? [...chosen.ids.peek()] : [row?.dataset.row ?? ""].filter(Boolean);
    const anchor = row?.querySelector("a") ?? table.current;
    if (ids.length && anchor) editMany(anchor, ids);
  };
  const group = "List";
  const own = [
    { keys: "j", label: "Next task", group, run: () => go(1) },
    { keys: "k", label: "Previous task", group, run: () => go(-1) },
    { keys: "x", label: "Select the task", group, run: () => select(false) },
    { keys: "X", label: "Select all up to the task", group, run: () => select(true) },
    {
      keys: "/",
      label: "Search in the list",
      group,
      run: () => document.querySelector<HTMLElement>("[data-key='/']")?.focus(),
    },
  ];
  return mayWrite.value ? [...own, { keys: "e", label: "Edit what is selected", group, run: edit }] : own;
}
