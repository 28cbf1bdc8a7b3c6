// The head of the board: what it shows, and in which order.
import { Icon } from "../../parts/icon";
import { SaveViewButton } from "../../parts/save-view";
import { WordsField } from "../../parts/words-field";
import { startQuickAdd } from "../../shell/quick-add";
import { query, setQuery } from "../../state/router";
import { mayWrite, projects, users, workflow } from "../../state/session";
import { filters, isFiltered, lanes, project, SORTS, sort } from "./filters";

export function BoardHead() {
  const found = projects.value.find(({ key }) => key === project.value);
  const people = [...users.value.values()].filter((user) => user.active && user.kind === "person");
  return (
    <header class="page-head board-head">
      <h1>{found ? found.name : "Board"}</h1>
      <div class="filters">
        <WordsField label="Words" placeholder="Filter by words" />
        <Choice
          label="Assignee"
          name="assignee"
          options={[
            ["", "Everybody"],
            ["me", "Me"],
            ["none", "Nobody"],
            ...people.map(({ username, name }): [string, string] => [username, name]),
          ]}
        />
        <Choice
          label="Priority"
          name="priority"
          options={[
            ["", "Any priority"],
            ...workflow.value.priorities.map((name): [string, string] => [name, name]),
          ]}
        />
        <Choice
          label="Marks"
          name="overdue"
          options={[
            ["", "Any due date"],
            ["true", "Overdue"],
          ]}
        />
        <Choice
          label="Order"
          name="sort"
          value={sort.value}
          options={Object.entries(SORTS).filter(([name]) => name !== "rank" || project.value)}
        />
        <Choice
          label="Lanes"
          name="lanes"
          value={lanes.value === "none" ? "" : lanes.value}
          options={[
            ["", "No lanes"],
            ["assignee", "Lanes by assignee"],
            ["priority", "Lanes by priority"],
          ]}
        />
        {filters.value.label && (
          <button type="button" onClick={() => setQuery({ label: null })}>
            {filters.value.label}
            <Icon name="close" />
            <span class="unseen">Remove this label from the filter</span>
          </button>
        )}
        {isFiltered.value && (
          <button type="button" class="link" onClick={clearFilters}>
            Clear filters
          </button>
        )}
      </div>
      <SaveViewButton />
      {mayWrite.value && (
        <button type="button" class="primary desk-only" onClick={startQuickAdd}>
          <Icon name="plus" />
          New task
        </button>
      )}
    </header>
  );
}

export function clearFilters(): void {
  const names = Object.keys(filters.value).filter((name) => name !== "project");
  setQuery(Object.fromEntries(names.map((name) => [name, null])));
}

function Choice(choice: { label: string; name: string; value?: string; options: [string, string][] }) {
  const value = choice.value ?? query.value.get(choice.name) ?? "";
  const isOther = !choice.options.some(([each]) => each === value);
  return (
    <select
      aria-label={choice.label}
      value={value}
      onChange={(event) => setQuery({ [choice.name]: event.currentTarget.value })}
    >
      {isOther && <option value={value}>{value}</option>}
      {choice.options.map(([each, text]) => (
        <option key={each} value={each}>
          {text}
        </option>
      ))}
    </select>
  );
}
