// Creates a task from its title.
import { api, content } from "../../api/client";
import { askForText } from "../../parts/dialog";
import { announce } from "../../parts/live";
import { showFailure, showToast } from "../../parts/toast";
import { project } from "./filters";

export function createTask(): void {
  askForText({
    title: "New task",
    label: "Title",
    action: "Create",
    maxLength: 200,
    onAnswer: (title) => void create(title).catch(showFailure),
  });
}

async function create(title: string): Promise<void> {
  const body = { title: title.replaceAll(/\s+/g, " "), project: project.value ?? undefined };
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const made = await content(api.POST("/api/v1/tasks", { params: { header: headers }, body }));
  const key = "key" in made ? made.key : "The task";
  announce(`${key} has been created`);
  showToast({ text: `${key} has been created` });
}
