"""What a view needs of the request and the application around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, g

from taskmgr.domain.policy import Policy
from taskmgr.domain.services import Services
from taskmgr.domain.services.tokens import Identity
from taskmgr.domain.user import Actor

if TYPE_CHECKING:
    from taskmgr.api.cursors import Cursors

EXTENSION = "taskmgr"


def services() -> Services:
    """The services that the application was made with."""
    return cast("Services", current_app.extensions[EXTENSION])


def policy() -> Policy:
    """The policy in force."""
    return services().policy


def cursors() -> Cursors:
    """The maker and reader of cursors."""
    return cast("Cursors", current_app.extensions[f"{EXTENSION}.cursors"])


def identity() -> Identity:
    """Who calls. Only behind an endpoint with a scope."""
    return cast("Identity", g.identity)


def actor() -> Actor:
    """Who acts, for `by=`."""
    return identity().actor
