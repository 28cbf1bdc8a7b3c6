"""How a command reaches the services: as the system process `system:cli`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskmgr.domain.model.user import Actor, User
    from taskmgr.domain.services import Services

NAME = "cli"


@contextmanager
def services() -> Iterator[tuple[Services, Actor]]:
    """The services over the database of the settings, and who acts."""
    import taskmgr

    with taskmgr.connect() as found:
        yield found, found.system(NAME)


def user_named(found: Services, username: str, *, by: Actor) -> User:
    """One user by name, in whatever case it is written. Raises `NotFound`."""
    return found.users.get_by_username(username.strip().lower(), by=by)
