"""Reads and changes projects. There is always exactly one default project."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

from taskmgr.domain.history.differences import difference
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.commands import NewProject, ProjectChanges
from taskmgr.domain.model.errors import Fix, Invalid, NotFound, Refusal, Refused, required
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.project import CHANGE_PARSERS, NEW_PARSERS, Project
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.model.workflow import OPEN
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import Page, PageRequest, iterate_pages
from taskmgr.domain.queries.statistics import RECENTLY, ProjectWithCounts
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.versions import require_version

_REQUIRED = ("key", "name")
# Two commands that archive the default project and make it the default touch different documents. Both touch
# this lock, so one of them runs again and sees the other's write.
DEFAULT_LOCK = "default_project"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectService:
    """Reads and changes projects. A project is given by its id, or by its key in any case."""

    store: Store
    policy: Policy
    journal: Journal
    clock: Clock
    new_id: NewId

    # --- questions

    def get(self, project: str, *, by: Actor) -> Project:
        """Returns a project. Raises `NotFound`."""
        permissions.require(by, Action.READ)
        return self._get(project)

    def find_keys(self, references: Collection[str], *, by: Actor) -> Mapping[str, str]:
        """Returns the ids and the keys in any case that exist among these, each with its project's key."""
        permissions.require(by, Action.READ)
        return self.store.projects.find_keys(references)

    def default(self, *, by: Actor) -> Project:
        """Returns the default project."""
        permissions.require(by, Action.READ)
        return self.store.projects.get(None)

    def list(
        self, page_request: PageRequest = PageRequest(), *, archived: bool | None = None, by: Actor
    ) -> Page[Project]:
        """Returns a page of the projects, by key: of all, or of those that are archived or not."""
        permissions.require(by, Action.READ)
        return self.store.projects.find(page_request, archived=archived)

    def get_with_counts(self, project: str, *, by: Actor) -> ProjectWithCounts:
        """Returns a project with the counts of its tasks. Raises `NotFound`."""
        return self._with_counts([self.get(project, by=by)])[0]

    def list_with_counts(
        self, page_request: PageRequest = PageRequest(), *, archived: bool | None = None, by: Actor
    ) -> Page[ProjectWithCounts]:
        """Returns the page that `list` returns, with the counts of each project's tasks at this moment."""
        page = self.list(page_request, archived=archived, by=by)
        return Page(items=self._with_counts(page.items), next=page.next, total=page.total)

    def _with_counts(self, projects: Sequence[Project]) -> Sequence[ProjectWithCounts]:
        now, open_statuses = self.clock(), self.policy.workflow.in_category(*OPEN)
        keys = [project.key for project in projects]
        counts = self.store.statistics.by_project(keys, open_statuses, now=now, since=now - RECENTLY)
        return [ProjectWithCounts(project, counts[project.key]) for project in projects]

    def iterate(self, *, by: Actor) -> Iterator[Project]:
        """Yields all projects, by key, reading page by page."""
        return iterate_pages(lambda page_request: self.list(page_request, by=by))

    # --- commands

    def create(self, *, by: Actor, dry_run: bool = False, **raw: Unpack[NewProject]) -> Project:
        """Creates a project and returns it. Its key never changes. Raises `ProjectKeyTaken`."""
        fields = parsing.parse_fields(raw, NEW_PARSERS)
        missing = [required(name) for name in _REQUIRED if name not in fields]
        if missing:
            raise Invalid(missing)
        values.parse_options(dry_run=dry_run)
        project_id = self.new_id()

        def command() -> Project:
            permissions.require(by, Action.MANAGE_PROJECTS)
            now = self.clock()
            project = Project(
                id=project_id, **{"description": "", **fields}, is_default=False, archived_at=None,
                created_by=require_actor(by).id, created_at=now, updated_at=now, version=1,
            )  # fmt: skip
            self.store.projects.add(project)
            self.journal.record("project.created", None, project, by=by)
            return project

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def change(
        self,
        project: str,
        changes: ProjectChanges,
        *,
        by: Actor,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Project:
        """Changes any fields of a project in one command.

        `archived` puts it into the archive or takes it out; commands on its tasks that have already begun
        are completed. `is_default=True` makes it the default project in place of the present one. Raises
        `Refused` with `default_project` if the default project would be archived.
        """
        fields = parsing.parse_fields(changes, CHANGE_PARSERS)
        values.parse_options(version=version, dry_run=dry_run)

        def command() -> Project:
            before = self._get(project)
            permissions.require(by, Action.MANAGE_PROJECTS)
            if "is_default" in fields:
                permissions.require(by, Action.CHOOSE_DEFAULT_PROJECT)
            require_version(before, version)
            after = before.changed(fields, now=time_of_change(self.clock, before))
            _, changed = difference(before, after)
            if not changed:
                return before
            _require_active_default(before, after)
            if changed.keys() & {"is_default", "archived_at"}:
                self.store.locks.touch(DEFAULT_LOCK)
            if "is_default" in changed:
                self._replace_default(by)
            self._store(before, after, by)
            return after

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def _replace_default(self, by: Actor) -> None:
        """Makes the present default project an ordinary one."""
        before = self.store.projects.get(None)
        now = time_of_change(self.clock, before)
        self._store(before, before.changed({"is_default": False}, now=now), by)

    def _store(self, before: Project, after: Project, by: Actor) -> None:
        self.store.projects.replace(after)
        self.journal.record("project.changed", before, after, by=by)

    def _get(self, project: str) -> Project:
        try:
            return self.store.projects.get(values.project_reference(project))
        except parsing.BadValue as bad:
            raise NotFound("project", project) from bad


def _require_active_default(before: Project, after: Project) -> None:
    """Raises `Refused` if the project would be both the default and archived."""
    if not (after.is_default and after.is_archived):
        return
    if before.is_default:
        detail = f"{after.key} is the default project, which cannot be archived."
        fix = Fix(action="choose_default_project", text="Make another project the default first.")
    else:
        detail = f"{after.key} is archived, so it cannot be the default project."
        text, arguments = "Take it out of the archive first.", {"project": after.key}
        fix = Fix(action="unarchive_project", text=text, arguments=arguments)
    raise Refused([Refusal(code="default_project", detail=detail, fix=fix)])
