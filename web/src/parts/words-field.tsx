// The field for the words that the shown tasks must contain: the `q` of the page's address.
import { useEffect, useRef } from "preact/hooks";
import { query, setQuery } from "../state/router";

// Milliseconds without a key, after which the words are put into the address; Enter does it at once.
const PAUSE = 250;

export function WordsField(props: { label: string; placeholder: string; shortcut?: string }) {
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const words = query.value.get("q") ?? "";
  // What is being typed is left alone: the address has neither its last letters nor the space at its end.
  useEffect(() => {
    const isTyping = timer.current !== undefined;
    if (field.current && !isTyping && field.current.value.trim() !== words) field.current.value = words;
  }, [words]);
  const stop = () => {
    clearTimeout(timer.current);
    timer.current = undefined;
  };
  const apply = () => {
    if (timer.current !== undefined) setQuery({ q: field.current?.value.trim() });
    stop();
  };
  const applySoon = () => {
    stop();
    timer.current = setTimeout(apply, PAUSE);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <input
      ref={field}
      type="search"
      aria-label={props.label}
      placeholder={props.placeholder}
      maxLength={200}
      data-key={props.shortcut}
      defaultValue={words}
      onInput={applySoon}
      onChange={apply}
    />
  );
}
