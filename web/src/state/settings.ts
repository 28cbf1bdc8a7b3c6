// What this browser remembers: colours and contrast.
import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
export type Contrast = "system" | "more";

export const theme = signal<Theme>(read("theme", ["system", "light", "dark"]));
export const contrast = signal<Contrast>(read("contrast", ["system", "more"]));

// Keeps the document as the settings say.
export function applySettings(): void {
  effect(() => apply("theme", theme.value));
  effect(() => apply("contrast", contrast.value));
}

function read<T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
  const found = localStorage.getItem(name);
  return allowed.find((one) => one === found) ?? allowed[0];
}

function apply(name: string, value: string): void {
  document.documentElement.dataset[name] = value;
  if (value === "system") localStorage.removeItem(name);
  else localStorage.setItem(name, value);
}
