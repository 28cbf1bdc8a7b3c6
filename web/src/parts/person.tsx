// People: a round picture with their initials, in a colour of their own, and their name.
import { nameOf } from "../state/session";

const COLOURS = 8;

export function Avatar({ id }: { id: string | null }) {
  if (!id) return <span class="avatar nobody" title="Nobody" aria-hidden="true" />;
  const name = nameOf(id);
  return (
    <span class={`avatar colour-${colourOf(id)}`} title={name} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export function Person({ id }: { id: string | null }) {
  return (
    <span class="person">
      <Avatar id={id} />
      <span>{nameOf(id)}</span>
    </span>
  );
}

export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toLocaleUpperCase();
}

// The last digits of an id count up, so people who came one after the other differ.
function colourOf(id: string): number {
  return Number.parseInt(id.slice(-4), 16) % COLOURS;
}
