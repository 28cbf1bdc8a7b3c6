"""Webhooks, which send changes to other services, and the deliveries to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.parsing import BadValue, Parser

MAX_URL_LENGTH = 2_000
MAX_WEBHOOK_DESCRIPTION = 200
ALL_KINDS = "*"

# How long to wait after each failed attempt; after the last one, the delivery has failed.
DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MAX_DELAY = timedelta(hours=24)  # also for what a receiver demands
MAX_FAILING = timedelta(days=5)  # after so long without a success, a webhook is disabled
ROTATION = timedelta(hours=24)  # for so long the former secret signs, too
JITTER = 0.2  # at most this share of a delay is added, so that failed deliveries do not all come at once


class Disabled(StrEnum):
    """Why the service itself has disabled a webhook."""

    GONE = "gone"  # the receiver answered 410
    FAILING = "failing"  # nothing but failures for `MAX_FAILING`
    CREATOR_INACTIVE = "creator_inactive"


@dataclass(kw_only=True, slots=True)
class Webhook:
    """A URL to which changes are sent. It sees what the user who created it may see.

    `kinds` are kinds of log entries, such as `task.created`, or `task.*`, or `*`. `project` is the key of the
    only project whose changes it gets, or None. While it is not `active`, nothing is sent; afterwards it goes
    on where it stopped. `scopes` are those of the token with which it was created; None means all.
    """

    id: str
    url: str
    description: str
    kinds: tuple[str, ...]
    project: str | None
    active: bool
    disabled_because: Disabled | None
    scopes: tuple[str, ...] | None
    secret_changed_at: datetime
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int

    def changed(self, changes: Mapping[str, Any], *, now: datetime) -> Webhook:
        """Returns this webhook with other values, as its next version."""
        fields = {**changes, "disabled_because": None} if "active" in changes else dict(changes)
        return replace(self, **fields, updated_at=now, version=self.version + 1)

    def disabled(self, because: Disabled, *, now: datetime) -> Webhook:
        """Returns this webhook after the service has disabled it."""
        return replace(self, active=False, disabled_because=because, updated_at=now, version=self.version + 1)


class DeliveryState(StrEnum):
    """What has become of a delivery; a pending one will be attempted (again)."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A new webhook with its secret text, which is never shown again."""

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """The new secret text of a webhook, which is never shown again, and until when the former one signs."""

    secret: str = field(repr=False)
    former_until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt to deliver: the status of the answer with its beginning, or an error if there was none."""

    at: datetime
    duration_ms: int
    status: int | None = None
    response: str = ""
    error: str | None = None
    retry_after: datetime | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == 410


@dataclass(kw_only=True, slots=True)
class Delivery:
    """One entry of the feed on its way to one webhook. Its id is also the id of the message.

    `next_attempt_at` is None unless the delivery is pending.
    """

    id: str
    webhook_id: str
    seq: int
    kind: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    last_attempt: Attempt | None

    def after(self, attempt: Attempt, *, jitter: float) -> Delivery:
        """Returns this delivery after an attempt; `jitter`, from 0 to 1, lengthens the wait for the next."""
        attempts = self.attempts + 1
        state, next_at = DeliveryState.DELIVERED, None
        if not attempt.is_success:
            state = DeliveryState.FAILED
            if attempts <= len(DELAYS) and not attempt.is_gone:
                state, next_at = DeliveryState.PENDING, _next_attempt(attempts, attempt, jitter)
        return replace(self, attempts=attempts, state=state, next_attempt_at=next_at, last_attempt=attempt)


def new_delivery(webhook_id: str, seq: int, kind: str, *, now: datetime) -> Delivery:
    """Returns a delivery that is due now."""
    return Delivery(
        id=f"{webhook_id}:{seq}", webhook_id=webhook_id, seq=seq, kind=kind, state=DeliveryState.PENDING,
        attempts=0, created_at=now, next_attempt_at=now, last_attempt=None,
    )  # fmt: skip


def _next_attempt(attempts: int, attempt: Attempt, jitter: float) -> datetime:
    delay = DELAYS[attempts - 1] * (1 + JITTER * jitter)
    next_at = attempt.at + delay
    if attempt.retry_after is not None:
        next_at = max(next_at, min(attempt.retry_after, attempt.at + MAX_DELAY))
    return next_at.replace(microsecond=next_at.microsecond // 1000 * 1000)


def kinds_parser(known: Sequence[str]) -> Parser:
    """Returns the parser of a list of kinds, each of which is known, or a beginning with `.*`, or `*`."""
    groups = dict.fromkeys(f"{kind.partition('.')[0]}.*" for kind in known)
    allowed = (ALL_KINDS, *groups, *known)

    def parse(value: object) -> tuple[str, ...]:
        kinds = parsing.distinct(value, parsing.one_of_names(allowed), maximum=len(allowed))
        if not kinds:
            raise BadValue("blank", f"Must have at least one kind; {ALL_KINDS!r} stands for all of them.")
        return kinds

    return parse


def selected_kinds(kinds: Sequence[str], known: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the known kinds that a webhook's `kinds` select; None for all."""
    if ALL_KINDS in kinds:
        return None
    return tuple(kind for kind in known if kind in kinds or f"{kind.partition('.')[0]}.*" in kinds)


def parsers(known_kinds: Sequence[str]) -> Mapping[str, Parser]:
    """Returns the parsers of the fields that a caller may set."""
    return {
        "url": lambda value: values.text(value, min_length=1, max_length=MAX_URL_LENGTH),
        "description": parsing.null_as(
            lambda value: values.text(value, max_length=MAX_WEBHOOK_DESCRIPTION), ""
        ),
        "kinds": kinds_parser(known_kinds),
        "project": parsing.optional(values.project_reference),
        "active": values.boolean,
    }
