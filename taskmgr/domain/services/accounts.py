"""Signs people in with their accounts at the identity provider, and links these accounts to users."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from taskmgr.domain.model import values
from taskmgr.domain.model.account import Account, Admission, Person, SignInMethods
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.errors import EmailTaken, NotFound, NotPermitted, UsernameTaken
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.model.user import Actor, Role, User, require_actor
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.identity_provider import IdentityProvider, NotSignedIn, Reason
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules import permissions
from taskmgr.domain.services.current_rights import (
    RecentSignInRequired,
    require_recent_sign_in,
    touch_rights,
    with_current_rights,
)
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.session_changes import NewSession, SessionChanges
from taskmgr.domain.services.tokens import find_owner
from taskmgr.domain.services.users import UserService

_NOT_IN_USERNAMES = re.compile(r"[^a-z0-9._-]+")
_CREATOR = Actor.system("identity-provider")  # of the users who come for the first time


@dataclass(frozen=True, slots=True)
class AccountService:
    """Signs in with, links and ends accounts. `provider` is None if the settings name none."""

    store: Store
    journal: Journal
    changes: SessionChanges
    users: UserService
    clock: Clock
    new_id: NewId
    provider: IdentityProvider | None = None
    admission: Admission = Admission()

    def sign_in(self, person: Person, *, visitor: Visitor, only: str | None = None) -> NewSession:
        """Begins a session of the user to whom the person's account is linked.

        Creates the user at the first time, if the settings say with which role. With the id of a user in
        `only`, nobody else is signed in. Raises `NotSignedIn`.
        """
        self._require_admitted(person)
        account_id = self.new_id()

        def command() -> NewSession:
            account = self.store.accounts.find(person.issuer, person.subject)
            if only is not None and (account is None or account.user_id != only):
                raise NotSignedIn(Reason.OTHER_USER, f"The account is not linked to the user {only}.")
            if account is None:
                user = self._create_user(person)
                self._add(account_id, user.id, person, by=Actor.of(user))
            else:
                user = self.store.users.get(account.user_id)
                if not user.active:
                    raise NotSignedIn(Reason.DEACTIVATED, f"The user {user.username} is deactivated.")
                self.store.users.touch(user.id)
            return self.changes.begin(user, visitor)

        return self.store.unit_of_work.run(command)

    def require_linking(self, by: Actor) -> None:
        """Raises `RecentSignInRequired` in a session that began too long ago to link an account."""
        require_recent_sign_in(by, now=self.clock())

    def link(self, person: Person, *, by: Actor) -> Account:
        """Links the person's account to the actor's user, and returns it.

        Raises `NotSignedIn`, also if it is another user's or if the actor's session began too long ago.
        """
        user_id = require_actor(by).user_id
        if user_id is None:
            raise NotPermitted("Only users have accounts: a system process has none.")
        self._require_admitted(person)
        account_id = self.new_id()

        def command() -> Account:
            actor = with_current_rights(self.store, by, now=self.clock())
            self._require_recent(actor)
            account = self.store.accounts.find(person.issuer, person.subject)
            if account is None:
                touch_rights(self.store, actor)
                return self._add(account_id, user_id, person, by=by)
            if account.user_id != user_id:
                raise NotSignedIn(Reason.TAKEN, f"The account is linked to the user {account.user_id}.")
            return account

        return self.store.unit_of_work.run(command)

    def _require_recent(self, actor: Actor) -> None:
        try:
            self.require_linking(actor)
        except RecentSignInRequired as error:
            raise NotSignedIn(Reason.TOO_OLD, str(error)) from error

    def methods(self, *, by: Actor) -> SignInMethods:
        """Returns how the actor's user can sign in."""
        user = find_owner(self.store, None, by)
        provider, accounts = self.provider, self.store.accounts.find_by_user(user.id)
        return SignInMethods(
            password=user.password_set_at is not None,
            provider=None if provider is None else provider.name,
            is_linked=provider is not None and provider.issuer in {each.issuer for each in accounts},
        )

    def list(self, user_id: str | None = None, *, by: Actor) -> Sequence[Account]:
        """Returns the actor's own accounts, or those of another user, newest first."""
        return self.store.accounts.find_by_user(find_owner(self.store, user_id, by).id)

    def end(self, account_id: str, *, by: Actor) -> Account:
        """Ends the link to an account and all sessions of its user, and returns the account.

        Raises `NotFound`, also for an account that is not the actor's.
        """

        def command() -> Account:
            actor = with_current_rights(self.store, by, now=self.clock())
            account = self.store.accounts.get(account_id)
            if account.user_id != actor.user_id and not permissions.manages_tokens(actor):
                raise NotFound("account", account_id)
            touch_rights(self.store, actor)
            self.store.users.touch(account.user_id)
            self.store.accounts.remove(account.id)
            self.journal.record_end("account.ended", account, at=time_of_change(self.clock, account), by=by)
            self.changes.end_all(account.user_id, by=by)
            return account

        return self.store.unit_of_work.run(command)

    def _require_admitted(self, person: Person) -> None:
        if not self.admission.admits(person):
            detail = "The e-mail address is missing, not verified, or not in an admitted domain."
            raise NotSignedIn(Reason.NOT_ADMITTED, detail)

    def _create_user(self, person: Person) -> User:
        """Creates the user of a person who comes for the first time.

        Never finds an existing user by name or address: whoever can choose these at the provider would be
        let in as somebody else.
        """
        role = self.admission.role
        if role is None:
            raise NotSignedIn(Reason.UNKNOWN, "The account is not linked to a user.")
        username = _username(person)
        try:
            return self._add_user(person, username, role)
        except (UsernameTaken, EmailTaken) as taken:
            raise NotSignedIn(Reason.EXISTS, f"The user {username} cannot be created: {taken}") from taken

    def _add_user(self, person: Person, username: str, role: Role) -> User:
        name = _first_valid(values.person_name, (person.name,)) or username
        email = _first_valid(values.email, (person.email,))
        return self.users.create(username=username, name=name, email=email, role=role.value, by=_CREATOR)

    def _add(self, account_id: str, user_id: str, person: Person, *, by: Actor) -> Account:
        account = Account(
            id=account_id, user_id=user_id, issuer=person.issuer, subject=person.subject,
            created_at=self.clock(),
        )  # fmt: skip
        self.store.accounts.add(account)
        self.journal.record("account.created", None, account, by=by)
        return account


def _username(person: Person) -> str:
    """Returns the first of the person's names that can be a username, or else a made-up one."""
    candidates = (_NOT_IN_USERNAMES.sub("-", name.partition("@")[0].lower()) for name in person.usernames)
    found = _first_valid(values.username, candidates)
    return found or f"person-{hashlib.sha256(person.subject.encode()).hexdigest()[:8]}"


def _first_valid(parse: Callable[[object], str], candidates: Iterable[object]) -> str | None:
    for candidate in candidates:
        with suppress(BadValue):
            return parse(candidate)
    return None
