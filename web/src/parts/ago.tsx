// A moment as people say it, with the exact time on top of it.
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

const format = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export function agoText(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000;
  const [unit, size] = UNITS.find((one) => Math.abs(seconds) >= one[1]) ?? [];
  return unit && size ? format.format(Math.trunc(seconds / size), unit) : "just now";
}

export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {agoText(at)}
    </time>
  );
}
