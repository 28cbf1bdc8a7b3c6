"""Changes passwords. Whoever does not know the present one needs a sign-in link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from taskmgr.domain.model import password as passwords
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.errors import Invalid, NotPermitted
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.model.user import Actor, User, require_actor
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.sign_in import PasswordHashes
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services.current_rights import touch_rights, with_current_rights
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.session_changes import NewSession, SessionChanges
from taskmgr.domain.services.throttle import Throttle, WrongCredentials, keys_of_change


@dataclass(frozen=True, slots=True)
class PasswordSetter:
    """Stores a new password inside the transaction of a command."""

    store: Store
    journal: Journal
    changes: SessionChanges
    clock: Clock

    def set(self, user: User, password_hash: str) -> User:
        """Stores the hash, ends all sessions and links of the user, and returns the user's new version."""
        by = Actor.of(user)
        at = time_of_change(self.clock, user)
        if at == user.password_set_at:  # clocks differ, and the entry must have a difference to log
            at += timedelta(milliseconds=1)
        after = user.changed({"password_set_at": at}, now=at)
        self.store.users.replace(after)
        self.journal.record("user.changed", user, after, by=by)
        self.store.passwords.set(user.id, password_hash, at)
        self.changes.end_all(user.id, by=by)
        self.changes.withdraw_links(user.id, by=by)
        return after


def parse_new_password(value: object, username: str) -> str:
    """Returns a new password in the form that is hashed. Raises `Invalid`."""
    try:
        return passwords.new_password(value, username)
    except BadValue as bad:
        raise Invalid([bad.at("password")]) from bad


@dataclass(frozen=True, slots=True)
class PasswordService:
    """Changes the passwords of users."""

    store: Store
    changes: SessionChanges
    setter: PasswordSetter
    throttle: Throttle
    hashes: PasswordHashes
    clock: Clock

    def change(
        self, *, current_password: str, password: str, by: Actor, visitor: Visitor = Visitor()
    ) -> NewSession | None:
        """Changes the actor's own password, and ends all sessions of theirs.

        An actor with a session gets a new one for the same browser. `current_password` is in the form of
        `typed_password`. Raises `WrongCredentials`, `TooManyAttempts`, and `Invalid` for a bad new password.
        """
        if require_actor(by).user_id is None:
            raise NotPermitted("Only users have passwords: a system process has none.")
        user_id = by.user_id or ""
        user = self.store.users.get(user_id)
        new = parse_new_password(password, user.username)
        stored = self.store.passwords.get(user_id)
        with self.throttle.attempt(keys_of_change(user_id)):
            if not self.hashes.matches(current_password, stored):
                raise WrongCredentials
        new_hash = self.hashes.make(new)

        def command() -> NewSession | None:
            actor = with_current_rights(self.store, by, now=self.clock())
            touch_rights(self.store, actor)
            if self.store.passwords.get(user_id) != stored:
                raise WrongCredentials
            changed = self.setter.set(self.store.users.get(user_id), new_hash)
            return None if actor.session_id is None else self.changes.begin(changed, visitor)

        return self.store.unit_of_work.run(command)
