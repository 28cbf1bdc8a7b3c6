"""What an actor may see of the log, and which of its entries a query selects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from taskmgr.domain.history.changes import CREDENTIALS, Change
from taskmgr.domain.model import values
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.project_filters import find_projects
from taskmgr.domain.services.tasks.fields import NO_ID, find_task_id


def visible(store: Store, query: ActivityQuery, *, by: Actor) -> ActivityQuery:
    """Returns the query for those of the entries that the actor may see, with ids and keys looked up.

    Entries about users require the scope `users:read`, entries about other people's tokens, sessions and
    links the right to manage tokens, and entries about webhooks the right to manage webhooks. Entries about
    private views are seen only by their owner. Raises `NotPermitted`, and `Invalid` for unknown projects.
    """
    permissions.require(by, Action.READ)
    return replace(
        query,
        projects=find_projects(store, query.projects),
        entity_id=_entity_id(store, query.entity_id),
        but_users=query.but_users or not by.holds(Scope.USERS_READ),
        but_webhooks=query.but_webhooks or not permissions.manages_webhooks(by),
        credentials_of=query.credentials_of if permissions.manages_tokens(by) else by.user_id,
        seen_by=by.id,
    )


def matches(query: ActivityQuery, change: Change) -> bool:
    """Returns True if the query, as `visible` returns it, selects this entry."""
    return (
        _is_permitted(query, change)
        and query.entity in (None, change.entity)
        and query.entity_id in (None, change.entity_id)
        and query.by in (None, change.by)
        and query.change_set in (None, change.change_set)
        and (query.kinds is None or change.kind in query.kinds)
        and (query.projects is None or not set(query.projects).isdisjoint(change.projects))
        and (query.at_from is None or change.at >= query.at_from)
        and (query.at_to is None or change.at < query.at_to)
    )


def _is_permitted(query: ActivityQuery, change: Change) -> bool:
    if change.private_to is not None and query.seen_by is not None:
        return change.private_to == query.seen_by
    if change.entity == "user":
        return not query.but_users
    if change.entity == "webhook":
        return not query.but_webhooks
    if change.entity in CREDENTIALS and query.credentials_of is not None:
        return query.credentials_of in (change.before.get("user_id"), change.after.get("user_id"))
    return True


def as_seen_by(actor: Actor, change: Change) -> Change:
    """Returns the entry as the actor may see it: with an e-mail address None if that is hidden from them."""
    if change.entity != "user" or permissions.may_see_email(actor, change.entity_id):
        return change
    return without_emails(change)


def without_emails(change: Change) -> Change:
    """Returns the entry with None in place of e-mail addresses."""
    return replace(change, before=_without_email(change.before), after=_without_email(change.after))


def _without_email(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: None if name == "email" else value for name, value in fields.items()}


def _entity_id(store: Store, reference: str | None) -> str | None:
    """Returns the id of the task or project with this key, or one that nothing has for an unknown key."""
    if reference is None or values.is_identifier(reference):
        return reference
    if values.is_task_key(reference):
        task_id = find_task_id(store, reference)
        return task_id if values.is_identifier(task_id) else NO_ID
    key = values.stored_reference(reference)
    project = store.projects.get_many([key]).get(key)
    return NO_ID if project is None else project.id
