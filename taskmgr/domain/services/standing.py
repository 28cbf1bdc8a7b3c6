"""Judges whoever changes users or tokens once more, inside the transaction of the change.

An interface recognises its callers before the transaction, and may remember them for a moment. What
decides about everybody's rights does not rest on that.
"""

from __future__ import annotations

from datetime import datetime

from taskmgr.domain.model.errors import NotFound, Unauthenticated
from taskmgr.domain.model.token import Token
from taskmgr.domain.model.user import Actor, User, require_actor
from taskmgr.domain.ports.store import Store


def confirmed(store: Store, by: Actor, *, now: datetime) -> Actor:
    """Returns the actor with the rights that its token and its user have at present.

    An actor without a token (a script, a command, a system process) is returned as it is. The command
    calls `hold` before it writes. Raises `Unauthenticated`.
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


def hold(store: Store, by: Actor) -> None:
    """Touches the token and the user that a confirmed actor's rights rest on.

    Of this command and one that takes a right away, one is then run again.
    """
    if by.token_id is not None and by.user_id is not None:
        store.tokens.touch(by.token_id)
        store.users.touch(by.user_id)


def is_valid(token: Token, owner: User, *, now: datetime) -> bool:
    """Whether a token that is stored lets its owner in."""
    return owner.active and not token.is_expired(now=now)
