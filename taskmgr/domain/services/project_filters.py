"""Finds the projects by which a list is filtered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from taskmgr.domain.model import values
from taskmgr.domain.model.errors import FieldError, Invalid
from taskmgr.domain.model.parsing import distinct, parse_fields
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import TaskQuery

MAX_PROJECTS = 100


def find_projects(store: Store, projects: Collection[str] | None) -> tuple[str, ...] | None:
    """Returns the keys of projects that are given by keys in any case or by ids; None for None.

    Raises `Invalid` for what is neither, and for projects that do not exist.
    """
    if projects is None:
        return None
    references = parse_fields({"projects": projects}, {"projects": _references})["projects"]
    return _known_keys(store, references, "projects")


def with_project_keys(store: Store, query: TaskQuery) -> TaskQuery:
    """Returns a valid query with keys in place of the ids of projects. Raises `Invalid` for unknown ones."""
    if not query.projects:
        return query
    return replace(query, projects=_known_keys(store, query.projects, "query.projects"))


def _references(value: object) -> tuple[str, ...]:
    return distinct(value, values.project_reference, maximum=MAX_PROJECTS)


def _known_keys(store: Store, references: tuple[str, ...], location: str) -> tuple[str, ...]:
    keys = store.projects.find_keys(references)
    errors = [
        FieldError(location=location, code="unknown_project", detail=unknown_project_text(reference))
        for reference in references
        if reference not in keys
    ]
    if errors:
        raise Invalid(errors)
    return tuple(dict.fromkeys(keys[reference] for reference in references))


def unknown_project_text(reference: str) -> str:
    """Returns the message for an id or a key that no project has."""
    kind = "id" if values.is_identifier(reference) else "key"
    return f"Unknown project {kind}: {reference}."
