"""What the services need of projects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from taskmgr.domain.model.project import NextKey, Project
from taskmgr.domain.queries.pages import Page, PageRequest


class ProjectRepository(Protocol):
    """Stores projects, and counts the numbers of their tasks.

    A `reference` is a project's id or its key in any case; None means the default project.
    """

    def get(self, reference: str | None) -> Project:
        """Returns the project. Raises `NotFound`."""

    def get_many(self, keys: Collection[str]) -> Mapping[str, Project]:
        """Returns the projects that exist among these keys in upper case, by key."""

    def find_keys(self, references: Collection[str]) -> Mapping[str, str]:
        """Returns the references of projects that exist among these, each with its project's key."""

    def find(self, page_request: PageRequest, *, archived: bool | None = None) -> Page[Project]:
        """Returns a page of the projects, by key: of all, or of those that are archived or not."""

    def add(self, project: Project) -> None:
        """Stores a new project. Raises `ProjectKeyTaken`."""

    def replace(self, project: Project) -> None:
        """Stores the next version of a project. Raises `WriteConflict`."""

    def next_key(self, reference: str | None) -> NextKey | None:
        """Returns the key that `take_keys` would take, without taking it; None for an unknown project."""

    def take_keys(self, reference: str | None, count: int = 1) -> tuple[NextKey, ...]:
        """Takes the next numbers of a project, in one call to the store; empty for an unknown project.

        The counter is raised outside the running command, at once and for good. Inside it, all creates of a
        project would wait for each other.
        """

    def return_keys(self, keys: Sequence[NextKey]) -> None:
        """Lowers the counter again, to leave no gap for consecutive numbers of a project that no task got.

        Does nothing if more numbers have been taken since, and for keys that were not taken.
        """
