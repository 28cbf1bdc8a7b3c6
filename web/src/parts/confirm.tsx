// Asks before something that cannot be taken back, and shows in the same dialog why it failed.
import { closeDialog, showDialog } from "./dialog";
import { Form } from "./form";

export function confirmFirst(question: {
  title: string;
  text: string;
  action: string;
  run: () => Promise<unknown>; // may return what to do when the dialog is closed
}): void {
  showDialog({
    title: question.title,
    content: () => (
      <Form
        action={question.action}
        danger
        send={async () => {
          const next = await question.run();
          closeDialog();
          if (typeof next === "function") next();
        }}
        more={
          <button type="button" class="quiet" autofocus onClick={closeDialog}>
            Cancel
          </button>
        }
      >
        <p>{question.text}</p>
      </Form>
    ),
  });
}
