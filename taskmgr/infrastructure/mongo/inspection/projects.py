"""Checks the default project, and whether tasks have a project and a number that it has given."""

from __future__ import annotations

from collections.abc import Collection

from taskmgr.domain.model.project import Project
from taskmgr.infrastructure.mongo.inspection.snapshot import OBJECT_ID, Report, Snapshot


def inspect_projects(snapshot: Snapshot, projects: Collection[Project], report: Report) -> None:
    """Reports a wrong default project, tasks without a project, and counters that would repeat a number."""
    defaults = [project.key for project in projects if project.is_default]
    if len(defaults) != 1:
        found = ", ".join(defaults) or "none"
        report("projects", "default_project", f"One project must be the default; these are: {found}.")
    for project in projects:
        if project.is_default and project.is_archived:
            report(f"project {project.id}", "default_project", "It is the default, but it is archived.")
    _inspect_tasks(snapshot, {project.key for project in projects}, report)
    for row in snapshot.rows("projects", {"_id": OBJECT_ID}):
        _inspect_counter(snapshot, row["key"], row.get("last_number") or 0, report)


def _inspect_tasks(snapshot: Snapshot, keys: Collection[str], report: Report) -> None:
    for row in snapshot.rows("tasks", {"_id": OBJECT_ID, "project": {"$nin": list(keys)}}):
        detail = f"Its project {row.get('project')} does not exist."
        report(f"task {row['_id']}", "unknown_project", detail)


def _inspect_counter(snapshot: Snapshot, key: str, last_number: int, report: Report) -> None:
    for row in snapshot.rows("tasks", {"_id": OBJECT_ID, "project": key, "number": {"$gt": last_number}}):
        detail = f"Its number is {row['number']}, but the last number given by {key} is {last_number}."
        report(f"task {row['_id']}", "number", detail)
