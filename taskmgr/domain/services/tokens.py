"""Creates, recognises and revokes bearer tokens. Admins can do so for other users."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.clock import format_instant, time_of_change
from taskmgr.domain.model.commands import NewTokenFields
from taskmgr.domain.model.errors import FieldError, Invalid, NotFound, NotPermitted, required
from taskmgr.domain.model.token import PARSERS, Scope, Token
from taskmgr.domain.model.user import Actor, User, require_actor
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.identity import Credentials
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.current_rights import (
    is_valid,
    require_recent_sign_in,
    touch_rights,
    with_current_rights,
)
from taskmgr.domain.services.identity import TOKEN, USE_RECORDED_EVERY, Identity, parts_of, text_of
from taskmgr.domain.services.journal import Journal


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new token with its secret text, which is never shown again. Callers send it as the bearer token."""

    token: Token
    text: str

    def __repr__(self) -> str:
        return f"NewToken(token={self.token!r})"


@dataclass(frozen=True, slots=True)
class TokenService:
    """Creates, recognises and revokes tokens. Only the hashes of their secrets are stored."""

    store: Store
    journal: Journal
    credentials: Credentials
    clock: Clock
    new_id: NewId

    def identify(self, text: str) -> Identity | None:
        """Returns the caller that this text identifies, or None.

        None means that the token is unknown or expired, or that its owner is deactivated.
        """
        token_id, secret = parts_of(TOKEN, text)
        stored = self.store.tokens.find_with_owner(token_id) if secret else None
        if stored is None or not self.credentials.matches(secret, stored.secret_hash):
            return None
        token, owner, now = stored.token, stored.owner, self.clock()
        if not is_valid(token, owner, now=now):
            return None
        if token.last_used_at is None or now - token.last_used_at >= USE_RECORDED_EVERY:
            self.store.tokens.record_use(token.id, now)
        return Identity(actor=Actor.of(owner, token), user=owner, credential=token)

    def find_changed(self, identities: Collection[Identity]) -> Set[str]:
        """Returns the ids of the tokens among these whose callers no longer have the same rights.

        The token was revoked or has expired, or its owner was deactivated or has got another role.
        """
        stored = self.store.tokens.find_many_with_owners({identity.credential.id for identity in identities})
        now = self.clock()
        return {
            identity.credential.id
            for identity in identities
            if (found := stored.get(identity.credential.id)) is None
            or not is_valid(found.token, found.owner, now=now)
            or found.owner.role is not identity.user.role
        }

    def list(self, user_id: str | None = None, *, by: Actor) -> Sequence[Token]:
        """Returns the actor's own tokens, or those of another user, newest first."""
        return self.store.tokens.find_by_user(find_owner(self.store, user_id, by).id)

    def create(self, *, by: Actor, user_id: str | None = None, **raw: Unpack[NewTokenFields]) -> NewToken:
        """Creates a token and returns it with its secret text. `name` is required.

        Raises `Invalid` for a deactivated user, `NotPermitted` for more scopes or a later expiry than
        those of the token in use, and `RecentSignInRequired` in a session that began too long ago.
        """
        fields = parsing.parse_fields(raw, PARSERS)
        if "name" not in fields:
            raise Invalid([required("name")])
        token_id, secret = self.new_id(), self.credentials.new_secret()

        def command() -> Token:
            now = self.clock()
            actor = with_current_rights(self.store, by, now=now)
            require_recent_sign_in(actor, now=now)
            _require_in_the_future(fields.get("expires_at"), now)
            owner = self._owner_of_new(user_id, actor)
            _require_no_wider(fields, actor)
            token = Token(
                id=token_id, user_id=owner.id, name=fields["name"], scopes=fields.get("scopes"),
                created_at=now, expires_at=fields.get("expires_at"), last_used_at=None,
            )  # fmt: skip
            touch_rights(self.store, actor)
            self.store.tokens.add(token, self.credentials.hash(secret))
            self.journal.record("token.created", None, token, by=by)
            return token

        token = self.store.unit_of_work.run(command)
        return NewToken(token, text_of(TOKEN, token_id, secret))

    def revoke(self, token: str, *, by: Actor) -> Token:
        """Revokes a token, named by its id or its whole text, and returns it.

        Raises `NotFound`, also for a token that is not the actor's.
        """
        token_id = token if values.is_identifier(token) else parts_of(TOKEN, token)[0]

        def command() -> Token:
            actor = with_current_rights(self.store, by, now=self.clock())
            stored = self.store.tokens.get(token_id)
            if stored.user_id != actor.user_id and not permissions.manages_tokens(actor):
                raise NotFound("token", token_id)
            touch_rights(self.store, actor)
            self.store.tokens.remove(token_id)
            at = time_of_change(self.clock, stored)
            self.journal.record_end("token.revoked", stored, at=at, by=by)
            return stored

        return self.store.unit_of_work.run(command)

    def _owner_of_new(self, user_id: str | None, by: Actor) -> User:
        owner = find_owner(self.store, user_id, by)
        if not owner.active:
            detail = f"The user {owner.username} is deactivated: activate them first."
            raise Invalid([_error("user_id", "inactive_user", detail)])
        return owner


def find_owner(store: Store, user_id: str | None, by: Actor) -> User:
    """Returns the user whose tokens or sessions the actor names: by default the actor's own.

    Raises `NotPermitted` if the actor may not manage those of other people.
    """
    own = require_actor(by).user_id
    owner_id = user_id or own
    if owner_id is None:
        raise Invalid([_error("user_id", "required", "Must be given: the owner.")])
    owner = store.users.get(owner_id)
    if owner_id != own:
        permissions.require(by, Action.MANAGE_USERS)
        if not permissions.manages_tokens(by):
            scope = Scope.ADMIN.value
            raise NotPermitted(f"Other people's tokens and sessions require a token with the scope {scope}.")
    return owner


def _require_in_the_future(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise Invalid([_error("expires_at", "past", "Must lie in the future.")])


def _require_no_wider(fields: Mapping[str, Any], by: Actor) -> None:
    """Raises `NotPermitted` for a token with more rights or a longer life than the one in use."""
    scopes, expires_at = fields.get("scopes"), fields.get("expires_at")
    if by.scopes is not None and (scopes is None or not set(scopes) <= by.scopes):
        held = ", ".join(sorted(by.scopes))
        raise NotPermitted(f"A new token cannot have more scopes than the token in use, which has: {held}.")
    if by.until is not None and (expires_at is None or expires_at > by.until):
        until = format_instant(by.until)
        raise NotPermitted(f"A new token cannot outlast the token in use, which expires at {until}.")


def _error(location: str, code: str, detail: str) -> FieldError:
    return FieldError(location=location, code=code, detail=detail)
