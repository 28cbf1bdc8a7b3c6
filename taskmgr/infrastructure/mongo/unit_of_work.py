"""Runs a command as one transaction, and again after a conflict with another writer.

`run` takes a function, because the body of a `with` block cannot be run a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from functools import partial
from itertools import count
from threading import Thread
from typing import Any, Generic, TypeVar

import pymongo
from pymongo import MongoClient, ReadPreference
from pymongo.client_session import ClientSession
from pymongo.client_session_shared import TransactionOptions
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taskmgr import tally
from taskmgr.domain.model.errors import WriteConflict
from taskmgr.domain.ports.commands import NewId
from taskmgr.infrastructure.mongo.client import renewing_connections
from taskmgr.infrastructure.mongo.driver_errors import is_temporary, translated_errors
from taskmgr.infrastructure.mongo.transaction import Transaction, current_transaction, running
from taskmgr.infrastructure.mongo.writing import flush

T = TypeVar("T")

_OPTIONS = TransactionOptions(
    read_concern=ReadConcern("snapshot"),
    write_concern=WriteConcern("majority"),
    read_preference=ReadPreference.PRIMARY,
)
# For telling the server that a transaction is over. A server that answers nobody for longer than this
# abandons the transaction soon after that.
_END_SECONDS = 30.0


class _RolledBack(Exception, Generic[T]):
    """Aborts the transaction of a dry run and carries the command's result out of it."""

    def __init__(self, result: T) -> None:
        self.result = result


class MongoUnitOfWork:
    """Implements `UnitOfWork` on a replica set.

    `deadline` bounds a whole command, in seconds. `admit` raises `Unavailable` while this process
    must not write; it is called before each command and before each commit.
    """

    def __init__(
        self,
        client: MongoClient[Any],
        *,
        new_id: NewId,
        deadline: float,
        admit: Callable[[], None] = lambda: None,
    ) -> None:
        self._admit = admit
        self._client = client
        self._new_id = new_id
        self._deadline = deadline

    @property
    def change_set(self) -> str:
        return self._require_running().change_set

    @property
    def is_dry_run(self) -> bool:
        transaction = self._running()
        return transaction is not None and transaction.is_dry_run

    @property
    def is_gathering(self) -> bool:
        transaction = self._running()
        return transaction is not None and transaction.pending is not None

    @contextmanager
    def gathered(self) -> Iterator[None]:
        transaction = self._require_running()
        if transaction.pending is not None:
            yield
            return
        pending = transaction.pending = {}
        try:
            yield
            for collection, _ in pending.values():
                flush(collection)
        finally:
            transaction.pending = None

    def run(self, command: Callable[[], T], *, dry_run: bool = False, seconds: float | None = None) -> T:
        outer = self._running()
        if outer is not None:
            if dry_run and not outer.is_dry_run:
                raise RuntimeError("A dry run inside a command that is not one would be committed.")
            with outer.joined():
                return command()
        with translated_errors(), pymongo.timeout(seconds or self._deadline):
            self._admit()
            return self._run_in_session(command, dry_run=dry_run)

    def _running(self) -> Transaction | None:
        transaction = current_transaction()
        return transaction if transaction is not None and transaction.client is self._client else None

    def _require_running(self) -> Transaction:
        transaction = self._running()
        if transaction is None:
            raise RuntimeError("This is available only inside run().")
        return transaction

    def _run_in_session(self, command: Callable[[], T], *, dry_run: bool) -> T:
        change_set = self._new_id()
        attempts = count(1)

        def attempt(_: ClientSession) -> T:
            if next(attempts) > 1:
                tally.count(tally.TRANSACTION_RETRIES)
            transaction = Transaction(client=self._client, change_set=change_set, is_dry_run=dry_run)
            try:
                with running(transaction):
                    result = command()
            except WriteConflict as conflict:
                raise _transient(conflict) from conflict
            transaction.require_complete()
            if dry_run:
                raise _RolledBack(result)
            self._admit()
            return result

        with self._session() as session:
            try:
                return session.with_transaction(attempt)
            except _RolledBack as rolled_back:
                return rolled_back.result  # type: ignore[no-any-return]

    @contextmanager
    def _session(self) -> Iterator[ClientSession]:
        """Yields a session for one command, and ends it after the block."""
        session = self._client.start_session(default_transaction_options=_OPTIONS)
        end = session.end_session
        try:
            with renewing_connections(self._client), session.bind(end_session=False):
                yield session
        except PyMongoError as error:
            if is_temporary(error):
                end = partial(_end_on_server, session)
            raise
        finally:
            end()


def _end_on_server(session: ClientSession) -> None:
    """Ends a session whose transaction the server may still keep, in a thread, and ends the transaction.

    The driver does not abort a transaction after the deadline. Until the server did, after 60 seconds by
    default, nobody else could write what the transaction has written.
    """

    def end() -> None:
        with session, suppress(PyMongoError), pymongo.timeout(_END_SECONDS):
            session.client.admin.command("killSessions", [session.session_id])

    # In a context of its own, because the deadline of this one is over.
    Thread(target=Context().run, args=(end,), daemon=True).start()


def _transient(conflict: WriteConflict) -> PyMongoError:
    """Returns the conflict as a driver's error that makes the driver run the transaction again."""
    error = PyMongoError(str(conflict))
    error._add_error_label("TransientTransactionError")
    return error
