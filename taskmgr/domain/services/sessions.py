"""Signs people in with a password, recognises their sessions, and ends them."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.session import Session, Visitor
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.identity import Credentials
from taskmgr.domain.ports.sign_in import PasswordHashes
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules import permissions
from taskmgr.domain.services.current_rights import is_valid, touch_rights, with_current_rights
from taskmgr.domain.services.identity import SESSION, USE_RECORDED_EVERY, Identity, parts_of
from taskmgr.domain.services.session_changes import NewSession, SessionChanges
from taskmgr.domain.services.throttle import Throttle, WrongCredentials, keys_of_sign_in
from taskmgr.domain.services.tokens import find_owner


@dataclass(frozen=True, slots=True)
class SessionService:
    """Begins, recognises and ends sessions. Only the hashes of their secrets are stored."""

    store: Store
    changes: SessionChanges
    throttle: Throttle
    credentials: Credentials
    hashes: PasswordHashes
    clock: Clock

    def identify(self, text: str) -> Identity | None:
        """Returns the caller that this text identifies, or None.

        None means that the session has ended, expired, or not been used for too long, or that its owner is
        deactivated.
        """
        session_id, secret = parts_of(SESSION, text)
        stored = self.store.sessions.find_with_owner(session_id) if secret else None
        if stored is None or not self.credentials.matches(secret, stored.secret_hash):
            return None
        session, owner, now = stored.session, stored.owner, self.clock()
        if not self._is_usable(session, owner, now=now):
            return None
        if now - session.last_used_at >= USE_RECORDED_EVERY:
            self.store.sessions.record_use(session.id, now)
        return Identity(actor=Actor.of(owner, session), user=owner, credential=session)

    def find_changed(self, identities: Collection[Identity]) -> Set[str]:
        """Returns the ids of the sessions among these whose callers no longer have the same rights."""
        return {one.credential.id for one in identities if not self._is_unchanged(one)}

    def _is_unchanged(self, identity: Identity) -> bool:
        found, now = self.store.sessions.find_with_owner(identity.credential.id), self.clock()
        return (
            found is not None
            and found.owner.role is identity.user.role
            and self._is_usable(found.session, found.owner, now=now)
        )

    def _is_usable(self, session: Session, owner: User, *, now: datetime) -> bool:
        return is_valid(session, owner, now=now) and not session.is_idle(self.changes.limits, now=now)

    def sign_in(self, username: str, password: str, *, visitor: Visitor) -> NewSession:
        """Begins a session, and ends the one that the browser presents.

        `password` is in the form of `typed_password`. Raises `WrongCredentials`, for every reason in the same
        time, and `TooManyAttempts`.
        """
        username = username.strip().lower()
        user = self._find_user(username)
        stored = self.store.passwords.get("" if user is None else user.id)
        with self.throttle.attempt(keys_of_sign_in(username, user, visitor)):
            is_right = self.hashes.matches(password, stored)
            if user is None or stored is None or not (is_right and user.active):
                raise WrongCredentials
        newer = self.hashes.make(password) if self.hashes.is_outdated(stored) else None
        return self.store.unit_of_work.run(lambda: self._begin(user.id, stored, newer, visitor))

    def _find_user(self, username: str) -> User | None:
        try:
            return self.store.users.get_by_username(username)
        except NotFound:
            return None

    def _begin(self, user_id: str, verified: str, newer: str | None, visitor: Visitor) -> NewSession:
        """Begins the session unless the password or the user has changed since the check."""
        self.store.users.touch(user_id)
        user = self.store.users.get(user_id)
        if not user.active or self.store.passwords.get(user_id) != verified:
            raise WrongCredentials
        if newer is not None:
            self.store.passwords.set(user_id, newer, user.password_set_at or user.updated_at)
        return self.changes.begin(user, visitor)

    def list(self, user_id: str | None = None, *, by: Actor) -> Sequence[Session]:
        """Returns the actor's own sessions, or those of another user, newest first.

        Leaves out those that have expired or have not been used for too long.
        """
        now, limits = self.clock(), self.changes.limits
        sessions = self.store.sessions.find_by_user(find_owner(self.store, user_id, by).id)
        return [s for s in sessions if not s.is_expired(now=now) and not s.is_idle(limits, now=now)]

    def end(self, session_id: str, *, by: Actor) -> Session:
        """Ends a session and returns it. Raises `NotFound`, also for one that is not the actor's."""

        def command() -> Session:
            actor = with_current_rights(self.store, by, now=self.clock())
            session = self.store.sessions.get(session_id)
            if session.user_id != actor.user_id and not permissions.manages_tokens(actor):
                raise NotFound("session", session_id)
            touch_rights(self.store, actor)
            self.changes.end(session, by=by)
            return session

        return self.store.unit_of_work.run(command)
