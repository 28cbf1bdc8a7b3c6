"""Everything that a command can answer instead of a result, as one tree of errors that carry data.

Each class has a stable `code`; the data are attributes, so that the API, the command line and a
script can each show them in their own way. `str(error)` is one sentence for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from taskmgr.domain.model.safe_text import without_secrets


class CannotStart(Exception):
    """The service cannot run here; the text says why and what to do, one line a cause."""


class DomainError(Exception):
    """The root of all errors that the services raise on purpose."""

    code: ClassVar[str] = "internal"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """One mistake in what was given: where, what, and what is allowed there.

    `location` names the field as the caller knows it (`due_date`, `labels.3`); an interface that
    has several places for input puts the place in front (`body.due_date`).
    """

    location: str
    code: str
    detail: str
    allowed: tuple[Any, ...] | None = None

    def under(self, place: str) -> FieldError:
        """The same mistake, seen from one level further out."""
        location = f"{place}.{self.location}" if self.location else place
        return FieldError(location=location, code=self.code, detail=self.detail, allowed=self.allowed)


def required(name: str) -> FieldError:
    """The mistake of leaving out a field that must be given."""
    return FieldError(location=name, code="required", detail="Must be given.")


class Invalid(DomainError):
    """Values that no state of the system would make acceptable; all mistakes at once."""

    code = "invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{e.location}: {e.detail}" for e in self.errors))


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """What would lift a refusal: an action from `FIX_ACTIONS`, said in words, and its arguments."""

    action: str
    text: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """One rule that stands against a command.

    `code` is the rule's name, `detail` a sentence with the facts, `fix` what would lift it (or
    None), and `overridable` says whether a manager's override with a reason lifts it too.
    """

    code: str
    detail: str
    fix: Fix | None = None
    overridable: bool = False


class Refused(DomainError):
    """Rules stand against the command: all of them, in the order of the rule book."""

    code = "refused"

    def __init__(self, reasons: Sequence[Refusal]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(reason.detail for reason in self.reasons))


class NotFound(DomainError):
    """There is no such thing, or none that the caller may know of."""

    code = "not_found"

    def __init__(self, entity: str, key: str) -> None:
        self.entity = entity
        self.key = key
        super().__init__(f"There is no {entity} {without_secrets(key)!r}.")


class Unauthenticated(DomainError):
    """The token in use is unknown, revoked or expired, or its owner is deactivated."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("This token is not valid (any more).")


class NotPermitted(DomainError):
    """The actor lacks the right; the text says what it takes."""

    code = "not_permitted"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class Stale(DomainError):
    """The caller's precondition names another version than the present one, which `current` is."""

    code = "stale"

    def __init__(self, current: Any, *, expected: int) -> None:
        self.current = current
        self.expected = expected
        super().__init__(f"Version {expected} was expected, but the present version is {current.version}.")


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


class AlreadyAssigned(Conflict):
    """Somebody else has taken the task; `assignee_id` is who."""

    code = "already_assigned"

    def __init__(self, assignee_id: str) -> None:
        self.assignee_id = assignee_id
        super().__init__(f"The task is already assigned to user {assignee_id}.")


class Unavailable(DomainError):
    """The store did not answer in time; nothing is known of an unacknowledged command's outcome."""

    code = "unavailable"

    def __init__(self, detail: str = "The database did not answer in time.") -> None:
        super().__init__(detail)


class TransactionTooLarge(DomainError):
    """The changes of one command are more than the store can keep at once; nothing was changed.

    The same command fails again: it has to be made smaller.
    """

    code = "transaction_too_large"

    def __init__(self) -> None:
        super().__init__(
            "These changes are more than the database can make at once, and nothing was changed: "
            "send fewer operations, or less text, with each request."
        )


class Closed(DomainError):
    """The services were used when their connection was closed: behind the block of `connect()`."""

    code = "closed"

    def __init__(self) -> None:
        super().__init__("The connection is closed: use the services inside `with taskmgr.connect()`.")


class WriteConflict(DomainError):
    """Another writer came between the reading and the writing; the command is run again."""

    code = "write_conflict"
