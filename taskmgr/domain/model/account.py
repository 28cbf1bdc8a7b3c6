"""Accounts at the identity provider (OpenID Connect) with which users sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from taskmgr.domain.model.user import Role


@dataclass(kw_only=True, slots=True)
class Account:
    """An account at the identity provider, linked to a user. It does not change until it ends.

    It is recognised by `issuer` and `subject`, which the provider never gives to anybody else; names and
    e-mail addresses can pass to other people.
    """

    id: str
    user_id: str
    issuer: str
    subject: str
    created_at: datetime

    @property
    def version(self) -> int:
        """Returns the version of its entry in the log."""
        return 1

    @property
    def updated_at(self) -> datetime:
        """Returns when it was linked."""
        return self.created_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """The holder of an account, as the identity provider describes them.

    `email` is None unless the provider has verified it. `usernames` are names that may serve as one.
    """

    issuer: str
    subject: str
    email: str | None = None
    name: str | None = None
    usernames: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInMethods:
    """How a user can sign in: with a `password`, and at the `provider`, if an account there `is_linked`.

    `provider` is what people call the identity provider, or None if the settings name none.
    """

    password: bool
    provider: str | None
    is_linked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Whom the identity provider may let in.

    `domains` are the domains that the e-mail addresses must have; None admits everybody. `role` is the role
    of a person who comes for the first time; without it, only people who have linked their account come in.
    """

    domains: frozenset[str] | None = None
    role: Role | None = None

    def admits(self, person: Person) -> bool:
        """Returns True if the person's e-mail address is acceptable."""
        if self.domains is None:
            return True
        local_part, _, domain = (person.email or "").rpartition("@")
        return bool(local_part) and domain.lower() in self.domains
