"""What a view needs of the request and the application around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Request, current_app, g, request

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.user import Actor
from taskmgr.domain.services import Services
from taskmgr.domain.services.tokens import Identity

if TYPE_CHECKING:
    from taskmgr.api.conditional.cursors import Cursors

EXTENSION = "taskmgr"


# Flask's proxies look up what they stand for with every attribute, which costs more than most of what
# is done with it. These are the things themselves.


def this_app() -> Flask:
    """The application that the present request is for."""
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]


def this_request() -> Request:
    """The present request."""
    return request._get_current_object()  # type: ignore[attr-defined, no-any-return]


def notes() -> Any:
    """What is noted about the present request: Flask's `g`."""
    return g._get_current_object()


def services() -> Services:
    """The services that the application was made with."""
    return cast("Services", this_app().extensions[EXTENSION])


def policy() -> Policy:
    """The policy in force."""
    return services().policy


def cursors() -> Cursors:
    """The maker and reader of cursors."""
    return cast("Cursors", this_app().extensions[f"{EXTENSION}.cursors"])


def identity() -> Identity:
    """Who calls. Only behind an endpoint with a scope."""
    return cast("Identity", notes().identity)


def actor() -> Actor:
    """Who acts, for `by=`."""
    return identity().actor


def is_shown_all() -> bool:
    """Returns whether the caller may see all of the present answer.

    The answer to a write shows what is stored: that takes the scope to read it.
    """
    noted = notes()
    if "identity" not in noted or noted.endpoint.reach is None:
        return True
    held = identity().actor.scopes
    return held is None or bool(noted.endpoint.reach.shows <= held)
