// Offers to fill a service without tasks with the demo: the work of a small team.
import { computed } from "@preact/signals";
import { useState } from "preact/hooks";
import { api, content } from "../../api/client";
import { announce } from "../../parts/live";
import { showFailure, showToast } from "../../parts/toast";
import { projects } from "../../state/session";
import { counted } from "../../state/texts";
import { filters } from "./filters";

// Somebody who has made projects knows what to do with an empty board of all projects.
export const isFirst = computed(() => projects.value.length <= 1 && !filters.value.project);

export function DemoOffer() {
  const [isBusy, setBusy] = useState(false);
  const fill = () => {
    setBusy(true);
    announce("The demo is being created.");
    createDemo()
      .catch(showFailure)
      .finally(() => setBusy(false));
  };
  return (
    <>
      <p>
        Or look around first: the demo has two months of work of a small team, in four projects. It cannot be
        taken back, so choose it only where no real work is planned.
      </p>
      <p>
        <button type="button" disabled={isBusy} onClick={fill}>
          {isBusy ? "Creating the demo…" : "Fill with the demo"}
        </button>
      </p>
    </>
  );
}

async function createDemo(): Promise<void> {
  const made = await content(api.POST("/api/v1/demo"));
  const text = `${counted(made.users, "user")} and ${counted(made.tasks, "task")} were created.`;
  announce(text);
  showToast({ text });
}
