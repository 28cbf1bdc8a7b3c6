// Due dates as people type them: "tomorrow", "fri", "3 Dec", "2026-12-03", "in 3 days".

const DAY = 24 * 60 * 60 * 1000; // milliseconds
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const SHORTEST = 3; // letters of an abbreviation
const MOST_WORDS = 3;
const WORD_DAYS: Record<string, number> = { today: 0, tod: 0, tomorrow: 1, tmr: 1 };

// Returns the date that the last words mean, and how many words that are.
export function parseDue(words: readonly string[], today: string): { date: string; words: number } | null {
  for (let count = Math.min(MOST_WORDS, words.length); count > 0; count--) {
    const phrase = words.slice(-count).join(" ").toLowerCase();
    const date = dateOf(phrase, today);
    if (date) return { date, words: count };
  }
  return null;
}

function dateOf(phrase: string, today: string): string | null {
  for (const [pattern, read] of FORMS) {
    const match = pattern.exec(phrase);
    if (match) return read(match.slice(1) as string[], today);
  }
  return null;
}

type Read = (parts: string[], today: string) => string | null;

const FORMS: [RegExp, Read][] = [
  [/^(\d{4})-(\d{2})-(\d{2})$/, ([year, month, day]) => dateFrom(Number(year), Number(month), Number(day))],
  [
    /^in (a|\d{1,3}) (day|week)s?$/,
    ([count, unit], today) => later(today, inDays(String(count), String(unit))),
  ],
  [/^next week$/, (_, today) => weekday(1, today)],
  [
    /^(\d{1,2})(?:st|nd|rd|th)?\.? ([a-z]{3,})(?: (\d{4}))?$/,
    ([day, month, year], today) => named(day, month, year, today),
  ],
  [
    /^([a-z]{3,}) (\d{1,2})(?:st|nd|rd|th)?,?(?: (\d{4}))?$/,
    ([month, day, year], today) => named(day, month, year, today),
  ],
  [/^([a-z]{3,})$/, ([word], today) => oneWord(String(word), today)],
];

function oneWord(word: string, today: string): string | null {
  const days = WORD_DAYS[word];
  if (days !== undefined) return later(today, days);
  const at = beginning(WEEKDAYS, word);
  return at < 0 ? null : weekday(at, today);
}

const inDays = (count: string, unit: string) =>
  (count === "a" ? 1 : Number(count)) * (unit === "week" ? 7 : 1);

// The next such day; never today, which has a word of its own.
function weekday(day: number, today: string): string {
  const distance = (day - new Date(today).getUTCDay() + 7) % 7;
  return later(today, distance || 7);
}

// Without a year, the next such day.
function named(day?: string, month?: string, year?: string, today = ""): string | null {
  const number = beginning(MONTHS, month ?? "") + 1;
  if (number === 0) return null;
  if (year) return dateFrom(Number(year), number, Number(day));
  const thisYear = Number(today.slice(0, 4));
  const date = dateFrom(thisYear, number, Number(day));
  return date && date < today ? dateFrom(thisYear + 1, number, Number(day)) : date;
}

const beginning = (names: readonly string[], text: string) =>
  text.length < SHORTEST ? -1 : names.findIndex((name) => name.startsWith(text));

function later(today: string, days: number): string {
  return new Date(Date.parse(today) + days * DAY).toISOString().slice(0, 10);
}

// Returns nothing for a day that there is not, such as 30 February.
function dateFrom(year: number, month: number, day: number): string | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
    ? date.toISOString().slice(0, 10)
    : null;
}
