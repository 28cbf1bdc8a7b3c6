"""Finds cycles among the tasks outside the bin, and subtasks that are nested too deeply.

The relations are stored in a temporary file, so that memory does not grow with their number.
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
    """The edges between tasks: a task waits for its blockers, and a parent for its subtasks."""

    def __enter__(self) -> Self:
        self._file = sqlite3.connect("")  # a temporary file, deleted when the connection is closed
        self._file.executescript(_TABLES)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, tasks: Iterable[Task]) -> None:
        """Stores the relations of the tasks."""
        for task in tasks:
            edges = [(task.id, blocker) for blocker in task.blocked_by]
            if task.parent_id is not None:
                edges.append((task.parent_id, task.id))
                self._file.execute("INSERT OR IGNORE INTO parent VALUES (?, ?)", (task.id, task.parent_id))
            self._file.executemany("INSERT INTO edge VALUES (?, ?)", edges)

    def findings(self) -> Iterator[tuple[str, str, str]]:
        """Yields a finding for each task that is nested too deeply and for each cycle."""
        for task_id in self._too_deep():
            yield (
                f"task {task_id}",
                "too_deep",
                f"It is more than {MAX_SUBTASK_LEVELS} levels of subtasks deep.",
            )
        for cycle in self._cycles():
            others = f", through: {', '.join(cycle[1:])}" if cycle[1:] else ""
            yield f"task {cycle[0]}", "cycle", f"It waits for itself{others}."

    def _too_deep(self) -> Iterator[str]:
        """Yields the tasks with more ancestors than levels of subtasks are allowed."""
        joins = "".join(
            f" JOIN parent p{level} ON p{level}.child = p{level - 1}.parent"
            for level in range(1, MAX_SUBTASK_LEVELS + 1)
        )
        for row in self._file.execute(f"SELECT p0.child FROM parent p0{joins}"):  # noqa: S608 - no input
            yield row[0]

    def _cycles(self) -> Iterator[tuple[str, ...]]:
        """Yields cycles that have no edge in common, and removes their edges, until no cycle is left.

        The table `free` holds the tasks that wait for nothing; no cycle contains them.
        """
        self._file.execute(
            "INSERT INTO free SELECT DISTINCT target FROM edge e"
            " WHERE NOT EXISTS (SELECT 1 FROM edge WHERE waits = e.target)"
        )
        while True:
            self._remove_free()
            start = self._file.execute("SELECT waits FROM edge LIMIT 1").fetchone()
            if start is None:
                return
            cycle = self._cycle_from(start[0])
            yield cycle
            for waits, target in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
                self._file.execute("DELETE FROM edge WHERE waits = ? AND target = ?", (waits, target))
            waits_no_more = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM edge WHERE waits = ?)"
            for task_id in cycle:
                if self._file.execute(waits_no_more, (task_id,)).fetchone():
                    self._file.execute("INSERT OR IGNORE INTO free VALUES (?)", (task_id,))

    def _remove_free(self) -> None:
        """Removes the edges to free tasks; repeats this for the tasks that become free by it."""
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

    def _cycle_from(self, task_id: str) -> tuple[str, ...]:
        """Returns the cycle that a task leads to; every task that still has an edge leads to one."""
        path = {task_id: None}
        while True:
            row = self._file.execute("SELECT min(target) FROM edge WHERE waits = ?", (task_id,)).fetchone()
            task_id = row[0]
            if task_id in path:
                visited = list(path)
                return tuple(visited[visited.index(task_id) :])
            path[task_id] = None
