"""`/auth`: signing in with a password or a link, sessions, and passwords."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, request

from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor, current_request, identity
from taskmgr.api.runtime import current_runtime, services
from taskmgr.api.schemas.pages import items_of
from taskmgr.api.schemas.sign_in import (
    Invitation,
    InvitationOut,
    LinkIn,
    LinkTextIn,
    LinkUseIn,
    NewLinkOut,
    PasswordChangeIn,
    SessionListQuery,
    SessionOut,
    ShownSession,
    SignInIn,
)
from taskmgr.domain.model.errors import DomainError
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.model.token import Scope
from taskmgr.domain.services.session_changes import NewSession
from taskmgr.metrics.instruments import SIGN_INS

auth = Blueprint(
    "auth", __name__, url_prefix="/api/v1/auth", description="Signing in with a browser, and its sessions"
)

Sessions = items_of(SessionOut, "Sessions")


def _visitor() -> Visitor:
    return current_runtime().cookies.visitor_of(current_request())


@contextmanager
def _counted(method: str) -> Iterator[None]:
    """Counts an attempt to sign in by its outcome."""
    outcome = "internal"
    try:
        yield
        outcome = "success"
    except DomainError as error:
        outcome = error.code
        raise
    finally:
        SIGN_INS.labels(method, outcome).inc()


def _begun(new: NewSession, visitor: Visitor) -> Any:
    """Returns the response to a request that has begun a session."""
    return ShownSession(new.session, current=True), current_runtime().cookies.for_session(new, visitor)


@auth.post("/sessions")
@auth.body(SignInIn)
@auth.response(201, SessionOut)
def sign_in(body: dict[str, Any]) -> Any:
    """Sign in with a password

    The session is in a cookie of the response. The session that the request was made with, if any, ends.
    """
    current_runtime().own_origin.refuse_others(current_request())
    visitor = _visitor()
    with _counted("password"):
        new = services().sessions.sign_in(body["username"], body["password"], visitor=visitor)
    return _begun(new, visitor)


def _names_another_user() -> bool:
    return any(key != identity().user.id for key in request.args.getlist("user_id"))


@auth.get("/sessions")
@requires_scopes(sometimes={Scope.ADMIN: _names_another_user})
@auth.query(SessionListQuery)
@auth.response(200, Sessions)
def list_sessions(params: dict[str, Any]) -> Any:
    """List the caller's sessions, or as an admin those of another user"""
    sessions = services().sessions.list(params["user_id"], by=actor())
    return [ShownSession(session, current=session.id == actor().session_id) for session in sessions]


@auth.delete("/sessions/<session_id>")
@requires_scopes()
@auth.response(204)
def end_session(session_id: str) -> Any:
    """End a session

    Ending the session of this request signs out.
    """
    services().sessions.end(session_id, by=actor())
    is_current = session_id == actor().session_id
    return Response(status=204, headers=current_runtime().cookies.without_session() if is_current else None)


@auth.put("/password")
@requires_scopes()
@auth.body(PasswordChangeIn)
@auth.response(204)
def change_password(body: dict[str, Any]) -> Any:
    """Change one's own password

    All sessions end. If the request was made with one of them, the response has the cookie of a new one.
    """
    visitor = _visitor()
    new = services().passwords.change(**body, by=actor(), visitor=visitor)
    headers = None if new is None else current_runtime().cookies.for_session(new, visitor)
    return Response(status=204, headers=headers)


@auth.post("/links")
@requires_scopes(Scope.ADMIN)
@auth.body(LinkIn)
@auth.response(201, NewLinkOut)
def create_link(body: dict[str, Any]) -> Any:
    """Create a sign-in link for a user

    Whoever opens the link chooses a password for this user and is signed in. It works once, within 7 days.
    Earlier links for the user stop working.
    """
    return services().links.create(body["user_id"], by=actor())


@auth.post("/links/open")
@auth.body(LinkTextIn)
@auth.response(200, InvitationOut)
def open_link(body: dict[str, Any]) -> Any:
    """Look whom a sign-in link is for, without using it"""
    link, user = services().links.get(body["link"])
    return Invitation(user.username, user.name, link.expires_at)


@auth.post("/links/use")
@auth.body(LinkUseIn)
@auth.response(201, SessionOut)
def use_link(body: dict[str, Any]) -> Any:
    """Choose a password with a sign-in link, and sign in

    All other sessions of the user end.
    """
    current_runtime().own_origin.refuse_others(current_request())
    visitor = _visitor()
    with _counted("link"):
        new = services().links.use(body["link"], password=body["password"], visitor=visitor)
    return _begun(new, visitor)
