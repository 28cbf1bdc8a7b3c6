// Saves what the board or the list shows as a view.
import { address, navigate } from "../state/router";
import { createView, viewOf } from "../state/views";
import { closeDialog, showDialog } from "./dialog";
import { Icon } from "./icon";
import { showFailure, showToast } from "./toast";

export function showSaveView(): void {
  const view = viewOf(address.value);
  if (!view) {
    showToast({ text: "Open the board or the list first: a view keeps what one of them shows." });
    return;
  }
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const name = String(form.get("name")).trim();
    try {
      await createView({ ...view, name, shared: form.get("shared") === "on" });
      closeDialog();
      showToast({
        text: `The view “${name}” is saved.`,
        action: { label: "All views", run: () => navigate("/views") },
      });
    } catch (error) {
      showFailure(error);
    }
  };
  showDialog({
    title: "Save this view",
    content: () => (
      <form class="form" onSubmit={save}>
        <label>
          Name
          <input name="name" maxLength={100} required autofocus autocomplete="off" dir="auto" />
        </label>
        <label class="check">
          <span>
            <input type="checkbox" name="shared" /> Everybody sees it
          </span>
        </label>
        <p class="hint">
          The view keeps the filters, the order and the {view.layout?.kind === "list" ? "columns" : "lanes"}.
        </p>
        <div class="actions">
          <button type="button" class="quiet" onClick={closeDialog}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Save
          </button>
        </div>
      </form>
    ),
  });
}

// For the head of the board and of the list.
export function SaveViewButton() {
  return (
    <button type="button" class="quiet" onClick={showSaveView}>
      <Icon name="view" />
      Save view
    </button>
  );
}
