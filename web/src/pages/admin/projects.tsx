// Projects: new ones, their names, which one is the default, and the archive.
import { useEffect } from "preact/hooks";
import { all, api, content, type Project, type Schemas } from "../../api/client";
import { ProblemError } from "../../api/problems";
import { closeDialog, showDialog } from "../../parts/dialog";
import { Field, Form, textIn } from "../../parts/form";
import { Icon } from "../../parts/icon";
import { useLoaded } from "../../parts/loaded";
import { type MenuItem, showMenu } from "../../parts/menu";
import { Part } from "../../parts/sections";
import { showFailure, showToast } from "../../parts/toast";
import { showRefusal } from "../../state/attempts";
import { onChange } from "../../state/events";

type ProjectRow = Schemas["ProjectRow"];

export function Projects() {
  const [projects, reload] = useLoaded(() =>
    all<ProjectRow>((cursor) =>
      content(api.GET("/api/v1/projects", { params: { query: { include: "counts", limit: 200, cursor } } })),
    ),
  );
  useEffect(() => onChange((change) => change.entity === "project" && void reload()), [reload]);
  return (
    <Part
      title="Projects"
      note="A project's key begins the keys of its tasks, and never changes."
      action={
        <button type="button" class="primary" onClick={create}>
          New project
        </button>
      }
    >
      <ul class="rows">
        {projects?.map((project) => (
          <Row key={project.id} project={project} />
        ))}
      </ul>
    </Part>
  );
}

function Row({ project }: { project: ProjectRow }) {
  return (
    <li>
      <div>
        <p>
          <span class="key">{project.key}</span>{" "}
          <a href={`/board?project=${project.key}`}>
            <bdi>{project.name}</bdi>
          </a>
        </p>
        {project.counts && (
          <p class="hint">
            {project.counts.open} open · {project.counts.overdue} overdue · {project.counts.completed_30_days}{" "}
            completed in 30 days
          </p>
        )}
      </div>
      {project.default && <span class="chip good">Default</span>}
      {project.archived_at && <span class="chip">Archived</span>}
      <button
        type="button"
        class="quiet square"
        aria-haspopup="menu"
        aria-label={`Change ${project.key}`}
        onClick={(event) => showMenu(event.currentTarget, `Change ${project.key}`, choicesFor(project))}
      >
        <Icon name="more" />
      </button>
    </li>
  );
}

function choicesFor(project: Project): MenuItem[] {
  const isArchived = project.archived_at !== null;
  const items: MenuItem[] = [{ label: "Name and description…", run: () => edit(project) }];
  if (!project.default && !isArchived)
    items.push({ label: "Make it the default", run: () => patch(project, { default: true }) });
  items.push({
    label: isArchived ? "Take out of the archive" : "Archive",
    run: () => patch(project, { archived: !isArchived }),
  });
  return items;
}

function patch(project: Project, change: Schemas["ProjectPatch"]): void {
  const text =
    "archived" in change
      ? `${project.key} is ${change.archived ? "archived: its tasks can only be read" : "out of the archive"}.`
      : `New tasks go into ${project.key}.`;
  send(project, change).then(
    () => showToast({ text }),
    (error) => explainFailure(error, project, change),
  );
}

function explainFailure(error: unknown, project: Project, change: Schemas["ProjectPatch"]): void {
  const again = () => void read(project.id).then((present) => patch(present, change), showFailure);
  if (error instanceof ProblemError && error.problem.reasons?.length)
    showRefusal({ label: `Archive ${project.key}`, problem: error.problem, again });
  else showFailure(error);
}

// What deals with a refusal may have changed the project itself.
function read(project_id: string): Promise<Project> {
  return content(api.GET("/api/v1/projects/{project_id}", { params: { path: { project_id } } }));
}

async function send(project: Project, change: Schemas["ProjectPatch"]): Promise<void> {
  const params = { path: { project_id: project.id } };
  const body = { ...change, version: project.version };
  await content(api.PATCH("/api/v1/projects/{project_id}", { params, body }));
}

function NameFields({ name = "", description = "" }: { name?: string; description?: string }) {
  return (
    <>
      <Field label="Name" name="name" value={name} maxLength={100} required />
      <Field label="Description" name="description" value={description} rows={4} hint="Markdown. Optional." />
    </>
  );
}

function create(): void {
  const submit = async (data: FormData) => {
    const [key, name, description] = ["key", "name", "description"].map((field) => textIn(data, field)) as [
      string,
      string,
      string,
    ];
    await content(api.POST("/api/v1/projects", { body: { key, name, description } }));
    closeDialog();
    showToast({ text: `${key.toUpperCase()} is created.` });
  };
  showDialog({
    title: "New project",
    content: () => (
      <Form action="Create" send={submit}>
        <Field
          label="Key"
          name="key"
          hint="2–10 letters and digits, such as OPS. It cannot be changed later."
          maxLength={10}
          required
          autofocus
        />
        <NameFields />
      </Form>
    ),
  });
}

function edit(project: Project): void {
  const submit = async (data: FormData) => {
    await send(project, { name: textIn(data, "name"), description: textIn(data, "description") });
    closeDialog();
  };
  showDialog({
    title: `${project.key}: name and description`,
    content: () => (
      <Form action="Save" send={submit}>
        <NameFields name={project.name} description={project.description} />
      </Form>
    ),
  });
}
