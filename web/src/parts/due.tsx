// Asks for a due date: a day, with or without a time.
import { workflow } from "../state/session";
import { dayIn } from "../state/texts";
import { closeDialog, showDialog } from "./dialog";

const DAYS: [string, number][] = [
  ["Today", 0],
  ["Tomorrow", 1],
  ["In a week", 7],
];

const DAY = 24 * 60 * 60 * 1000; // milliseconds

export function askForDue(title: string, due: string | null, onAnswer: (due: string | null) => void): void {
  const { day, time } = parts(due);
  const answer = (value: string | null) => {
    closeDialog();
    onAnswer(value);
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [date, clock] = [String(form.get("day")), String(form.get("time"))];
    if (date) answer(clock ? new Date(`${date}T${clock}`).toISOString() : date);
  };
  const inDays = (days: number) => dayIn(workflow.value.time_zone, new Date(Date.now() + days * DAY));
  showDialog({
    title,
    content: () => (
      <form class="form" onSubmit={submit}>
        <div class="fixes">
          {DAYS.map(([label, days]) => (
            <button type="button" key={label} onClick={() => answer(inDays(days))}>
              {label}
            </button>
          ))}
          <button type="button" onClick={() => answer(null)}>
            No due date
          </button>
        </div>
        <div class="in-place">
          <label>
            Day
            <input type="date" name="day" defaultValue={day} required autofocus />
          </label>
          <label>
            Time, if it matters
            <input type="time" name="time" defaultValue={time} />
          </label>
        </div>
        <div class="actions">
          <button type="button" class="quiet" onClick={closeDialog}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Set
          </button>
        </div>
      </form>
    ),
  });
}

// A plain date, or the day and the time of a moment where the reader is.
function parts(due: string | null): { day: string; time: string } {
  if (!due || due.length === 10) return { day: due ?? "", time: "" };
  const moment = new Date(due);
  const time = moment.toTimeString().slice(0, 5);
  return { day: new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" }).format(moment), time };
}
