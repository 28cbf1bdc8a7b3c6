// Where values lie in a chart.

// Returns the smallest of 1, 2, 2.5, 5 and 10, times a power of ten, that is not less than a number.
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}

// Returns round numbers from 0 up to at least the greatest value, four or so; whole ones if `isWhole`.
export function ticks(greatest: number, isWhole: boolean): number[] {
  const step = isWhole ? Math.ceil(roundUp(greatest / 4)) : roundUp(greatest / 4);
  const count = Math.max(1, Math.ceil(greatest / step));
  return Array.from({ length: count + 1 }, (_, number) => Number((number * step).toFixed(6)));
}

// Returns the places of a few of `count` columns, the last one among them, for the labels below them.
export function labelledPlaces(count: number, most: number): number[] {
  const step = Math.max(1, Math.ceil(count / Math.max(1, most)));
  return Array.from({ length: count }, (_, place) => place).filter(
    (place) => (count - 1 - place) % step === 0,
  );
}

// Returns the values added up from the first series to each one, per column.
export function stacked(series: readonly (readonly number[])[]): number[][] {
  let below: number[] = [];
  return series.map((values) => {
    below = values.map((value, place) => value + (below[place] ?? 0));
    return below;
  });
}

// "2.5 days", "3 hours" or "12 minutes".
export function durationText(seconds: number): string {
  const minutes = seconds / 60;
  const [amount, unit] = [
    [minutes / 1440, "day"],
    [minutes / 60, "hour"],
    [minutes, "minute"],
  ].find(([size]) => Number(size) >= 1) ?? [minutes, "minute"];
  const rounded = Math.round(Number(amount) * 10) / 10;
  return `${rounded.toLocaleString()} ${unit}${rounded === 1 ? "" : "s"}`;
}
