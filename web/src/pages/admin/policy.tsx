// The policy in force: statuses, the moves between them, and limits.
import { Status } from "../../parts/chips";
import { Part } from "../../parts/sections";
import { workflow } from "../../state/session";
import { statusText } from "../../state/texts";

export function Policy() {
  const { initial, statuses, limits, four_eyes, time_zone, priorities } = workflow.value;
  const limit = (count: number, what: string) =>
    count ? `At most ${count} ${what} per assignee` : `Any number of ${what} per assignee`;
  return (
    <>
      <Part
        title="Statuses and moves"
        note="The operator sets the policy. A mark means that a task may move from the status of its row to that of its column."
      >
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
        <section class="scrolls" aria-label="Statuses and moves" tabIndex={0}>
          <table class="matrix">
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">Category</th>
                {statuses.map(({ name }) => (
                  <th key={name} scope="col">
                    {statusText(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {statuses.map((from) => (
                <tr key={from.name}>
                  <th scope="row">
                    <Status name={from.name} />
                    {from.name === initial && <small class="hint"> initial</small>}
                  </th>
                  <td>{statusText(from.category)}</td>
                  {statuses.map((to) => (
                    <td key={to.name}>
                      <Move isAllowed={from.transitions.includes(to.name)} isSame={from === to} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </Part>
      <Part title="Rules and limits" note={<a href="/docs/errors">All rules, and what to do about each</a>}>
        <ul class="rows">
          <li>
            <span>{limit(limits.wip, "started tasks")}</span>
          </li>
          <li>
            <span>{limit(limits.urgent, "open urgent tasks")}</span>
          </li>
          <li>
            <span>
              {four_eyes
                ? "Four eyes: a task is completed by somebody who has not been its assignee"
                : "Assignees may complete their own tasks"}
            </span>
          </li>
          <li>
            <span>Priorities: {priorities.map(statusText).join(", ")}</span>
          </li>
          <li>
            <span>Days end at midnight in {time_zone}</span>
          </li>
        </ul>
      </Part>
    </>
  );
}

function Move({ isAllowed, isSame }: { isAllowed: boolean; isSame: boolean }) {
  if (isSame) return <span class="unseen">the same</span>;
  return isAllowed ? (
    <span class="yes">
      <span aria-hidden="true">●</span>
      <span class="unseen">yes</span>
    </span>
  ) : (
    <span class="unseen">no</span>
  );
}
