// The head of the list: how many tasks there are, and what selects them.
import { labelOptions, NOBODY, PAUSE, people, projectOptions } from "../../parts/choices";
import { Icon } from "../../parts/icon";
import { type MenuItem, showMenu } from "../../parts/menu";
import { matching, type Option, showPicker } from "../../parts/picker";
import { SaveViewButton } from "../../parts/save-view";
import { WordsField } from "../../parts/words-field";
import { setQuery } from "../../state/router";
import { me, nameOf, users, workflow } from "../../state/session";
import { counted, dayIn, dueText, statusText } from "../../state/texts";
import { pickColumns } from "./columns";
import { clearFilters, type FilterName, filters, isFiltered, toggle, valuesOf } from "./filters";
import type { List } from "./list";

export function ListHead({ list }: { list: List | null }) {
  return (
    <header class="page-head list-head">
      <h1>List</h1>
      <span class="hint" role="status" aria-label="Number of tasks">
        {list && counted(list.total.value, "task")}
      </span>
      <div class="filters">
        <WordsField
          label="Search in titles, descriptions, labels and comments"
          placeholder="Search"
          shortcut="/"
        />
        {FILTERS.map((filter) => (
          <FilterButton key={filter.name} filter={filter} />
        ))}
        <button
          type="button"
          aria-haspopup="menu"
          class={dueShown() ? "active" : undefined}
          onClick={(event) => showMenu(event.currentTarget, "Due", dueItems())}
        >
          {dueShown() || "Due"}
          <Icon name="down" />
        </button>
        <button
          type="button"
          aria-haspopup="menu"
          class={moreShown() ? "active" : undefined}
          onClick={(event) => showMenu(event.currentTarget, "More filters", moreItems())}
        >
          {moreShown() || "More"}
          <Icon name="down" />
        </button>
        {isFiltered.value && (
          <button type="button" class="quiet" onClick={clearFilters}>
            Clear
          </button>
        )}
      </div>
      <button type="button" class="quiet" aria-haspopup="dialog" onClick={pickColumns}>
        <Icon name="settings" />
        Columns
      </button>
      <SaveViewButton />
    </header>
  );
}

interface Filter {
  name: FilterName;
  title: string;
  find: (text: string) => readonly Option[] | Promise<readonly Option[]>;
  text: (value: string) => string;
}

const has = (name: FilterName) => (value: string) => valuesOf(name).includes(value);

function named(name: FilterName, values: readonly string[], text: string): Option[] {
  const options = values.map((value) => ({ id: value, label: statusText(value), checked: has(name)(value) }));
  return matching(options, text);
}

const FILTERS: readonly Filter[] = [
  { name: "project", title: "Project", find: (text) => projectOptions(text, has("project")), text: String },
  {
    name: "status",
    title: "Status",
    find: (text) =>
      named(
        "status",
        workflow.value.statuses.map(({ name }) => name),
        text,
      ),
    text: statusText,
  },
  {
    name: "priority",
    title: "Priority",
    find: (text) => named("priority", workflow.value.priorities.toReversed(), text),
    text: statusText,
  },
  { name: "assignee", title: "Assignee", find: (text) => people(text, isAssignee), text: personText },
  {
    name: "label",
    title: "Label",
    find: (text) => labelOptions(text, valuesOf("label"), false),
    text: String,
  },
];

// The address may have an id, a username, or `me`.
function isAssignee(id: string): boolean {
  return valuesOf("assignee").some((value) => value === id || idOf(value) === id);
}

function idOf(value: string): string | undefined {
  if (value === "me") return me.value.id;
  return [...users.value.values()].find((user) => user.username === value)?.id;
}

function personText(value: string): string {
  return value === NOBODY ? "Nobody" : nameOf(idOf(value) ?? value);
}

function FilterButton({ filter: { name, title, find, text } }: { filter: Filter }) {
  const values = valuesOf(name);
  const pick = () => {
    const onPick = ({ id }: Option) => toggle(name, values.length ? written(name, id) : id);
    showPicker({ title, label: title, several: true, pause: name === "label" ? PAUSE : 0, find, onPick });
  };
  return (
    <button type="button" aria-haspopup="dialog" class={values.length ? "active" : undefined} onClick={pick}>
      <bdi>{values.length > 0 ? `${title}: ${values.map(text).join(", ")}` : title}</bdi>
      <Icon name="down" />
    </button>
  );
}

// Returns the value as the address has it.
function written(name: FilterName, id: string): string {
  if (name !== "assignee") return id;
  return valuesOf(name).find((value) => value === id || idOf(value) === id) ?? id;
}

const NO_DUE = { due: null, due_from: null, due_to: null, overdue: null };
const DAY = 24 * 60 * 60 * 1000; // milliseconds

function dueItems(): MenuItem[] {
  const inDays = (days: number) => dayIn(workflow.value.time_zone, new Date(Date.now() + days * DAY));
  const item = (label: string, changes: Record<string, string | null>): MenuItem => ({
    label,
    run: () => setQuery({ ...NO_DUE, ...changes }),
  });
  return [
    item("Overdue", { overdue: "true" }),
    item("Today", { due_from: inDays(0), due_to: inDays(0) }),
    item("Within a week", { due_from: inDays(0), due_to: inDays(7) }),
    item("With a due date", { due: "any" }),
    item("Without a due date", { due: "none" }),
    item("Whenever", {}),
  ];
}

function dueShown(): string {
  const { overdue, due, due_from, due_to } = filters.value;
  if (overdue) return overdue === "true" ? "Overdue" : "Not overdue";
  if (due) return due === "any" ? "With a due date" : "Without a due date";
  if (due_from && due_from === due_to) return `Due ${dueText(String(due_from))}`;
  const from = due_from && `from ${dueText(String(due_from))}`;
  const to = due_to && `to ${dueText(String(due_to))}`;
  return due_from || due_to ? `Due ${[from, to].filter(Boolean).join(" ")}` : "";
}

const MORE: readonly [string, FilterName, string][] = [
  ["Open", "category", "open"],
  ["Closed", "category", "closed"],
  ["Blocked", "blocked", "true"],
  ["Created by me", "created_by", "me"],
  ["In the bin", "bin", "true"],
];

function moreItems(): MenuItem[] {
  return MORE.map(([label, name, value]) => {
    const checked = filters.value[name] === value;
    return { label, checked, run: () => setQuery({ [name]: checked ? null : value }) };
  });
}

// Also what only an address can say.
function moreShown(): string {
  const known = MORE.filter(([, name, value]) => filters.value[name] === value);
  const others = (
    ["parent", "blocked_by", "created_from", "created_to", "updated_from", "updated_to"] as const
  )
    .filter((name) => filters.value[name])
    .map((name) => `${statusText(name)}: ${filters.value[name]}`);
  return [...known.map(([label]) => label), ...others].join(", ");
}
