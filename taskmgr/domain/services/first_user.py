"""Creates the first user of a service that has none."""

from __future__ import annotations

from taskmgr.domain.model.errors import UsernameTaken
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.services import Services

FIRST_USERNAME = "admin"


def create_first_user(services: Services, *, by: Actor) -> User | None:
    """Creates an admin and returns it; returns None if there already is a user."""
    if services.users.list(PageRequest(limit=1), by=by).items:
        return None
    try:
        return services.users.create(username=FIRST_USERNAME, name="Admin", role="admin", by=by)
    except UsernameTaken:  # another process has just created it
        return None
