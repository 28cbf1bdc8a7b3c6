"""The moves of a task are judged from one snapshot."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.task import Task
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from tests.factories import SYSTEM

MakeTask = Callable[..., Task]


@dataclass
class Interrupted:
    """A task repository that runs something else in another thread after the first `get`."""

    tasks: Any
    interrupt: Callable[[], object]

    def get(self, task_id: str) -> Task:
        task: Task = self.tasks.get(task_id)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(self.interrupt).result()
        return task

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tasks, name)


def test_a_write_between_the_task_and_its_facts_does_not_show(
    services: Services, store: Store, make_task: MakeTask
) -> None:
    blocker = make_task()
    task = make_task(blocked_by=[blocker.id])

    def bin_blocker() -> None:
        services.tasks.bin(blocker.id, by=SYSTEM)

    interrupted = replace(store, tasks=Interrupted(store.tasks, bin_blocker))  # type: ignore[arg-type]
    moves = build_services(interrupted).tasks.transitions(task.id, by=SYSTEM)

    code = "blocked_by_unfinished_tasks"
    refused = {
        move.to for move in moves if any(r.code == "blocked_by_unfinished_tasks" for r in move.reasons)
    }
    after = services.tasks.transitions(task.id, by=SYSTEM)
    assert "in_progress" in refused
    assert not any(reason.code == code for move in after for reason in move.reasons)
