"""Checks the default project, and whether every key of a task is one that its project has given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.values import is_identifier
from taskmgr.infrastructure.mongo.inspection.snapshot import OBJECT_ID, Report, Snapshot

# The highest number that each project has given, by its key.
LastNumbers = Mapping[str, int]


def inspect_projects(
    snapshot: Snapshot, projects: Collection[Project], users: Collection[str], report: Report
) -> LastNumbers:
    """Reports what is wrong with projects beside their own fields; returns the last number of each."""
    defaults = [project.key for project in projects if project.is_default]
    if len(defaults) != 1:
        found = ", ".join(defaults) or "none"
        report("projects", "default_project", f"One project must be the default; these are: {found}.")
    for project in projects:
        if is_identifier(project.created_by) and project.created_by not in users:
            report(
                f"project {project.id}", "unknown_user", f"Its creator {project.created_by} does not exist."
            )
        if project.is_default and project.is_archived:
            report(f"project {project.id}", "default_project", "It is the default, but it is archived.")
    for key, number in Counter(project.key for project in projects).items():
        if number > 1:
            report("projects", "duplicate", f"{number} projects have the key {key}.")
    rows = snapshot.rows("projects", {"_id": OBJECT_ID})
    last_numbers = {str(row["_id"]): row.get("last_number") or 0 for row in rows}
    return {project.key: last_numbers[project.id] for project in projects}


def check_keys(task: Task, last_numbers: LastNumbers) -> Iterator[tuple[str, str]]:
    """Yields the findings about the project and the keys of a task, as codes and sentences."""
    if task.project not in last_numbers:
        yield "unknown_project", f"Its project {task.project} does not exist."
    if task.key is None or not task.key.startswith(f"{task.project}-"):
        yield "key", f"Its key {task.key} is not one of its project {task.project}."
    for key in (task.key, *task.former_keys):
        project, _, number = str(key).rpartition("-")
        last = last_numbers.get(project)
        if last is not None and int(number) > last:
            yield "key", f"Its key is {key}, but the last number that {project} has given is {last}."
