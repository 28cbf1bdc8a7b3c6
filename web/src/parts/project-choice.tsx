// Chooses the project that a page shows; the choice is in the address.
import { query, setQuery } from "../state/router";
import { openProjects } from "../state/session";

export function ProjectChoice() {
  return (
    <label class="choice">
      Project
      <select
        value={query.value.get("project") ?? ""}
        onChange={(event) => setQuery({ project: event.currentTarget.value || null })}
      >
        <option value="">All projects</option>
        {openProjects.value.map(({ key, name }) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
