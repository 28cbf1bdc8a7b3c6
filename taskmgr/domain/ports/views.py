"""What the services need of saved views."""

from __future__ import annotations

from typing import Protocol

from taskmgr.domain.model.view import View
from taskmgr.domain.queries.pages import Page, PageRequest


class ViewRepository(Protocol):
    """Stores saved views."""

    def get(self, view_id: str) -> View:
        """Returns the view. Raises `NotFound`."""

    def find(self, page_request: PageRequest, *, seen_by: str | None) -> Page[View]:
        """Returns a page of the shared views and of those of this user, by name."""

    def count(self, owner_id: str) -> int:
        """Returns the number of a user's views."""

    def add(self, view: View) -> None:
        """Stores a new view. Raises `ViewNameTaken`."""

    def replace(self, view: View) -> None:
        """Stores the next version of a view. Raises `ViewNameTaken` and `WriteConflict`."""

    def remove(self, view: View) -> None:
        """Deletes a view. Raises `WriteConflict` unless it has this version."""
