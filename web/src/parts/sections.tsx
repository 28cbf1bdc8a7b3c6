// A page that consists of several, with a navigation of its own.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { path } from "../state/router";

export interface Section {
  path: string;
  title: string;
  // Its pages begin with this, if they do not begin with its path.
  pages?: string;
}

export function Sections({
  title,
  sections,
  children,
}: {
  title: string;
  sections: readonly Section[];
  children: ComponentChildren;
}) {
  const isHere = ({ path: own, pages = own }: Section) =>
    path.value === own || path.value.startsWith(`${pages}/`);
  const nav = useRef<HTMLElement>(null);
  // On a phone, the row of links is wider than the window.
  // biome-ignore lint/correctness/useExhaustiveDependencies: every page has another link
  useEffect(() => {
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [path.value]);
  return (
    <>
      <header class="page-head">
        <h1>{title}</h1>
      </header>
      <div class="sections">
        <nav ref={nav} aria-label={title}>
          {sections.map((section) => (
            <a key={section.path} href={section.path} aria-current={isHere(section) ? "page" : undefined}>
              {section.title}
            </a>
          ))}
        </nav>
        <div class="section">{children}</div>
      </div>
    </>
  );
}

// A part of such a page: its heading, what can be done, and its content.
export function Part({
  title,
  note,
  action,
  children,
}: {
  title: ComponentChildren;
  note?: ComponentChildren;
  action?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <section class="part">
      <header>
        <h2>{title}</h2>
        {action}
      </header>
      {note && <p class="hint">{note}</p>}
      {children}
    </section>
  );
}
