// The icons: strokes in a square of 16, drawn in the colour of the text around them.
const PATHS = {
  board: "M2.5 3h3v10h-3zM6.5 3h3v6h-3zM10.5 3h3v8h-3z",
  list: "M2.5 4h.01M2.5 8h.01M2.5 12h.01M5.5 4h8M5.5 8h8M5.5 12h8",
  people:
    "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM1.5 13.5c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M11 2.8a2.4 2.4 0 0 1 0 4.4M12 9.8c1.600 .5 2.5 1.9 2.5 3.7",
  insights: "M2.500 13.500v-5M6.200 13.500v-9M9.800 13.500v-6M13.500 13.500v-11",
  inbox: "M2 9.500 4 3h8l2 6.500v3.500H2zM2 9.500h3.500l1 1.500h3l1-1.500H14",
  settings:
    "M2 5h7M12 5h2M2 11h2M7 11h7M10.500 6.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3zM5.500 12.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3z",
  view: "M3 2.500h10v11l-5-3-5 3z",
  admin: "M8 1.500 13.500 4v4c0 3.200-2.300 5.500-5.500 6.500C4.800 13.500 2.500 11.200 2.500 8V4z",
  search: "M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM10.300 10.300l3.200 3.200",
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.500 6.500 12 13 4.500",
  more: "M3.500 8h.01M8 8h.01M12.500 8h.01",
  down: "M4 6.500 8 10.500l4-4",
  blocked: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM3.800 3.800l8.400 8.400",
  subtask: "M4 2.500v7a2 2 0 0 0 2 2h6M9.500 9l2.500 2.500-2.500 2.500",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.800V8l2.200 1.400",
  warning: "M8 2 14.500 13.500h-13zM8 6.500v3M8 11.500h.01",
  move: "M2.500 8h11M10 4.500 13.500 8 10 11.500",
  menu: "M2.500 4.500h11M2.500 8h11M2.500 11.500h11",
  offline:
    "M2 2l12 12M5 10.500a4 4 0 0 1 3-1.300M3 7.800a7 7 0 0 1 2.600-1.700M8 12.800h.01M8 5.200c1.900 0 3.700.900 5 2.600",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
