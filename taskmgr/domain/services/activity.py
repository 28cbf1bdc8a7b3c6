"""Reads the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model import values
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.project_filters import find_projects
from taskmgr.domain.services.tasks.fields import NO_ID, find_task_id


@dataclass(frozen=True, slots=True)
class ActivityService:
    """Reads the log. E-mail addresses that the actor may not see are None in the entries."""

    store: Store

    def list(
        self,
        query: ActivityQuery = ActivityQuery(),
        page_request: PageRequest = PageRequest(),
        *,
        by: Actor,
    ) -> Page[Change]:
        """Returns a page of the entries that match and that the actor may see, newest first.

        Entries about users require the scope `users:read`, and entries about other people's tokens the
        right to manage those tokens. Raises `Invalid` for unknown projects.
        """
        permissions.require(by, Action.READ)
        query = replace(query, projects=find_projects(self.store, query.projects))
        if not by.holds(Scope.USERS_READ):
            query = replace(query, but_users=True)
        if not permissions.manages_tokens(by):
            query = replace(query, tokens_of=by.user_id)
        query = replace(query, entity_id=self._entity_id(query.entity_id))
        page = self.store.activity.find(query, page_request)
        return replace(page, items=[_as_seen_by(by, change) for change in page.items])

    def of_task(self, task_id: str, page_request: PageRequest = PageRequest(), *, by: Actor) -> Page[Change]:
        """Returns a page of a task's entries, newest first. Raises `NotFound`, also if it is in the bin."""
        task = self.store.tasks.get(task_id)
        return self.list(ActivityQuery(entity="task", entity_id=task.id), page_request, by=by)

    def _entity_id(self, reference: str | None) -> str | None:
        """Returns the id of the task or project with this key, or one that nothing has for an unknown key."""
        if reference is None or values.is_identifier(reference):
            return reference
        if values.is_task_key(reference):
            task_id = find_task_id(self.store, reference)
            return task_id if values.is_identifier(task_id) else NO_ID
        key = values.stored_reference(reference)
        project = self.store.projects.get_many([key]).get(key)
        return NO_ID if project is None else project.id


def _as_seen_by(actor: Actor, change: Change) -> Change:
    if change.entity != "user" or permissions.may_see_email(actor, change.entity_id):
        return change
    return replace(change, before=_without_email(change.before), after=_without_email(change.after))


def _without_email(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: None if name == "email" else value for name, value in fields.items()}
