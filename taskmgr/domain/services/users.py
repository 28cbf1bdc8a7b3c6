"""Reads and changes users. Commands always leave an active admin, even if they run concurrently."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, Unpack

from taskmgr.domain.history.differences import difference
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.commands import NewUser, UserChanges
from taskmgr.domain.model.errors import Invalid, NotPermitted, Refusal, Refused, required
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import PARSERS, Actor, Kind, Role, User
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import Page, PageRequest, iterate_pages
from taskmgr.domain.queries.task_query import QueryContext
from taskmgr.domain.queries.user_query import ALL_USERS, UserQuery, UserWithTasks
from taskmgr.domain.queries.validation import validated
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.current_rights import (
    require_recent_sign_in,
    touch_rights,
    with_current_rights,
)
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.project_filters import find_projects
from taskmgr.domain.services.session_changes import SessionChanges
from taskmgr.domain.services.versions import require_version

T = TypeVar("T")

# Two admins who demote each other at the same time touch different users. Both touch this lock, so one of
# the commands runs again and sees the other's write.
ADMINS_LOCK = "admins"
DEFAULT_TASKS_LIMIT = 20
MAX_TASKS_LIMIT = 100
_OWN_PROFILE = frozenset({"name", "email"})
_REQUIRED = ("username", "name")
_DEFAULTS: Mapping[str, Any] = {"email": None, "role": Role.MEMBER, "kind": Kind.PERSON}


@dataclass(frozen=True, slots=True)
class UserService:
    """Reads and changes users. An e-mail address that the actor may not see is None."""

    store: Store
    policy: Policy
    journal: Journal
    clock: Clock
    new_id: NewId
    sessions: SessionChanges

    # --- questions

    def actor(self, username: str) -> Actor:
        """Returns the user of this name, in any case, as an actor.

        Raises `NotFound`, or `NotPermitted` if the user is deactivated.
        """
        user = self.store.users.get_by_username(username.strip().lower())
        if not user.active:
            raise NotPermitted(f"The user {username} is deactivated.")
        return Actor.of(user)

    def get(self, user_id: str, *, by: Actor) -> User:
        """Returns a user. Raises `NotFound`."""
        permissions.require(by, Action.READ)
        return permissions.as_seen_by(by, self.store.users.get(user_id))

    def get_by_username(self, username: str, *, by: Actor) -> User:
        """Returns the user of this name. Raises `NotFound`."""
        permissions.require(by, Action.READ)
        return permissions.as_seen_by(by, self.store.users.get_by_username(username))

    def get_many(self, user_ids: Collection[str], *, by: Actor) -> Mapping[str, User]:
        """Returns the users that exist among these, by id."""
        permissions.require(by, Action.READ)
        users = self.store.users.get_many(user_ids)
        return {user_id: permissions.as_seen_by(by, user) for user_id, user in users.items()}

    def find_keys(self, keys: Collection[str], *, by: Actor) -> Mapping[str, str]:
        """Returns the ids and usernames that exist among these keys, each with its user's id."""
        permissions.require(by, Action.READ)
        ids = {key for key in keys if values.is_identifier(key)}
        named = self.store.users.ids_by_username([key for key in keys if key not in ids])
        return {**{user_id: user_id for user_id in self.store.users.get_many(ids)}, **named}

    def list(
        self, page_request: PageRequest = PageRequest(), query: UserQuery = ALL_USERS, *, by: Actor
    ) -> Page[User]:
        """Returns a page of the users that match, by username. Raises `Invalid` for a query with mistakes."""
        permissions.require(by, Action.READ)
        page = self.store.users.find(page_request, validated(query, self.policy))
        return replace(page, items=[permissions.as_seen_by(by, user) for user in page.items])

    def iterate(self, query: UserQuery = ALL_USERS, *, by: Actor) -> Iterator[User]:
        """Yields all users that match, by username, reading page by page. Raises `Invalid` as `list` does."""
        return iterate_pages(lambda page_request: self.list(page_request, query, by=by))

    def list_with_tasks(
        self,
        page_request: PageRequest = PageRequest(),
        query: UserQuery = ALL_USERS,
        *,
        tasks_limit: int = DEFAULT_TASKS_LIMIT,
        projects: Collection[str] | None = None,
        by: Actor,
    ) -> Page[UserWithTasks[Task]]:
        """Returns a page of the users that match by username, each with the first of their tasks.

        The counts are of all of a user's tasks; `overdue` is judged by the service's clock. With `projects`,
        given by key or id, the tasks and the counts are those of these projects; `wip_room` is over all
        projects, as the limit is. Raises `Invalid` for unknown projects.
        """
        permissions.require(by, Action.READ)
        context, query = QueryContext(self.clock(), self.policy), validated(query, self.policy)
        keys = find_projects(self.store, projects)
        page = self.store.users.find_with_tasks(
            page_request, context, query, tasks_limit=tasks_limit, projects=keys
        )
        return self._as_seen(by, page)

    def list_with_records(
        self,
        page_request: PageRequest,
        query: UserQuery = ALL_USERS,
        *,
        tasks_limit: int,
        projects: Collection[str] | None = None,
        by: Actor,
    ) -> Page[UserWithTasks[TaskRecord]]:
        """Returns the page that `list_with_tasks` returns, with task records."""
        permissions.require(by, Action.READ)
        context, query = QueryContext(self.clock(), self.policy), validated(query, self.policy)
        keys = find_projects(self.store, projects)
        page = self.store.users.find_with_records(
            page_request, context, query, tasks_limit=tasks_limit, projects=keys
        )
        return self._as_seen(by, page)

    def _as_seen(self, by: Actor, page: Page[UserWithTasks[T]]) -> Page[UserWithTasks[T]]:
        """Returns the page as the actor may see it, with `wip_room`.

        `wip_room` is 0 for a user whom an override has taken beyond the limit.
        """
        limit = self.policy.wip_limit
        rows = [
            replace(
                row,
                user=permissions.as_seen_by(by, row.user),
                wip_room=max(0, limit - row.started_total) if limit else None,
            )
            for row in page.items
        ]
        return replace(page, items=rows)

    # --- commands

    def create(self, *, by: Actor, dry_run: bool = False, **raw: Unpack[NewUser]) -> User:
        """Creates a user and returns it. `username` and `name` are required."""
        known = {name: parser for name, parser in PARSERS.items() if name != "active"}
        fields = parsing.parse_fields(raw, known)
        missing = [name for name in _REQUIRED if name not in fields]
        if missing:
            raise Invalid([required(name) for name in missing])
        values.parse_options(dry_run=dry_run)
        user_id = self.new_id()

        def command() -> User:
            now = self.clock()
            actor = with_current_rights(self.store, by, now=now)
            permissions.require(actor, Action.MANAGE_USERS)
            touch_rights(self.store, actor)
            user = User(
                id=user_id, **{**_DEFAULTS, **fields}, active=True, created_at=now, updated_at=now,
                version=1,
            )  # fmt: skip
            hides_email = _must_hide_email(actor, dry_run=dry_run)
            self.store.users.add(replace(user, email=None) if hides_email else user)
            self.journal.record("user.created", None, user, by=by)
            return user

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def change(
        self,
        user_id: str,
        changes: UserChanges,
        *,
        by: Actor,
        version: int | None = None,
        dry_run: bool = False,
    ) -> User:
        """Changes any fields of a user in one command. Users may change their own name and e-mail address.

        Demoting or deactivating a user ends all of their sessions. Raises `Refused` with `last_admin` if it
        would demote or deactivate the last active admin, and `RecentSignInRequired` in a session that began
        too long ago, for another e-mail address, a higher role, and a user who becomes active again.
        """
        fields = parsing.parse_fields(changes, PARSERS)
        values.parse_options(version=version, dry_run=dry_run)

        def command() -> User:
            actor = with_current_rights(self.store, by, now=self.clock())
            before = self.store.users.get(user_id)
            own = actor.user_id == user_id and set(fields) <= _OWN_PROFILE
            permissions.require(actor, Action.CHANGE_PROFILE if own else Action.MANAGE_USERS)
            require_version(permissions.as_seen_by(actor, before), version)
            after = before.changed(fields, now=time_of_change(self.clock, before))
            _, changed = difference(before, after)
            if not changed:
                return before
            if _outlasts_sessions(before, after):
                require_recent_sign_in(actor, now=self.clock())
            self._require_remaining_admin(before, after)
            touch_rights(self.store, actor)
            hides_email = _must_hide_email(actor, dry_run=dry_run)
            self.store.users.replace(replace(after, email=before.email) if hides_email else after)
            self.journal.record("user.changed", before, after, by=by)
            if after.role < before.role or not after.active:
                self.sessions.end_all(user_id, by=by)
            if not after.active:
                self.sessions.withdraw_links(user_id, by=by)
            return after

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def _require_remaining_admin(self, before: User, after: User) -> None:
        if before.is_active_admin == after.is_active_admin:
            return
        self.store.locks.touch(ADMINS_LOCK)
        if before.is_active_admin and self.store.users.count_active_admins() == 1:
            detail = "This is the last active admin: make another user an admin first."
            raise Refused([Refusal(code="last_admin", detail=detail)])


def _outlasts_sessions(before: User, after: User) -> bool:
    """Returns True if a change could let somebody in, or give them more rights, for longer than a session."""
    return after.email != before.email or after.role > before.role or after.active > before.active


def _must_hide_email(actor: Actor, *, dry_run: bool) -> bool:
    """Returns True if a dry run must not store the address: `EmailTaken` would tell who has it already."""
    return dry_run and not permissions.may_see_emails(actor)
