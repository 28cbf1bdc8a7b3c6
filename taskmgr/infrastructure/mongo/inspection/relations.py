"""Which tasks wait for which outside the bin: rings among them, and how deep subtasks lie.

The relations are kept in a temporary file, so that memory does not grow with them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Self

from taskmgr.domain.model.task import Task
from taskmgr.domain.rules.relation_rules import MAX_SUBTASK_LEVELS

_TABLES = """
CREATE TABLE parent (child TEXT PRIMARY KEY, parent TEXT);
CREATE TABLE edge (waits TEXT, target TEXT);
CREATE INDEX by_waits ON edge (waits, target);
CREATE INDEX by_target ON edge (target);
CREATE TABLE free (task TEXT PRIMARY KEY);
CREATE TABLE next_free (task TEXT PRIMARY KEY);
"""


class Relations:
    """The edges between tasks; a task waits for its blockers, and a parent for its subtasks."""

    def __enter__(self) -> Self:
        self._file = sqlite3.connect("")  # a file without a name, which goes with the connection
        self._file.executescript(_TABLES)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def note(self, tasks: Iterable[Task]) -> None:
        """Takes the relations of tasks in."""
        for task in tasks:
            edges = [(task.id, blocker) for blocker in task.blocked_by]
            if task.parent_id is not None:
                edges.append((task.parent_id, task.id))
                self._file.execute("INSERT OR IGNORE INTO parent VALUES (?, ?)", (task.id, task.parent_id))
            self._file.executemany("INSERT INTO edge VALUES (?, ?)", edges)

    def broken(self) -> Iterator[tuple[str, str, str]]:
        """Yields what no command could have made of the relations."""
        for task_id in self._too_deep():
            yield (
                f"task {task_id}",
                "too_deep",
                f"It lies below more than {MAX_SUBTASK_LEVELS} levels of subtasks.",
            )
        for ring in self._rings():
            way = ", ".join(ring[1:]) or "nothing"
            yield f"task {ring[0]}", "cycle", f"It waits for itself, by way of: {way}."

    def _too_deep(self) -> Iterator[str]:
        """Yields the tasks with more ancestors than there may be levels."""
        joins = "".join(
            f" JOIN parent p{level} ON p{level}.child = p{level - 1}.parent"
            for level in range(1, MAX_SUBTASK_LEVELS + 1)
        )
        for row in self._file.execute(f"SELECT p0.child FROM parent p0{joins}"):  # noqa: S608 - no input
            yield row[0]

    def _rings(self) -> Iterator[tuple[str, ...]]:
        """Yields rings that share no edge, until without them nothing waits for itself."""
        self._file.execute(
            "INSERT INTO free SELECT DISTINCT target FROM edge e"
            " WHERE NOT EXISTS (SELECT 1 FROM edge WHERE waits = e.target)"
        )
        while True:
            self._release()
            start = self._file.execute("SELECT waits FROM edge LIMIT 1").fetchone()
            if start is None:
                return
            ring = self._ring_from(start[0])
            yield ring
            for waits, target in zip(ring, (*ring[1:], ring[0]), strict=True):
                self._file.execute("DELETE FROM edge WHERE waits = ? AND target = ?", (waits, target))
            waits_no_more = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM edge WHERE waits = ?)"
            for task_id in ring:
                if self._file.execute(waits_no_more, (task_id,)).fetchone():
                    self._file.execute("INSERT OR IGNORE INTO free VALUES (?)", (task_id,))

    def _release(self) -> None:
        """Takes away whatever waits only for tasks that wait for nothing, again and again."""
        step = (
            "INSERT OR IGNORE INTO next_free"
            " SELECT DISTINCT waits FROM edge WHERE target IN (SELECT task FROM free)",
            "DELETE FROM edge WHERE target IN (SELECT task FROM free)",
            "DELETE FROM free",
            "INSERT INTO free SELECT task FROM next_free"
            " WHERE NOT EXISTS (SELECT 1 FROM edge WHERE waits = next_free.task)",
            "DELETE FROM next_free",
        )
        while self._file.execute("SELECT 1 FROM free LIMIT 1").fetchone():
            for statement in step:
                self._file.execute(statement)

    def _ring_from(self, task_id: str) -> tuple[str, ...]:
        """Follows one edge after the other, each of which leads on, to the first task met again."""
        way = {task_id: None}
        while True:
            row = self._file.execute("SELECT min(target) FROM edge WHERE waits = ?", (task_id,)).fetchone()
            task_id = row[0]
            if task_id in way:
                ring = list(way)
                return tuple(ring[ring.index(task_id) :])
            way[task_id] = None
