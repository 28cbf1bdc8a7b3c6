// The address: which page is shown, and with which parameters. Links are ordinary links.
import { computed, signal } from "@preact/signals";

export const address = signal(new URL(location.href));
export const path = computed(() => address.value.pathname);
export const query = computed(() => address.value.searchParams);

let owns: (path: string) => boolean = () => false;

// Lets links to the addresses for which `isOurs` holds change the page without loading it again.
export function startRouter(isOurs: (path: string) => boolean): void {
  owns = isOurs;
  addEventListener("popstate", () => {
    address.value = new URL(location.href);
  });
  document.addEventListener("click", followLink);
}

export function navigate(href: string, { replace = false } = {}): void {
  const target = new URL(href, location.href);
  if (target.href === address.value.href) return;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  const isOtherPage = target.pathname !== address.value.pathname;
  address.value = target;
  if (isOtherPage) scrollTo(0, 0);
}

// Changes parameters of the address; an empty value removes one.
export function setQuery(changes: Record<string, string | null | undefined>): void {
  navigate(withQuery(address.value, changes), { replace: true });
}

export function withQuery(url: URL, changes: Record<string, string | null | undefined>): string {
  const search = new URLSearchParams(url.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) search.set(name, value);
    else search.delete(name);
  }
  const text = search.toString().replaceAll("%2C", ",");
  return url.pathname + (text ? `?${text}` : "");
}

function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest?.("a");
  if (!link || link.target || link.origin !== location.origin || !owns(link.pathname)) return;
  event.preventDefault();
  navigate(link.href);
}

// Compares a path with a pattern such as `/tasks/:key`; returns the values of its names, or null.
export function match(pattern: string, path: string): Record<string, string> | null {
  const names = pattern.split("/");
  const parts = path.split("/");
  if (names.length !== parts.length) return null;
  const found: Record<string, string> = {};
  for (const [at, name] of names.entries()) {
    const part = parts[at] ?? "";
    if (name.startsWith(":")) found[name.slice(1)] = decodeURIComponent(part);
    else if (name !== part) return null;
  }
  return found;
}
