"""Retries that do nothing twice: a caller names a request by a key, and its first answer is kept.

The answer is stored in the transaction of what it tells of. So there is never the one without the
other, and a twin that runs at the same time meets the first one in the database and waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from taskmgr.domain.model.errors import Conflict, DomainError, Unavailable, WriteConflict
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports import Clock, Remembered, Store

KEPT_FOR = timedelta(hours=24)


class IdempotencyMismatch(DomainError):
    """The key was used for another request."""

    code = "idempotency_mismatch"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request; take a new one.")


class IdempotencyInProgress(Conflict):
    """The first request with this key has not been answered yet."""

    code = "idempotency_in_progress"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still being worked on.")


@dataclass(frozen=True, slots=True)
class IdempotencyService:
    """Remembered answers, in a store, for each caller by key."""

    store: Store
    clock: Clock

    def run(
        self,
        key: str,
        fingerprint: bytes,
        command: Callable[[], Remembered],
        *,
        by: Actor,
        seconds: float | None = None,
    ) -> tuple[Remembered, bool]:
        """The answer of `command`, or the remembered one, and whether it is that.

        `fingerprint` tells one request from another. A command that raises leaves nothing behind.
        Raises `IdempotencyMismatch`, or `IdempotencyInProgress` at the deadline.
        """
        expires_at = self.clock() + KEPT_FOR
        met_a_twin = False

        def remembered() -> tuple[Remembered, bool]:
            nonlocal met_a_twin
            known = self.store.answers.get(by.id, key, now=self.clock())
            if known is not None:
                if known.fingerprint != fingerprint:
                    raise IdempotencyMismatch
                return known.answer, True
            try:
                self.store.answers.reserve(by.id, key, expires_at)
            except WriteConflict:
                met_a_twin = True
                raise
            answer = command()
            self.store.answers.keep(by.id, key, fingerprint, answer)
            return answer, False

        try:
            return self.store.unit_of_work.run(remembered, seconds=seconds)
        except Unavailable as error:
            if met_a_twin:
                raise IdempotencyInProgress from error
            raise
