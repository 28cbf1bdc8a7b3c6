// Insights: what was done on each day, where the work is, how long it takes, and who is late.
import "./page.css";
import { useEffect, useState } from "preact/hooks";
import { api, content, type Schemas } from "../../api/client";
import { Empty } from "../../parts/empty";
import { Person } from "../../parts/person";
import { ProjectChoice } from "../../parts/project-choice";
import { showFailure } from "../../parts/toast";
import { query, setQuery } from "../../state/router";
import { nameOf, workflow } from "../../state/session";
import { counted, dayIn, statusText } from "../../state/texts";
import { Areas, Bars, Figure, type Series, Table } from "./charts";
import { durationText } from "./scale";

const SPANS = { 7: "7 days", 30: "30 days", 90: "90 days", 366: "A year" };
const DEFAULT_SPAN = 30;
const DAY = 24 * 60 * 60; // seconds

interface Numbers {
  stats: Schemas["Stats"];
  flow: Schemas["Flow"];
  times: Schemas["CycleTimeList"];
}

export default function InsightsPage() {
  const project = query.value.get("project");
  const asked = Number(query.value.get("days"));
  const span = asked in SPANS ? asked : DEFAULT_SPAN;
  const [numbers, setNumbers] = useState<Numbers | null>(null);
  useEffect(() => {
    let isCurrent = true;
    load(project, span).then((found) => isCurrent && setNumbers(found), showFailure);
    return () => {
      isCurrent = false;
    };
  }, [project, span]);
  return (
    <>
      <header class="page-head">
        <h1>Insights</h1>
        <ProjectChoice />
        <label class="choice">
          Span
          <select value={span} onChange={(event) => setQuery({ days: event.currentTarget.value })}>
            {Object.entries(SPANS).map(([days, text]) => (
              <option key={days} value={days}>
                {text}
              </option>
            ))}
          </select>
        </label>
      </header>
      <div class="page-body">{numbers ? <Charts {...numbers} /> : <p class="loading">Loading…</p>}</div>
    </>
  );
}

async function load(project: string | null, span: number): Promise<Numbers> {
  const today = dayIn(workflow.value.time_zone, new Date());
  const first = new Date(Date.parse(today) - (span - 1) * DAY * 1000).toISOString().slice(0, 10);
  const params = { query: { from: first, to: today, project: project ? [project] : undefined } };
  const [stats, flow, times] = await Promise.all([
    content(api.GET("/api/v1/stats", { params })),
    content(api.GET("/api/v1/stats/flow", { params })),
    content(api.GET("/api/v1/stats/cycle-times", { params })),
  ]);
  return { stats, flow, times };
}

function Charts({ stats, flow, times }: Numbers) {
  const isEmpty = flow.per_day.every(({ by_status }) => sum(Object.values(by_status)) === 0);
  if (isEmpty)
    return (
      <Empty title="Nothing to draw yet">
        <p>As soon as there are tasks, this page shows how they come and go.</p>
      </Empty>
    );
  return (
    <div class="charts">
      <PerDay stats={stats} />
      <FlowChart flow={flow} />
      <CycleTimes times={times} days={stats.per_day.map(({ day }) => day)} zone={stats.time_zone} />
      <Overdue stats={stats} />
    </div>
  );
}

function PerDay({ stats }: { stats: Schemas["Stats"] }) {
  const days = stats.per_day;
  const series: Series[] = [
    { label: "Created", tone: "tone-accent", values: days.map(({ created }) => created) },
    { label: "Completed", tone: "tone-success", values: days.map(({ completed }) => completed) },
  ];
  const [created, completed] = series.map(({ values }) => sum(values));
  return (
    <Figure
      title="Created and completed"
      summary={`${counted(created ?? 0, "task")} created and ${completed} completed in ${counted(days.length, "day")}.`}
      greatest={Math.max(...series.flatMap(({ values }) => values))}
      labels={days.map(({ day }) => shortDay(day))}
      legend={series}
      draw={(frame) => <Bars series={series} frame={frame} />}
      table={
        <Table
          columns={["Day", "Created", "Completed"]}
          rows={days.map(({ day, created, completed }) => [day, created, completed])}
        />
      }
    />
  );
}

function FlowChart({ flow }: { flow: Schemas["Flow"] }) {
  const days = flow.per_day;
  const names = workflow.value.statuses.map(({ name }) => name);
  // What is done lies at the bottom, so that work rises through the statuses.
  const series: Series[] = names
    .map((name) => ({
      label: statusText(name),
      tone: toneOf(name),
      values: days.map(({ by_status }) => by_status[name] ?? 0),
    }))
    .reverse();
  const now = days.at(-1)?.by_status ?? {};
  const summary = names.map((name) => `${now[name] ?? 0} ${statusText(name).toLowerCase()}`).join(", ");
  return (
    <Figure
      title="Cumulative flow"
      summary={`At the end: ${summary}.`}
      greatest={Math.max(...days.map(({ by_status }) => sum(Object.values(by_status))))}
      labels={days.map(({ day }) => shortDay(day))}
      legend={[...series].reverse()}
      draw={(frame) => <Areas series={series} frame={frame} />}
      table={
        <Table
          columns={["Day", ...names.map(statusText)]}
          rows={days.map(({ day, by_status }) => [day, ...names.map((name) => by_status[name] ?? 0)])}
        />
      }
    />
  );
}

// The statuses of a category share its colour, in different depths.
function toneOf(name: string): string {
  const { statuses } = workflow.value;
  const category = statuses.find((status) => status.name === name)?.category ?? "cancelled";
  const same = statuses.filter((status) => status.category === category);
  const depth = same.findIndex((status) => status.name === name) % 3;
  return `tone-${category} depth-${depth}`;
}

function CycleTimes(props: { times: Schemas["CycleTimeList"]; days: readonly string[]; zone: string }) {
  const { cycle_times: all, latest } = props.times;
  const [first = "", last = ""] = [props.days[0], props.days.at(-1)];
  const share = (moment: string) =>
    (props.days.indexOf(dayIn(props.zone, new Date(moment))) + 0.5) / props.days.length;
  const lines = [
    { label: "Half of the tasks take at most", seconds: all.median_seconds, tone: "tone-success" },
    { label: "85 % take at most", seconds: all.p85_seconds, tone: "tone-started" },
  ];
  const known = lines.filter((line): line is typeof line & { seconds: number } => line.seconds !== null);
  const texts = known.map(({ label, seconds }) => `${label} ${durationText(seconds)}`);
  const summary = all.tasks
    ? `${counted(all.tasks, "task")} from the first start to the completion. ${texts.join(", ")}.`
    : `No task that was started has been completed from ${first} to ${last}.`;
  return (
    <Figure
      title="Cycle times in days"
      summary={summary}
      greatest={Math.max(0.1, ...latest.map(({ seconds }) => seconds / DAY))}
      isWhole={false}
      labels={props.days.map(shortDay)}
      legend={texts.map((label, at) => ({ label, tone: known[at]?.tone ?? "" }))}
      draw={(frame) => (
        <>
          {latest.map(({ id, finished_at, seconds }) => (
            <circle
              key={id}
              class="point"
              cx={frame.x(share(finished_at))}
              cy={frame.y(seconds / DAY)}
              r="4"
            />
          ))}
          {known.map(({ label, seconds, tone }) => (
            <rect
              key={label}
              class={tone}
              x={frame.x(0)}
              y={frame.y(seconds / DAY) - 1}
              width={frame.width}
              height="2"
            />
          ))}
        </>
      )}
      table={
        <Table
          columns={["Task", "Completed", "Took"]}
          rows={latest.map(({ id, key, finished_at, seconds }) => [
            <a key={id} href={`/tasks/${key}`}>
              {key}
            </a>,
            new Date(finished_at).toLocaleString(),
            durationText(seconds),
          ])}
        />
      }
    />
  );
}

function Overdue({ stats }: { stats: Schemas["Stats"] }) {
  const late = stats.by_assignee
    .filter(({ overdue }) => overdue > 0)
    .sort((one, other) => other.overdue - one.overdue);
  const most = Math.max(1, ...late.map(({ overdue }) => overdue));
  const title = "Overdue by person";
  return (
    <section class="chart" aria-labelledby="overdue-by-person">
      <h2 id="overdue-by-person">{title}</h2>
      <p class="hint">
        {stats.overdue ? `${counted(stats.overdue, "open task")} past the due date.` : "Nothing is overdue."}
      </p>
      {late.length > 0 && (
        <table class="bars">
          <thead>
            <tr>
              <th scope="col">Person</th>
              <th scope="col">Overdue</th>
              <th scope="col">
                <span class="unseen">Share</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {late.map(({ assignee_id, overdue }) => (
              <tr key={assignee_id ?? "nobody"}>
                <th scope="row" dir="auto">
                  <a
                    href={`/list?assignee=${assignee_id ?? "none"}&overdue=true`}
                    title={nameOf(assignee_id)}
                  >
                    <Person id={assignee_id} />
                  </a>
                </th>
                <td>{overdue}</td>
                <td>
                  <svg width="100%" height="12" aria-hidden="true">
                    <rect class="tone-danger" width={`${(100 * overdue) / most}%`} height="12" rx="2" />
                  </svg>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function shortDay(day: string): string {
  const format = { day: "numeric", month: "short", timeZone: "UTC" } as const;
  return new Date(`${day}T00:00:00Z`).toLocaleDateString(undefined, format);
}
