"""Begins and ends sessions inside the transactions of other commands, with their entries in the log."""

from __future__ import annotations

from dataclasses import dataclass

from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.session import Session, SessionLimits, Visitor
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.identity import Credentials
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services.identity import SESSION, parts_of, text_of
from taskmgr.domain.services.journal import Journal


@dataclass(frozen=True, slots=True)
class NewSession:
    """A new session with its owner, and its text, which only the browser keeps."""

    session: Session
    user: User
    text: str

    def __repr__(self) -> str:
        return f"NewSession(session={self.session!r}, user={self.user!r})"


@dataclass(frozen=True, slots=True)
class SessionChanges:
    """Begins and ends sessions. Call its methods inside a command that has touched or replaced the user."""

    store: Store
    journal: Journal
    credentials: Credentials
    clock: Clock
    new_id: NewId
    limits: SessionLimits

    def begin(self, user: User, visitor: Visitor) -> NewSession:
        """Begins a session with a new secret, and ends the one that the browser presents."""
        self._end_presented(visitor, by=Actor.of(user))
        now, secret = self.clock(), self.credentials.new_secret()
        session = Session(
            id=self.new_id(), user_id=user.id, user_agent=visitor.user_agent, address=visitor.address,
            created_at=now, expires_at=now + self.limits.absolute, last_used_at=now,
        )  # fmt: skip
        self.store.sessions.add(session, self.credentials.hash(secret))
        self.journal.record("session.created", None, session, by=Actor.of(user))
        return NewSession(session, user, text_of(SESSION, session.id, secret))

    def _end_presented(self, visitor: Visitor, *, by: Actor) -> None:
        session_id, secret = parts_of(SESSION, visitor.session)
        presented = self.store.sessions.find_with_owner(session_id) if secret else None
        if presented is not None and self.credentials.matches(secret, presented.secret_hash):
            self.end(presented.session, by=by)

    def end(self, session: Session, *, by: Actor) -> None:
        """Ends a session."""
        self.store.sessions.remove(session.id)
        self.journal.record_end("session.ended", session, at=time_of_change(self.clock, session), by=by)

    def end_all(self, user_id: str, *, by: Actor) -> None:
        """Ends all sessions of a user."""
        for session in self.store.sessions.find_by_user(user_id):
            self.end(session, by=by)

    def withdraw_links(self, user_id: str, *, by: Actor) -> None:
        """Makes all sign-in links for a user unusable."""
        for link in self.store.links.find_by_user(user_id):
            self.store.links.remove(link.id)
            self.journal.record_end("link.ended", link, at=time_of_change(self.clock, link), by=by)
