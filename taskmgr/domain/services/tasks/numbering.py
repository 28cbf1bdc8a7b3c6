"""Gives new and moved tasks their keys.

The numbers of a project are counted outside of transactions, so a command takes a key before it begins, and
returns it if no task gets it. A key can be lost, for example if the connection breaks at the wrong moment,
but it is never given twice (docs/decisions/0029).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from taskmgr.domain.model.errors import DomainError, KeyTaken, Unavailable
from taskmgr.domain.model.project import NextKey
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.values import stored_reference
from taskmgr.domain.ports.projects import ProjectRepository

Reference = str | None  # a project's id or key; None means the default project


class KeySource(Protocol):
    """Where a command takes keys from."""

    def take(self, project: Reference) -> NextKey | None:
        """Returns the next key of a project, or None if the project does not exist."""

    def give_back(self, project: Reference, key: NextKey) -> None:
        """Accepts the key that was taken last, and that no task has got."""


@dataclass(frozen=True, slots=True)
class NewKeys:
    """Takes each key from the store when a command needs it."""

    projects: ProjectRepository

    def take(self, project: Reference) -> NextKey | None:
        return next(iter(self.projects.take_keys(project)), None)

    def give_back(self, project: Reference, key: NextKey) -> None:  # noqa: ARG002
        self.projects.return_keys([key])


@dataclass(frozen=True, slots=True)
class PreviewKeys:
    """Shows the next key without taking it, for commands that store nothing."""

    projects: ProjectRepository

    def take(self, project: Reference) -> NextKey | None:
        return self.projects.next_key(project)

    def give_back(self, project: Reference, key: NextKey) -> None:
        pass


class ReservedKeys:
    """The keys of a bulk, taken from the store with one call per project."""

    def __init__(self, projects: ProjectRepository, references: Iterable[Reference]) -> None:
        self._projects = projects
        self._counts = Counter(map(_stored, references))
        self.renew()

    def renew(self) -> None:
        """Takes as many keys again from the store; the earlier ones are lost."""
        self._reserved = {r: self._projects.take_keys(r, count) for r, count in self._counts.items()}
        self.restart()

    def restart(self) -> None:
        """Makes all keys available again for another attempt at the bulk."""
        self._next = dict.fromkeys(self._reserved, 0)

    def take(self, project: Reference) -> NextKey | None:
        reference = _stored(project)
        position = self._next.get(reference, 0)
        keys = self._reserved.get(reference, ())
        if position >= len(keys):
            return None
        self._next[reference] = position + 1
        return keys[position]

    def give_back(self, project: Reference, key: NextKey) -> None:  # noqa: ARG002
        self._next[_stored(project)] -= 1

    def return_all(self) -> None:
        """Returns all keys to the store: the bulk is rolled back."""
        self.restart()
        self.return_unused()

    def return_unused(self) -> None:
        """Returns the keys that no task has got to the store."""
        for reference, keys in reversed(self._reserved.items()):
            self._projects.return_keys(keys[self._next[reference] :])


def _stored(project: Reference) -> Reference:
    """Returns the one form for a project's key in any case."""
    return None if project is None else stored_reference(project)


@contextmanager
def giving_back(give_back: Callable[[], None]) -> Iterator[None]:
    """Calls `give_back` if the commands in the block fail, so that no task has got their keys.

    After `Unavailable` the keys are lost, because tasks may have been stored with them.
    """
    try:
        yield
    except Unavailable:
        raise
    except DomainError:
        give_back()
        raise


Run = Callable[[Callable[[], Task]], Task]  # runs a command as a transaction


def run_with_key(
    keys: KeySource, project: Reference, command: Callable[[NextKey | None], Task], run: Run
) -> Task:
    """Runs a command with the next key of a project, and gives the key back if the task does not get it.

    If another task has that key, the command runs again with a new one.
    """
    key = keys.take(project)

    def attempt() -> Task:
        nonlocal key
        try:
            return command(key)
        except KeyTaken:
            key = keys.take(project)
            raise

    def give_back() -> None:
        if key is not None:
            keys.give_back(project, key)

    with giving_back(give_back):
        task = run(attempt)
    if key is not None and task.key != key.text:
        give_back()
    return task
