// The charts: drawings with a text that says what they show, a legend, and a table with every number.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { labelledPlaces, stacked, ticks } from "./scale";

export interface Series {
  label: string;
  // The class with its colour.
  tone: string;
  values: readonly number[];
}

const HEIGHT = 240; // pixels, as all numbers below
const EDGE = { top: 8, right: 8, bottom: 24, left: 44 };
const LABEL_WIDTH = 84;

interface Frame {
  width: number;
  x: (share: number) => number;
  y: (value: number) => number;
}

// A chart in a figure. Its width is that of the page, so that its texts keep their size on a phone.
export function Figure(props: {
  title: string;
  summary: string;
  greatest: number;
  isWhole?: boolean;
  // The texts below, from the first to the last place.
  labels: readonly string[];
  legend?: readonly { label: string; tone: string }[];
  draw: (frame: Frame) => ComponentChildren;
  table: ComponentChildren;
}) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const marks = ticks(props.greatest, props.isWhole ?? true);
  const inner = Math.max(1, width - EDGE.left - EDGE.right);
  const frame: Frame = {
    width: inner,
    x: (share) => EDGE.left + share * inner,
    y: (value) => HEIGHT - EDGE.bottom - (value / (marks.at(-1) ?? 1)) * (HEIGHT - EDGE.top - EDGE.bottom),
  };
  const count = props.labels.length;
  return (
    <figure class="chart">
      <figcaption>
        <h2>{props.title}</h2>
        <p class="hint">{props.summary}</p>
      </figcaption>
      <div ref={box}>
        <svg width={width} height={HEIGHT} role="img" aria-label={`${props.title}. ${props.summary}`}>
          {marks.map((value) => (
            <g key={value}>
              <line class="grid" x1={EDGE.left} x2={frame.x(1)} y1={frame.y(value)} y2={frame.y(value)} />
              <text class="tick" x={EDGE.left - 6} y={frame.y(value) + 4} text-anchor="end">
                {value.toLocaleString()}
              </text>
            </g>
          ))}
          {labelledPlaces(count, Math.floor(inner / LABEL_WIDTH)).map((place) => (
            <text
              key={place}
              class="tick"
              x={frame.x((place + 0.5) / count)}
              y={HEIGHT - 6}
              text-anchor={place === count - 1 ? "end" : "middle"}
            >
              {props.labels[place]}
            </text>
          ))}
          {props.draw(frame)}
        </svg>
      </div>
      {props.legend && (
        <ul class="legend">
          {props.legend.map(({ label, tone }) => (
            <li key={label}>
              <svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">
                <rect class={tone} width="12" height="12" />
              </svg>
              {label}
            </li>
          ))}
        </ul>
      )}
      <details>
        <summary>Table: {props.title.toLowerCase()}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable */}
        <section class="table" tabIndex={0} aria-label={`Table: ${props.title.toLowerCase()}`}>
          {props.table}
        </section>
      </details>
    </figure>
  );
}

function useWidth(box: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(600);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the element stays the same
  useEffect(() => {
    if (!box.current) return;
    const watcher = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  return width;
}

// Bars beside each other, one of each series per column.
export function Bars({ series, frame }: { series: readonly Series[]; frame: Frame }) {
  const count = series[0]?.values.length ?? 0;
  const room = frame.width / count;
  const wide = Math.max(1, (room * 0.8) / series.length);
  return (
    <>
      {series.map(({ label, tone, values }, at) =>
        values.map((value, place) => (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a column is known by its place
            key={`${label} ${place}`}
            class={tone}
            x={frame.x(place / count) + room * 0.1 + at * wide}
            y={frame.y(value)}
            width={wide}
            height={frame.y(0) - frame.y(value)}
          />
        )),
      )}
    </>
  );
}

// Areas on each other, the first series at the bottom.
export function Areas({ series, frame }: { series: readonly Series[]; frame: Frame }) {
  const tops = stacked(series.map(({ values }) => values));
  const count = series[0]?.values.length ?? 0;
  const x = (place: number) => frame.x((place + 0.5) / count);
  const line = (values: readonly number[]) => values.map((value, place) => `${x(place)},${frame.y(value)}`);
  return (
    <>
      {series.map(({ label, tone }, at) => {
        const above = line(tops[at] ?? []);
        const below = line(tops[at - 1] ?? Array(count).fill(0)).reverse();
        return <polygon key={label} class={`${tone} area`} points={[...above, ...below].join(" ")} />;
      })}
    </>
  );
}

export function Table(props: {
  columns: readonly string[];
  rows: readonly (readonly ComponentChildren[])[];
}) {
  return (
    <table>
      <thead>
        <tr>
          {props.columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map(([first, ...others], at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows never move
          <tr key={at}>
            <th scope="row" dir="auto">
              {first}
            </th>
            {others.map((value, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a cell is known by its column
              <td key={place}>{value}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
