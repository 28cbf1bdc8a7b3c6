"""The rule about projects."""

from __future__ import annotations

from taskmgr.domain.model.errors import Fix, Refusal
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.step import Step


def project_archived(step: Step, facts: Facts) -> Refusal | None:
    """Refuses every change of a task that is in an archived project after the step."""
    project = facts.project
    if project is None or not project.is_archived:
        return None
    if step.created or step.changes_project:
        effect = "it takes no new tasks"
    elif step.restored:
        effect = "no task can be restored in it"
    else:
        effect = "its tasks cannot be changed"
    return Refusal(
        code="project_archived",
        detail=f"The project {project.key} ({project.name}) is archived: {effect}.",
        fix=Fix(
            action="unarchive_project",
            text="Take the project out of the archive, or move the task to another project.",
            arguments={"project": project.key},
        ),
    )
