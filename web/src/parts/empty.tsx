// What a page shows when it has nothing to show: why, and what to do about it.
import type { ComponentChildren } from "preact";

interface Props {
  title: string;
  // Whether there is nothing else on the page, so that the title is that of the page.
  isPage?: boolean;
  children?: ComponentChildren;
}

export function Empty({ title, isPage, children }: Props) {
  return (
    <div class="empty">
      {isPage ? <h1>{title}</h1> : <h2>{title}</h2>}
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
