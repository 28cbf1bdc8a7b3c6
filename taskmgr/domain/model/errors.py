"""All errors that the services raise on purpose, as one tree of classes.

Each class has a stable `code`, and its data as attributes, so that the API, the command line and scripts can
each show them in their own way. `str(error)` is a message for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from taskmgr.domain.model.safe_text import without_secrets


class CannotStart(Exception):
    """The service cannot run here; the text has a line for each cause, with what to do about it."""


class DomainError(Exception):
    """The base class of all errors that the services raise on purpose."""

    code: ClassVar[str] = "internal"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """One mistake in the input: its place, its kind, and what is allowed there.

    `location` names the field as the caller knows it (`due_date`, `labels.3`). An interface with several
    inputs adds the input as a prefix (`body.due_date`).
    """

    location: str
    code: str
    detail: str
    allowed: tuple[Any, ...] | None = None

    def under(self, place: str) -> FieldError:
        """Returns the same mistake with its location prefixed by a place."""
        location = f"{place}.{self.location}" if self.location else place
        return FieldError(location=location, code=self.code, detail=self.detail, allowed=self.allowed)

    def without(self, place: str) -> FieldError:
        """Returns the same mistake without this prefix of its location."""
        location = self.location.removeprefix(place).removeprefix(".")
        return FieldError(location=location, code=self.code, detail=self.detail, allowed=self.allowed)


def required(name: str) -> FieldError:
    """Returns the mistake of leaving out a required field."""
    return FieldError(location=name, code="required", detail="Must be given.")


class Invalid(DomainError):
    """Values that would not be acceptable in any state of the system; lists all mistakes."""

    code = "invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{e.location}: {e.detail}".removeprefix(": ") for e in self.errors))


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """A remedy for a refusal: an action of `FIX_ACTIONS` with its arguments, and a sentence for people."""

    action: str
    text: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """The answer of a rule that does not allow a command.

    `code` is the rule's name and `detail` a sentence with the facts. `fix` is a remedy, or None if the rule
    knows none. `overridable` says whether an override with a reason lifts the refusal.
    """

    code: str
    detail: str
    fix: Fix | None = None
    overridable: bool = False


class Refused(DomainError):
    """The rules do not allow the command; lists all refusals, in the order of the rule book."""

    code = "refused"

    def __init__(self, reasons: Sequence[Refusal]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(reason.detail for reason in self.reasons))


class NotFound(DomainError):
    """The entity does not exist, or the caller may not know that it does."""

    code = "not_found"

    def __init__(self, entity: str, key: str) -> None:
        self.entity = entity
        self.key = key
        super().__init__(f"There is no {entity} {without_secrets(str(key))!r}.")


class Unauthenticated(DomainError):
    """The token or session in use is unknown, revoked or expired, or its owner is deactivated."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("The token or session is unknown, expired or revoked, or its owner is deactivated.")


class NotPermitted(DomainError):
    """The actor does not have the right; the text says who has it."""

    code = "not_permitted"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class Stale(DomainError):
    """The caller expected another version than the current one; `current` is the entity as it is now."""

    code = "stale"

    def __init__(self, current: Any, *, expected: int) -> None:
        self.current = current
        self.expected = expected
        super().__init__(f"Version {expected} was expected, but the current version is {current.version}.")


class Conflict(DomainError):
    """The command contradicts something else that exists."""


class UsernameTaken(Conflict):
    code = "username_taken"

    def __init__(self, username: str) -> None:
        self.username = username
        super().__init__(f"The username {username!r} is taken.")


class EmailTaken(Conflict):
    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("Another user has this e-mail address.")


class ProjectKeyTaken(Conflict):
    code = "project_key_taken"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"The project key {key} is taken.")


class ViewNameTaken(Conflict):
    code = "view_name_taken"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Another view of this user has the name {name!r}.")


class TooManyViews(Conflict):
    code = "too_many_views"

    def __init__(self, most: int) -> None:
        super().__init__(f"A user can have at most {most} views: delete one first.")


class DatabaseNotEmpty(Conflict):
    """The demo would be mixed with something that exists; `obstacle` is a sentence about it."""

    code = "database_not_empty"

    def __init__(self, obstacle: str) -> None:
        super().__init__(f"The database is not empty. {obstacle}")


class AlreadyAssigned(Conflict):
    """The task is already assigned to another user, `assignee_id`."""

    code = "already_assigned"

    def __init__(self, assignee_id: str, username: str) -> None:
        self.assignee_id = assignee_id
        super().__init__(f"The task is already assigned to {username}.")


class Unavailable(DomainError):
    """The store did not answer in time; the command may have been carried out or not."""

    code = "unavailable"

    def __init__(self, detail: str = "The database did not answer in time.") -> None:
        super().__init__(detail)


class TransactionTooLarge(DomainError):
    """The changes of one command do not fit into one transaction; nothing was changed.

    Repeating the same command fails again; it must be split.
    """

    code = "transaction_too_large"

    def __init__(self) -> None:
        super().__init__(
            "The changes do not fit into one transaction, and nothing was changed: "
            "send fewer operations, or less text, in each request."
        )


class Closed(DomainError):
    """The services were used after their connection was closed, outside the block of `connect()`."""

    code = "closed"

    def __init__(self) -> None:
        super().__init__("The connection is closed: use the services inside `with taskmgr.connect()`.")


class WriteConflict(DomainError):
    """Another command wrote what this one had read; the unit of work runs the command again."""

    code = "write_conflict"


class KeyTaken(WriteConflict):
    """Another task has the key that was taken for this one; the command runs again with a new key.

    It happens after a failover that has lost the newest state of a project's counter.
    """
