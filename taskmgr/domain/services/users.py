"""What can be done with users. The last active admin stays one, whoever asks at the same time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, Unpack

from taskmgr.domain.history.differences import difference
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.commands import NewUser, UserChanges
from taskmgr.domain.model.errors import Invalid, Refusal, Refused, Stale, required
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import PARSERS, Actor, Kind, Role, User
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import MAX_LIMIT, Page, PageRequest
from taskmgr.domain.queries.task_query import QueryContext
from taskmgr.domain.queries.user_query import ALL_USERS, UserQuery, UserWithTasks
from taskmgr.domain.queries.validation import validated
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.standing import confirmed, hold

T = TypeVar("T")

# Crossed demotions of two admins touch different users: both touch this lock, and one sees the other.
ADMINS_LOCK = "admins"
DEFAULT_TASKS_LIMIT = 20
MOST_TASKS_LIMIT = 100
_OWN_PROFILE = frozenset({"name", "email"})
_REQUIRED = ("username", "name")
_DEFAULTS: Mapping[str, Any] = {"email": None, "role": Role.MEMBER, "kind": Kind.PERSON}


@dataclass(frozen=True, slots=True)
class UserService:
    """Users, in a store. What others may not know of a user (the e-mail address) is None."""

    store: Store
    policy: Policy
    journal: Journal
    clock: Clock
    new_id: NewId

    # --- questions

    def get(self, user_id: str, *, by: Actor) -> User:
        """One user. Raises `NotFound`."""
        permissions.require(by, Action.READ)
        return permissions.as_seen_by(by, self.store.users.get(user_id))

    def get_by_username(self, username: str, *, by: Actor) -> User:
        """One user by name. Raises `NotFound`."""
        permissions.require(by, Action.READ)
        return permissions.as_seen_by(by, self.store.users.get_by_username(username))

    def get_many(self, user_ids: Collection[str], *, by: Actor) -> Mapping[str, User]:
        """Those of the users that there are, by id."""
        permissions.require(by, Action.READ)
        found = self.store.users.get_many(user_ids)
        return {user_id: permissions.as_seen_by(by, user) for user_id, user in found.items()}

    def find_keys(self, keys: Collection[str], *, by: Actor) -> Mapping[str, str]:
        """For each of these ids and usernames that there is, the user's id."""
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
        page_request = PageRequest(limit=MAX_LIMIT)
        while True:
            page = self.list(page_request, query, by=by)
            yield from page.items
            if page.next is None:
                return
            page_request = replace(page_request, after=page.next)

    def list_with_tasks(
        self,
        page_request: PageRequest = PageRequest(),
        query: UserQuery = ALL_USERS,
        *,
        tasks_limit: int = DEFAULT_TASKS_LIMIT,
        by: Actor,
    ) -> Page[UserWithTasks[Task]]:
        """Returns a page of the users that match by username, each with the first of their tasks.

        The counts are of all of a user's tasks; `overdue` is judged by the service's clock.
        """
        permissions.require(by, Action.READ)
        context, asked = QueryContext(self.clock(), self.policy), validated(query, self.policy)
        page = self.store.users.find_with_tasks(page_request, context, asked, tasks_limit=tasks_limit)
        return self._seen(by, page)

    def list_with_records(
        self, page_request: PageRequest, query: UserQuery = ALL_USERS, *, tasks_limit: int, by: Actor
    ) -> Page[UserWithTasks[TaskRecord]]:
        """Returns what `list_with_tasks` does, with tasks in the form in which they go over the wire."""
        permissions.require(by, Action.READ)
        context, asked = QueryContext(self.clock(), self.policy), validated(query, self.policy)
        page = self.store.users.find_with_records(page_request, context, asked, tasks_limit=tasks_limit)
        return self._seen(by, page)

    def _seen(self, by: Actor, page: Page[UserWithTasks[T]]) -> Page[UserWithTasks[T]]:
        """The rows with what the actor may know, and with the room that the policy leaves.

        An override may have taken a user beyond the limit.
        """
        limit = self.policy.wip_limit
        rows = [
            replace(
                row,
                user=permissions.as_seen_by(by, row.user),
                wip_room=max(0, limit - row.counts.started) if limit else None,
            )
            for row in page.items
        ]
        return replace(page, items=rows)

    # --- commands

    def create(self, *, by: Actor, dry_run: bool = False, **given: Unpack[NewUser]) -> User:
        """A new user: `username` and `name`, and perhaps `email`, `role`, `kind`."""
        known = {name: parser for name, parser in PARSERS.items() if name != "active"}
        fields = parsing.parse_fields(given, known)
        missing = [name for name in _REQUIRED if name not in fields]
        if missing:
            raise Invalid([required(name) for name in missing])
        values.parse_options(dry_run=dry_run)
        user_id = self.new_id()

        def command() -> User:
            now = self.clock()
            present = confirmed(self.store, by, now=now)
            permissions.require(present, Action.MANAGE_USERS)
            hold(self.store, present)
            user = User(
                id=user_id, **{**_DEFAULTS, **fields}, active=True, created_at=now, updated_at=now,
                version=1,
            )  # fmt: skip
            untold = dry_run and not permissions.may_see_emails(present)
            self.store.users.add(replace(user, email=None) if untold else user)
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
        """Any fields of a user in one command; one's own name and e-mail address are one's own.

        The last active admin can be neither demoted nor deactivated: `Refused` with `last_admin`.
        """
        fields = parsing.parse_fields(changes, PARSERS)
        values.parse_options(version=version, dry_run=dry_run)

        def command() -> User:
            present = confirmed(self.store, by, now=self.clock())
            before = self.store.users.get(user_id)
            own = present.user_id == user_id and set(fields) <= _OWN_PROFILE
            permissions.require(present, Action.CHANGE_PROFILE if own else Action.MANAGE_USERS)
            if version is not None and version != before.version:
                raise Stale(permissions.as_seen_by(present, before), expected=version)
            after = before.changed(fields, now=time_of_change(self.clock, before))
            _, changed = difference(before, after)
            if not changed:
                return before
            self._keep_an_admin(before, after)
            hold(self.store, present)
            # Whether somebody else has an address is not told for nothing: a dry run leaves it out.
            untold = dry_run and not permissions.may_see_emails(present)
            self.store.users.replace(replace(after, email=before.email) if untold else after)
            self.journal.record("user.changed", before, after, by=by)
            return after

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def _keep_an_admin(self, before: User, after: User) -> None:
        if before.is_active_admin == after.is_active_admin:
            return
        self.store.locks.touch(ADMINS_LOCK)
        if before.is_active_admin and self.store.users.count_active_admins() == 1:
            detail = "This is the last active admin: make somebody else an admin first."
            raise Refused([Refusal(code="last_admin", detail=detail)])
