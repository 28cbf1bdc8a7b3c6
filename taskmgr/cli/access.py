"""How a command reaches the services: as the system process `system:cli`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskmgr.domain.model.user import Actor, User
    from taskmgr.domain.services import Services

NAME = "cli"
FIRST_USER = "admin"


@contextmanager
def services() -> Iterator[tuple[Services, Actor]]:
    """The services over the database of the settings, and who acts."""
    import taskmgr

    with taskmgr.connect() as found:
        yield found, found.system(NAME)


def make_first_user(found: Services, *, by: Actor) -> User | None:
    """The first user, an admin, where there is nobody yet; None where there is somebody."""
    from taskmgr.domain.model.errors import UsernameTaken
    from taskmgr.domain.queries.query import Window

    if found.users.list(Window(limit=1), by=by).items:
        return None
    try:
        return found.users.create(username=FIRST_USER, name="Admin", role="admin", by=by)
    except UsernameTaken:  # another start was quicker
        return None


def user_named(found: Services, username: str, *, by: Actor) -> User:
    """One user by name, in whatever case it is written. Raises `NotFound`."""
    return found.users.get_by_username(username.strip().lower(), by=by)
