// Says something to people who use a screen reader.
import { signal } from "@preact/signals";

const said = signal({ text: "", turn: 0 });

export function announce(text: string): void {
  said.value = { text, turn: said.peek().turn + 1 };
}

export function LiveRegion() {
  // A text that is the same as before is only read when the element is another one.
  return (
    <div class="unseen" role="status" aria-live="polite">
      <p key={said.value.turn}>{said.value.text}</p>
    </div>
  );
}
