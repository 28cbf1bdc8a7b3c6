// The tasks that are selected.
import { signal } from "@preact/signals";

export class Selection {
  readonly ids = signal<ReadonlySet<string>>(new Set());
  // Where a range begins: what was selected last.
  private last: string | undefined;

  // Selects a task or not; with `isRange`, also all between it and the one before.
  click(id: string, isOn: boolean, isRange: boolean, order: readonly string[]): void {
    const from = order.indexOf(this.last ?? id);
    const to = order.indexOf(id);
    const range = order.slice(Math.min(from, to), Math.max(from, to) + 1);
    const changed = isRange && from >= 0 ? range : [id];
    const ids = new Set(this.ids.peek());
    for (const one of changed) {
      if (isOn) ids.add(one);
      else ids.delete(one);
    }
    this.last = id;
    this.ids.value = ids;
  }

  setAll(ids: readonly string[]): void {
    this.ids.value = new Set(ids);
  }

  // Forgets what is no longer in the list.
  keep(order: readonly string[]): void {
    const there = new Set(order);
    const kept = [...this.ids.peek()].filter((id) => there.has(id));
    if (kept.length !== this.ids.peek().size) this.ids.value = new Set(kept);
  }
}
