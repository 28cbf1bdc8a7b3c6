// Loads the dialog for a new task when it is first needed.
import { showFailure } from "../../parts/toast";

export function startQuickAdd(): void {
  import("./dialog").then(({ showQuickAdd }) => showQuickAdd(), showFailure);
}
