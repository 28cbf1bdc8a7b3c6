// A text field that completes usernames after `@`, and grows with its text.
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { User } from "../api/client";
import { users } from "../state/session";
import { announce } from "./live";
import { Avatar } from "./person";

interface Props {
  label: string;
  value: string;
  onValue: (value: string) => void;
  rows: number;
  class?: string;
  maxLength?: number;
  autofocus?: boolean;
  placeholder?: string;
  // The key that leads here.
  shortcut?: string;
  describedBy?: string;
}

const MAX_FOUND = 6;
const BEGUN = /(?:^|[^\p{L}\p{N}_.-])@([a-z0-9._-]*)$/iu;

export function MentionArea(props: Props) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const [begun, setBegun] = useState<string | null>(null);
  const [selected, select] = useState(0);
  const found = begun === null ? [] : peopleLike(begun);
  const { value, autofocus } = props;
  useLayoutEffect(() => {
    if (autofocus) field.current?.focus();
  }, [autofocus]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight + 2}px`;
  }, [value]);
  const look = () => {
    const box = field.current;
    const before = box?.value.slice(0, box.selectionStart) ?? "";
    const match = BEGUN.exec(before)?.[1];
    const people = match === undefined ? [] : peopleLike(match);
    setBegun(people.length ? (match ?? null) : null);
    select(0);
    if (people.length && match !== begun) announce(`${people.length} people; arrow keys and Enter choose`);
  };
  const complete = (user: User | undefined) => {
    const box = field.current;
    if (!box || !user || begun === null) return;
    const start = box.selectionStart - begun.length;
    box.setRangeText(`${user.username} `, start, box.selectionStart, "end");
    setBegun(null);
    props.onValue(box.value);
    box.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!found.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) select((selected + step + found.length) % found.length);
    else if (event.key === "Enter" || event.key === "Tab") complete(found[selected]);
    else if (event.key === "Escape") setBegun(null);
    else return;
    event.preventDefault();
  };
  return (
    <div class="mention-area">
      <textarea
        ref={field}
        class={props.class}
        dir="auto"
        aria-label={props.label}
        aria-describedby={props.describedBy}
        aria-autocomplete="list"
        aria-controls={found.length ? id : undefined}
        aria-activedescendant={found.length ? `${id}-${selected}` : undefined}
        data-key={props.shortcut}
        rows={props.rows}
        maxLength={props.maxLength}
        placeholder={props.placeholder}
        value={value}
        onInput={(event) => {
          props.onValue(event.currentTarget.value);
          look();
        }}
        onBlur={() => setBegun(null)}
        onKeyDown={onKeyDown}
      />
      {found.length > 0 && (
        <div id={id} class="mentions" role="listbox" aria-label="People">
          {found.map((user, place) => (
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the text field
            <div
              key={user.id}
              id={`${id}-${place}`}
              role="option"
              aria-selected={place === selected}
              onPointerDown={(event) => {
                event.preventDefault();
                complete(user);
              }}
            >
              <Avatar id={user.id} />
              <span>{user.name}</span>
              <small>@{user.username}</small>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

function peopleLike(begun: string): User[] {
  const text = begun.toLowerCase();
  const active = [...users.value.values()].filter((user) => user.active);
  const begins = (user: User) => user.username.startsWith(text) || user.name.toLowerCase().startsWith(text);
  const exact = active.length && active.some((user) => user.username === text);
  return exact && active.filter(begins).length === 1 ? [] : active.filter(begins).slice(0, MAX_FOUND);
}
