"""Gives commands the services, and the actor that they act as: `system:cli`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskmgr.domain.model.user import Actor, User
    from taskmgr.domain.services import Services

ACTOR_NAME = "cli"


@contextmanager
def open_services() -> Iterator[tuple[Services, Actor]]:
    """Yields the services over the database of the settings, and the actor."""
    import taskmgr

    with taskmgr.connect() as services:
        yield services, services.system(ACTOR_NAME)


def find_user(services: Services, username: str, *, by: Actor) -> User:
    """Returns the user with this username, in upper or lower case. Raises `NotFound`."""
    return services.users.get_by_username(username.strip().lower(), by=by)
