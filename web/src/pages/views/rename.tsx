// Asks for another name of a view.
import { closeDialog, showDialog } from "../../parts/dialog";

export function askForName(present: string, onAnswer: (name: string) => void): void {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget as HTMLFormElement).get("name")).trim();
    closeDialog();
    if (name && name !== present) onAnswer(name);
  };
  showDialog({
    title: "Rename the view",
    content: () => (
      <form class="form" onSubmit={submit}>
        <label>
          Name
          <input
            name="name"
            defaultValue={present}
            maxLength={100}
            required
            autofocus
            autocomplete="off"
            dir="auto"
          />
        </label>
        <div class="actions">
          <button type="button" class="quiet" onClick={closeDialog}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Rename
          </button>
        </div>
      </form>
    ),
  });
}
