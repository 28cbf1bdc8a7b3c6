"""The rule about projects."""

from __future__ import annotations

from taskmgr.domain.model.errors import Fix, Refusal
from taskmgr.domain.model.project import Project
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.step import Step


def project_archived(step: Step, facts: Facts) -> Refusal | None:
    """Refuses every change of a task that is in an archived project after the step."""
    project = facts.project
    if project is None or not project.is_archived:
        return None
    if step.created or step.changes_project:
        return archived(project, "it takes no new tasks", "or choose another project")
    if step.restored:
        return archived(project, "no task can be restored in it")
    return archived(project, "its tasks cannot be changed", "or move the task to another project")


def archived(project: Project, effect: str, other_remedy: str = "") -> Refusal:
    """Returns the refusal for an archived project: what it prevents, and a remedy besides unarchiving it."""
    remedy = "Take the project out of the archive"
    return Refusal(
        code="project_archived",
        detail=f"The project {project.key} ({project.name}) is archived: {effect}.",
        fix=Fix(
            action="unarchive_project",
            text=f"{remedy}, {other_remedy}." if other_remedy else f"{remedy}.",
            arguments={"project": project.key},
        ),
    )
