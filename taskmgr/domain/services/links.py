"""Makes sign-in links, with which people choose a password: at the first start, when invited, for a reset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from taskmgr.domain.model.errors import DomainError, FieldError, Invalid, NotPermitted
from taskmgr.domain.model.link import Link
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.identity import Credentials
from taskmgr.domain.ports.sign_in import PasswordHashes
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.current_rights import (
    require_recent_sign_in,
    touch_rights,
    with_current_rights,
)
from taskmgr.domain.services.identity import LINK, parts_of, text_of
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.passwords import PasswordSetter, parse_new_password
from taskmgr.domain.services.session_changes import NewSession, SessionChanges

LIFETIME = timedelta(days=7)
FIRST_LIFETIME = timedelta(hours=1)  # of the link that the first start prints
PAGE = "/welcome"  # the page that takes the link


class LinkUnusable(DomainError):
    """The link is unknown, expired, used or replaced, or its user is deactivated."""

    code = "link_unusable"

    def __init__(self) -> None:
        super().__init__("This link does not work any more: it works once, for a limited time.")


@dataclass(frozen=True, slots=True)
class NewLink:
    """A new link with its text, which is shown once."""

    link: Link
    text: str

    @property
    def path(self) -> str:
        """Returns the path to open. The secret is in the fragment, which browsers do not send anywhere."""
        return f"{PAGE}#{self.text}"

    def __repr__(self) -> str:
        return f"NewLink(link={self.link!r})"


@dataclass(frozen=True, slots=True)
class LinkService:
    """Makes links and lets their holders choose a password. Only the hashes of their secrets are stored."""

    store: Store
    journal: Journal
    changes: SessionChanges
    setter: PasswordSetter
    credentials: Credentials
    hashes: PasswordHashes
    clock: Clock
    new_id: NewId

    def create(self, user_id: str, *, by: Actor, lifetime: timedelta = LIFETIME) -> NewLink:
        """Creates a link for a user and returns it with its text. Earlier links for the user end.

        Raises `Invalid` for a deactivated user, and `RecentSignInRequired` in a session that began too long
        ago.
        """
        link_id, secret = self.new_id(), self.credentials.new_secret()

        def command() -> Link:
            now = self.clock()
            actor = with_current_rights(self.store, by, now=now)
            _require_right(actor)
            require_recent_sign_in(actor, now=now)
            touch_rights(self.store, actor)
            self.store.users.touch(user_id)
            user = self.store.users.get(user_id)
            if not user.active:
                detail = f"The user {user.username} is deactivated: activate them first."
                raise Invalid([FieldError(location="user_id", code="inactive_user", detail=detail)])
            self.changes.withdraw_links(user.id, by=by)
            link = Link(
                id=link_id, user_id=user.id, created_by=by.id, created_at=now, expires_at=now + lifetime
            )
            self.store.links.add(link, self.credentials.hash(secret))
            self.journal.record("link.created", None, link, by=by)
            return link

        return NewLink(self.store.unit_of_work.run(command), text_of(LINK, link_id, secret))

    def get(self, text: str) -> tuple[Link, User]:
        """Returns the link with this text, and its user. Raises `LinkUnusable`."""
        link_id, secret = parts_of(LINK, text)
        stored = self.store.links.find(link_id) if secret else None
        if stored is None or not self.credentials.matches(secret, stored.secret_hash):
            raise LinkUnusable
        user = self.store.users.get(stored.link.user_id)
        if stored.link.is_expired(now=self.clock()) or not user.active or not self._is_granted(stored.link):
            raise LinkUnusable
        return stored.link, user

    def _is_granted(self, link: Link) -> bool:
        """Returns True if whoever made the link may still make one, as all system processes may.

        Otherwise, an admin could keep links for a time after having lost the right.
        """
        if not is_identifier(link.created_by):
            return True
        maker = self.store.users.get(link.created_by)
        return maker.active and permissions.manages_tokens(Actor.of(maker))

    def use(self, text: str, *, password: str, visitor: Visitor = Visitor()) -> NewSession:
        """Sets the password of the link's user, ends the link and all sessions, and begins a session.

        Raises `LinkUnusable`, and `Invalid` for a bad password, which leaves the link as it is.
        """
        user = self.get(text)[1]
        password_hash = self.hashes.make(parse_new_password(password, user.username))

        def command() -> NewSession:
            user = self.get(text)[1]
            changed = self.setter.set(user, password_hash)  # this ends the link
            return self.changes.begin(changed, visitor)

        return self.store.unit_of_work.run(command)


def _require_right(by: Actor) -> None:
    permissions.require(by, Action.MANAGE_USERS)
    if not permissions.manages_tokens(by):
        raise NotPermitted(f"Sign-in links require a token with the scope {Scope.ADMIN.value}.")
