// Reads a task from one line: "Order cables !high @ada #lab +OPS fri".
//
// A word with a backslash in front always belongs to the title. A due date counts only at the end, because
// "sun" and "may" are ordinary words, too.
import { parseDue } from "./due";

export interface Known {
  today: string; // 2027-03-31
  priorities: readonly string[];
  usernames: readonly string[];
  projects: readonly string[];
}

export interface Parsed {
  title: string;
  priority?: string;
  assignee?: string; // a username, or "me"
  labels: string[];
  project?: string;
  due?: string;
  // Words that look like one of these, but name nothing that exists. They are part of the title.
  unknown: string[];
}

export function parse(line: string, known: Known): Parsed {
  const parsed: Parsed = { title: "", labels: [], unknown: [] };
  const rest: string[] = [];
  for (const word of line.split(/\s+/).filter(Boolean)) {
    const read = READERS[word.charAt(0)];
    if (!read || word.length === 1) rest.push(word);
    else if (!read(word.slice(1), parsed, known)) {
      parsed.unknown.push(word);
      rest.push(word);
    }
  }
  const due = parseDue(rest, known.today);
  if (due && rest.length > due.words) {
    parsed.due = due.date;
    rest.splice(-due.words);
  }
  parsed.title = rest.map((word) => word.replace(/^\\(?=.)/, "")).join(" ");
  return parsed;
}

type Read = (text: string, parsed: Parsed, known: Known) => boolean;

const READERS: Record<string, Read> = {
  "!": (text, parsed, { priorities }) => set(parsed, "priority", only(priorities, text)),
  "@": (text, parsed, { usernames }) =>
    set(parsed, "assignee", text.toLowerCase() === "me" ? "me" : only(usernames, text)),
  "#": (text, parsed) => {
    if (!parsed.labels.includes(text)) parsed.labels.push(text);
    return true;
  },
  "+": (text, parsed, { projects }) =>
    set(
      parsed,
      "project",
      projects.find((key) => key === text.toUpperCase()),
    ),
};

function set(parsed: Parsed, field: "priority" | "assignee" | "project", found: string | undefined): boolean {
  if (found) parsed[field] = found;
  return found !== undefined;
}

// Returns the one that is called like this, or the only one that begins like this.
function only(names: readonly string[], text: string): string | undefined {
  const lower = text.toLowerCase();
  const begun = names.filter((name) => name.startsWith(lower));
  return names.find((name) => name === lower) ?? (begun.length === 1 ? begun[0] : undefined);
}
