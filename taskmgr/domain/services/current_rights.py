"""Reads the rights of an actor again, inside the transaction of a command on users or tokens.

An interface identifies its callers before the transaction and may cache the result for a moment. Commands
that change other people's rights do not rely on that.
"""

from __future__ import annotations

from datetime import datetime

from taskmgr.domain.model.errors import NotFound, Unauthenticated
from taskmgr.domain.model.token import Token
from taskmgr.domain.model.user import Actor, User, require_actor
from taskmgr.domain.ports.store import Store


def with_current_rights(store: Store, by: Actor, *, now: datetime) -> Actor:
    """Returns the actor with the rights that its token and its user have now.

    An actor without a token (a script, a command, a system process) is returned as it is. The command
    calls `touch_rights` before it writes. Raises `Unauthenticated`.
    """
    token_id, user_id = require_actor(by).token_id, by.user_id
    if token_id is None or user_id is None:
        return by
    try:
        token, owner = store.tokens.get(token_id), store.users.get(user_id)
    except NotFound as error:
        raise Unauthenticated from error
    if not is_valid(token, owner, now=now):
        raise Unauthenticated
    return Actor.of(owner, token)


def touch_rights(store: Store, by: Actor) -> None:
    """Touches the token and the user that the rights of a current actor come from.

    If another command takes a right away at the same time, one of the two runs again.
    """
    if by.token_id is not None and by.user_id is not None:
        store.tokens.touch(by.token_id)
        store.users.touch(by.user_id)


def is_valid(token: Token, owner: User, *, now: datetime) -> bool:
    """Returns True if this stored token identifies its owner."""
    return owner.active and not token.is_expired(now=now)
