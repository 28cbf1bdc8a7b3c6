// A moment, as the time since then or until then; pointing at it shows the whole.
const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Number.POSITIVE_INFINITY],
] as const;

export function When({ at }: { at: string }) {
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {distanceText(at)}
    </time>
  );
}

// "3 minutes ago", "in 7 days", or "now" within half a minute.
export function distanceText(at: string, now = new Date()): string {
  let distance = (Date.parse(at) - now.getTime()) / 1000;
  if (Math.abs(distance) < 30) return "now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(Math.round(distance)) < size)
      return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(distance), unit);
    distance /= size;
  }
  return "";
}
