// A menu at an element: arrow keys, Home, End, first letters and Escape work as in the system's menus.
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";

export interface MenuItem {
  label: string;
  hint?: string;
  // A sentence below the label.
  note?: string;
  checked?: boolean;
  danger?: boolean;
  run: () => void;
}

interface Shown {
  label: string;
  anchor: HTMLElement;
  items: readonly MenuItem[];
}

const shown = signal<Shown | null>(null);

export function showMenu(anchor: HTMLElement, label: string, items: readonly MenuItem[]): void {
  shown.value = { label, anchor, items };
}

export function MenuHost() {
  return shown.value && <OpenMenu key={shown.value.label} menu={shown.value} />;
}

function OpenMenu({ menu }: { menu: Shown }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const box = element.current;
    if (!box) return;
    box.showPopover();
    place(box, menu.anchor);
    (box.querySelector<HTMLElement>("[aria-checked=true]") ?? box.querySelector("button"))?.focus();
  }, [menu]);
  const choose = (item: MenuItem) => {
    element.current?.hidePopover();
    item.run();
  };
  const onToggle = (event: ToggleEvent) => {
    if (event.newState !== "closed") return;
    const hadFocus = element.current?.contains(document.activeElement) ?? false;
    if (shown.peek() === menu) shown.value = null;
    if (hadFocus || document.activeElement === document.body) menu.anchor.focus();
  };
  return (
    <div
      ref={element}
      class="menu"
      role="menu"
      aria-label={menu.label}
      popover="auto"
      onToggle={onToggle}
      onKeyDown={(event) => element.current && moveFocus(element.current, event)}
    >
      {menu.items.map((item) => (
        // biome-ignore lint/a11y/useAriaPropsSupportedByRole: only a `menuitemradio` has it
        <button
          type="button"
          key={item.label}
          role={item.checked === undefined ? "menuitem" : "menuitemradio"}
          aria-checked={item.checked}
          class={item.danger ? "danger" : undefined}
          tabIndex={-1}
          onClick={() => choose(item)}
        >
          <span>{item.label}</span>
          {item.hint && <small>{item.hint}</small>}
          {item.note && <small class="note">{item.note}</small>}
          {item.checked && <Icon name="check" />}
        </button>
      ))}
    </div>
  );
}

const GAP = 4; // pixels

function place(box: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const fitsBelow = at.bottom + GAP + height <= innerHeight;
  const top = fitsBelow ? at.bottom + GAP : Math.max(GAP, at.top - GAP - height);
  box.style.left = `${Math.max(GAP, Math.min(at.left, innerWidth - width - GAP))}px`;
  box.style.top = `${top}px`;
}

function moveFocus(box: HTMLElement, event: KeyboardEvent): void {
  const items = [...box.querySelectorAll("button")];
  const at = items.indexOf(document.activeElement as HTMLButtonElement);
  const next = nextItem(items, at, event.key);
  if (event.key === "Tab") box.hidePopover();
  if (next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  items[(next + items.length) % items.length]?.focus();
}

function nextItem(items: HTMLElement[], at: number, key: string): number | undefined {
  if (key === "ArrowDown") return at + 1;
  if (key === "ArrowUp") return at < 0 ? items.length - 1 : at - 1;
  if (key === "Home") return 0;
  if (key === "End") return items.length - 1;
  if (key.length !== 1 || key === " ") return undefined;
  const begins = (item: HTMLElement) => item.textContent?.toLowerCase().startsWith(key.toLowerCase());
  const later = items.findIndex((item, place) => place > at && begins(item));
  const found = later < 0 ? items.findIndex(begins) : later;
  return found < 0 ? undefined : found;
}
