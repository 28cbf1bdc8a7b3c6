"""Runs a command as one transaction: all of it is kept or nothing, and it is run again on a conflict.

A function rather than a `with` block, since the body of a block cannot be run a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import pymongo
from pymongo import MongoClient, ReadPreference
from pymongo.client_session import ClientSession
from pymongo.client_session_shared import TransactionOptions
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taskmgr.domain.model.errors import WriteConflict
from taskmgr.domain.ports.commands import NewId
from taskmgr.infrastructure.mongo.driver_errors import in_transaction, translated_errors
from taskmgr.infrastructure.mongo.gathering import gathered, is_gathering
from taskmgr.infrastructure.mongo.memory import remembering

T = TypeVar("T")

_OPTIONS = TransactionOptions(
    read_concern=ReadConcern("snapshot"),
    write_concern=WriteConcern("majority"),
    read_preference=ReadPreference.PRIMARY,
)


class _RolledBack(Exception, Generic[T]):
    """Leaves a transaction behind undone, carrying what the command answered."""

    def __init__(self, answer: T) -> None:
        self.answer = answer


class MongoUnitOfWork:
    """`UnitOfWork` on a replica set. `deadline` bounds a whole command, in seconds.

    `admit` raises where nothing may be written; it is asked before a command and before its commit.
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
        self._change_set: ContextVar[str | None] = ContextVar("change_set", default=None)
        self._dry_run: ContextVar[bool] = ContextVar("dry_run", default=False)

    @property
    def change_set(self) -> str:
        running = self._change_set.get()
        if running is None:
            raise RuntimeError("change_set is known only inside run()")
        return running

    @property
    def is_dry_run(self) -> bool:
        return self._dry_run.get()

    @property
    def is_gathering(self) -> bool:
        return is_gathering()

    def run(self, command: Callable[[], T], *, dry_run: bool = False, seconds: float | None = None) -> T:
        if self._change_set.get() is not None:
            if dry_run and not self._dry_run.get():
                raise RuntimeError("a dry run inside a command that is kept would be kept, too")
            return command()
        tokens = self._change_set.set(self._new_id()), self._dry_run.set(dry_run)
        try:
            with translated_errors(), pymongo.timeout(seconds or self._deadline):
                self._admit()
                return self._in_session(command, dry_run=dry_run)
        finally:
            self._change_set.reset(tokens[0])
            self._dry_run.reset(tokens[1])

    def gathered(self) -> AbstractContextManager[None]:
        return gathered()

    def _in_session(self, command: Callable[[], T], *, dry_run: bool) -> T:
        def attempt(_: ClientSession) -> T:
            token = in_transaction.set(True)
            try:
                with remembering():
                    answer = command()
            except WriteConflict as conflict:
                raise _transient(conflict) from conflict
            finally:
                in_transaction.reset(token)
            if dry_run:
                raise _RolledBack(answer)
            self._admit()
            return answer

        with (
            self._client.start_session(default_transaction_options=_OPTIONS) as session,
            session.bind(end_session=False),
        ):
            try:
                return session.with_transaction(attempt)
            except _RolledBack as rolled_back:
                return rolled_back.answer  # type: ignore[no-any-return]


def _transient(conflict: WriteConflict) -> PyMongoError:
    """The same conflict in the driver's words, so that it runs the transaction again."""
    error = PyMongoError(str(conflict))
    error._add_error_label("TransientTransactionError")
    return error
