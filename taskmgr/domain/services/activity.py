"""Reads the log."""

from __future__ import annotations

from dataclasses import dataclass, replace

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.services.visible_changes import as_seen_by, visible


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

        Raises `Invalid` for unknown projects.
        """
        page = self.store.activity.find(visible(self.store, query, by=by), page_request)
        return replace(page, items=[as_seen_by(by, change) for change in page.items])

    def of_task(self, task_id: str, page_request: PageRequest = PageRequest(), *, by: Actor) -> Page[Change]:
        """Returns a page of a task's entries, newest first. Raises `NotFound`, also if it is in the bin."""
        task = self.store.tasks.get(task_id)
        return self.list(ActivityQuery(entity="task", entity_id=task.id), page_request, by=by)
