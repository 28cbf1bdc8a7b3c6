// What a page shows when it has nothing to show: why, and what to do about it.
import type { ComponentChildren } from "preact";

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function NothingMatches({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="No task matches">
      <p>
        <button type="button" onClick={onClear}>
          Clear the filters
        </button>
      </p>
    </Empty>
  );
}
