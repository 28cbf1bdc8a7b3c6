"""Makes retries safe: a caller names a request by a key, and the response to the first one is stored.

The response is stored in the transaction of the command that it reports, so either both exist or neither.
A second request with the same key that runs at the same time conflicts with the first one in the database,
and is run again once the first has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from taskmgr.domain.model.errors import Conflict, DomainError, Unavailable, WriteConflict
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.idempotency import IdempotencyRecord, StoredResponse
from taskmgr.domain.ports.store import Store

KEPT_FOR = timedelta(hours=24)


class IdempotencyMismatch(DomainError):
    """The key was used for a different request."""

    code = "idempotency_mismatch"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request; use a new key.")


class IdempotencyInProgress(Conflict):
    """The first request with this key is still running."""

    code = "idempotency_in_progress"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running; try again later.")


@dataclass(frozen=True, slots=True)
class IdempotencyService:
    """Runs commands once for each caller and key, and returns the stored response after that."""

    store: Store
    clock: Clock

    def run(
        self,
        key: str,
        fingerprint: bytes,
        command: Callable[[], StoredResponse],
        *,
        by: Actor,
        seconds: float | None = None,
    ) -> tuple[StoredResponse, bool]:
        """Returns the response of `command` or the stored one, and True if it is the stored one.

        `fingerprint` is a hash of the request. A command that raises stores nothing. `seconds` replaces
        the usual deadline. Raises `IdempotencyMismatch` if the stored response is to a request with
        another fingerprint, and `IdempotencyInProgress` if the first request is still running at the
        deadline.
        """
        expires_at = self.clock() + KEPT_FOR
        is_reserved_elsewhere = False

        def run_once() -> tuple[StoredResponse, bool]:
            nonlocal is_reserved_elsewhere
            record = self.store.idempotency.get(by.id, key, now=self.clock())
            if record is not None:
                if record.fingerprint != fingerprint:
                    raise IdempotencyMismatch
                return record.response, True
            try:
                self.store.idempotency.reserve(by.id, key, expires_at)
            except WriteConflict:
                is_reserved_elsewhere = True
                raise
            response = command()
            record = IdempotencyRecord(fingerprint=fingerprint, response=response)
            self.store.idempotency.save(by.id, key, record)
            return response, False

        try:
            return self.store.unit_of_work.run(run_once, seconds=seconds)
        except Unavailable as error:
            if is_reserved_elsewhere:
                raise IdempotencyInProgress from error
            raise
