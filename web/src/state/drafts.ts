// Texts that people have begun and not sent yet. This browser keeps them, for each user.
import { me } from "./session";

const keyOf = (name: string) => `draft:${me.value.id}:${name}`;

export function readDraft(name: string): string {
  return localStorage.getItem(keyOf(name)) ?? "";
}

// Keeps a text; an empty one is forgotten. A browser without room keeps none.
export function keepDraft(name: string, text: string): void {
  try {
    if (text) localStorage.setItem(keyOf(name), text);
    else localStorage.removeItem(keyOf(name));
  } catch {
    // The text is still in its field.
  }
}
