"""Reads and changes saved views. Everybody manages their own; a private one exists only for its owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from taskmgr.domain.history.differences import difference
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.commands import NewView, ViewChanges
from taskmgr.domain.model.errors import FieldError, Invalid, NotFound, NotPermitted, TooManyViews, required
from taskmgr.domain.model.parsing import BadValue, Parser
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.model.view import DEFAULT_LAYOUT, MAX_VIEWS, View, layout_parser
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.queries.parameters import FILTER_PARSERS, parse_sort
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.project_filters import unknown_project_text
from taskmgr.domain.services.versions import require_version

_DEFAULTS: Mapping[str, Any] = {"filters": {}, "sort": None, "layout": DEFAULT_LAYOUT, "shared": False}
_USER_FILTERS = ("assignee", "created_by")


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewService:
    """Reads and changes saved views. The views of a deactivated user stay."""

    store: Store
    policy: Policy
    journal: Journal
    clock: Clock
    new_id: NewId

    # --- questions

    def list(self, page_request: PageRequest = PageRequest(), *, by: Actor) -> Page[View]:
        """Returns a page of one's own and of all shared views, by name."""
        permissions.require(by, Action.READ)
        return self.store.views.find(page_request, seen_by=by.user_id)

    def get(self, view_id: str, *, by: Actor) -> View:
        """Returns a view. Raises `NotFound`, also for a private view of somebody else."""
        permissions.require(by, Action.READ)
        view = self.store.views.get(view_id)
        if not view.shared and view.owner_id != by.user_id:
            raise NotFound("view", view_id)
        return view

    # --- commands

    def create(self, *, by: Actor, dry_run: bool = False, **raw: Unpack[NewView]) -> View:
        """Creates a view of the actor and returns it. Raises `ViewNameTaken` and `TooManyViews`."""
        given = {name: value for name, value in raw.items() if value is not None or name == "name"}
        fields = self._parsed(given)
        if "name" not in fields:
            raise Invalid([required("name")])
        values.parse_options(dry_run=dry_run)
        view_id, owner_id = self.new_id(), require_actor(by).user_id

        def command() -> View:
            permissions.require(by, Action.READ)
            if owner_id is None:
                raise NotPermitted("Only users have views: use the actor of a user.")
            if self.store.views.count(owner_id) >= MAX_VIEWS:
                raise TooManyViews(MAX_VIEWS)
            now = self.clock()
            view = View(
                id=view_id, owner_id=owner_id, **{**_DEFAULTS, **self._with_ids(fields)}, created_at=now,
                updated_at=now, version=1,
            )  # fmt: skip
            self.store.views.add(view)
            self.store.users.touch(owner_id)  # of two creates at once, the second counts the first one's view
            self.journal.record("view.created", None, view, by=by)
            return view

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def change(
        self,
        view_id: str,
        changes: ViewChanges,
        *,
        by: Actor,
        version: int | None = None,
        dry_run: bool = False,
    ) -> View:
        """Changes any fields of a view in one command. Raises `ViewNameTaken`."""
        fields = self._parsed(changes)
        values.parse_options(version=version, dry_run=dry_run)

        def command() -> View:
            before = self._for_change(view_id, by, version)
            after = before.changed(self._with_ids(fields), now=time_of_change(self.clock, before))
            if not difference(before, after)[1]:
                return before
            self.store.views.replace(after)
            self.journal.record("view.changed", before, after, by=by)
            return after

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def delete(self, view_id: str, *, by: Actor, version: int | None = None, dry_run: bool = False) -> View:
        """Deletes a view and returns it."""
        values.parse_options(version=version, dry_run=dry_run)

        def command() -> View:
            view = self._for_change(view_id, by, version)
            self.store.views.remove(view)
            self.journal.record_end("view.deleted", view, at=time_of_change(self.clock, view), by=by)
            return view

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def _for_change(self, view_id: str, by: Actor, version: int | None) -> View:
        view = self.get(view_id, by=by)
        if view.owner_id != by.user_id:
            permissions.require(by, Action.CHANGE_VIEWS)
        require_version(view, version)
        return view

    # --- values

    def _parsed(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the fields, parsed, in which filters are texts. Raises `Invalid`."""
        return parsing.parse_fields(raw, parsers(self.policy))

    def _with_ids(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the fields with ids for usernames. Raises `Invalid` for unknown users and projects."""
        filters = dict(fields.get("filters", {}))
        errors = [*self._unknown_projects(filters)]
        for name in filters.keys() & set(_USER_FILTERS):
            names = filters[name].split(",")
            ids = self._user_ids(names)
            errors += [_unknown_user(name, text) for text in names if text not in ids]
            filters[name] = ",".join(ids.get(text, text) for text in names)
        if errors:
            raise Invalid(errors)
        return {**fields, "filters": filters} if filters else fields

    def _unknown_projects(self, filters: Mapping[str, Any]) -> Sequence[FieldError]:
        references = filters["project"].split(",") if "project" in filters else []
        keys = self.store.projects.find_keys(references) if references else {}
        return [
            FieldError(
                location="filters.project", code="unknown_project", detail=unknown_project_text(reference)
            )
            for reference in references
            if reference not in keys
        ]

    def _user_ids(self, names: Sequence[str]) -> Mapping[str, str]:
        """Returns the ids of those that exist, by the text that names them; what names no user stays."""
        fixed = {name: name for name in names if name in values.RESERVED_USERNAMES or ":" in name}
        ids = [name for name in names if values.is_identifier(name)]
        known = {user_id: user_id for user_id in self.store.users.get_many(ids)} if ids else {}
        usernames = {name: values.username(name) for name in names if name not in {*fixed, *ids}}
        found = self.store.users.ids_by_username(list(usernames.values())) if usernames else {}
        named = {name: found[key] for name, key in usernames.items() if key in found}
        return {**fixed, **known, **named}


def parsers(policy: Policy) -> Mapping[str, Parser]:
    """Returns the parsers of the fields of a view that a caller may set."""
    return {
        "name": values.person_name,
        "filters": lambda value: parse_filters(value, policy),
        "sort": parsing.optional(parse_view_sort),
        "layout": layout_parser(tuple(policy.workflow.statuses)),
        "shared": values.boolean,
    }


def parse_filters(value: object, policy: Policy) -> dict[str, str | list[str]]:
    """Returns filters of a list of tasks as they are given, if the list accepts them."""
    if not isinstance(value, Mapping):
        raise BadValue("wrong_type", "Must be an object.")
    for name, text in value.items():
        if name not in FILTER_PARSERS:
            raise BadValue("unknown_field", "Unknown field.", allowed=tuple(FILTER_PARSERS), within=str(name))
        if not isinstance(text, str) and not (name == "label" and isinstance(text, list | tuple)):
            raise BadValue("wrong_type", "Must be text, as in a query.", within=name)
        try:
            FILTER_PARSERS[name](text, policy)
        except BadValue as bad:
            within = f"{name}.{bad.within}" if bad.within else name
            raise BadValue(bad.code, bad.detail, allowed=bad.allowed, within=within) from bad
    return {name: text if isinstance(text, str) else list(text) for name, text in value.items()}


def parse_view_sort(value: object) -> str:
    """Returns the order of a list of tasks as it is given, if the list accepts it."""
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text, as in a query.")
    parse_sort(value)
    return value


def _unknown_user(parameter: str, name: str) -> FieldError:
    kind = "user id" if values.is_identifier(name) else "username"
    detail = f"Unknown {kind}: {name}."
    return FieldError(location=f"filters.{parameter}", code="unknown_user", detail=detail)
