"""Reads the rights of an actor again, inside the transaction of a command on users or tokens.

An interface identifies its callers before the transaction and may cache the result for a moment. Commands
that change other people's rights do not rely on that.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from taskmgr.domain.model.errors import DomainError, NotFound, Unauthenticated
from taskmgr.domain.model.session import Session
from taskmgr.domain.model.token import Token
from taskmgr.domain.model.user import Actor, User, require_actor
from taskmgr.domain.ports.store import Store

# How long after signing in a session may be used for what would outlast it.
RECENT = timedelta(minutes=10)


class RecentSignInRequired(DomainError):
    """The session began too long ago for this; the person must sign in again first."""

    code = "recent_sign_in_required"

    def __init__(self) -> None:
        minutes = RECENT // timedelta(minutes=1)
        super().__init__(f"Sign in again first: this requires a session of at most {minutes} minutes.")


def with_current_rights(store: Store, by: Actor, *, now: datetime) -> Actor:
    """Returns the actor with the rights that its token or session and its user have now.

    An actor without either (a script, a command, a system process) is returned as it is. The command
    calls `touch_rights` before it writes. Raises `Unauthenticated`.
    """
    user_id = require_actor(by).user_id
    if user_id is None or (by.token_id is None and by.session_id is None):
        return by
    try:
        credential, owner = _credential(store, by), store.users.get(user_id)
    except NotFound as error:
        raise Unauthenticated from error
    if not is_valid(credential, owner, now=now):
        raise Unauthenticated
    return Actor.of(owner, credential)


def _credential(store: Store, by: Actor) -> Token | Session:
    if by.session_id is not None:
        return store.sessions.get(by.session_id)
    return store.tokens.get(by.token_id or "")


def touch_rights(store: Store, by: Actor) -> None:
    """Touches the token or the session, and the user, that the rights of a current actor come from.

    If another command takes a right away at the same time, one of the two runs again.
    """
    if by.token_id is not None:
        store.tokens.touch(by.token_id)
    if by.session_id is not None:
        store.sessions.touch(by.session_id)
    if by.user_id is not None and (by.token_id or by.session_id):
        store.users.touch(by.user_id)


def is_valid(credential: Token | Session, owner: User, *, now: datetime) -> bool:
    """Returns True if this stored token or session identifies its owner."""
    return owner.active and not credential.is_expired(now=now)


def require_recent_sign_in(by: Actor, *, now: datetime) -> None:
    """Raises `RecentSignInRequired` if the actor uses a session that began too long ago.

    Whoever takes over a browser for a moment must not be able to stay for longer than its session.
    """
    if by.signed_in_at is not None and now - by.signed_in_at >= RECENT:
        raise RecentSignInRequired
