"""Any sequence of commands leaves the tasks in the order that a plain list would have."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.task_query import Sort, TaskQuery
from taskmgr.domain.services.tasks.commands import TaskService
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.conftest import empty
from tests.factories import SYSTEM, Clock

PROJECTS = ("OPS", "WEB")
MAX_LENGTH, REACH = 3, 3  # so small that the ranks are spread all the time
SIDES = st.sampled_from(("before", "after"))
INDEXES = st.integers(0, 10**6)
EXAMPLES = int(os.environ.get("ORDERS", "15"))


class Orders(RuleBasedStateMachine):
    """Tasks in two projects, compared with a list of ids for each. A task in the bin keeps its place."""

    def __init__(self, tasks: TaskService, database: Database[Any]) -> None:
        super().__init__()
        self.tasks = tasks
        self.database = database
        self.lists: dict[str, list[str]] = {project: [] for project in PROJECTS}
        self.binned: set[str] = set()
        for project in PROJECTS:
            self.create(project, 4)

    @rule(project=st.sampled_from(PROJECTS), count=st.integers(1, 4))
    def create_more(self, project: str, count: int) -> None:
        self.create(project, count)

    def create(self, project: str, count: int) -> None:
        for _ in range(count):
            task = self.tasks.create(title="x", project=project, by=SYSTEM)
            self.lists[project].append(task.id)

    @rule(
        project=st.sampled_from(PROJECTS),
        task=INDEXES,
        anchor=INDEXES,
        side=SIDES,
    )
    def rank_next_to(self, project: str, task: int, anchor: int, side: str) -> None:
        visible = self.visible(project)
        if visible:
            self.move_next_to(project, visible[task % len(visible)], visible[anchor % len(visible)], side)

    @rule(
        project=st.sampled_from(PROJECTS),
        anchor=INDEXES,
        count=st.integers(1, 12),
        side=SIDES,
    )
    def crowd_around(self, project: str, anchor: int, count: int, side: str) -> None:
        """Moves tasks to the same place again and again, so that the room there runs out."""
        visible = self.visible(project)
        for number in range(count if visible else 0):
            self.move_next_to(project, visible[number % len(visible)], visible[anchor % len(visible)], side)

    @rule(project=st.sampled_from(PROJECTS), task=INDEXES, side=st.sampled_from(("first", "last")))
    def rank_at_an_end(self, project: str, task: int, side: str) -> None:
        visible = self.visible(project)
        if not visible:
            return
        moved = visible[task % len(visible)]
        self.tasks.change(moved, {"rank": {side: True}}, by=SYSTEM)  # type: ignore[misc]
        if moved != visible[0 if side == "first" else -1]:
            order = self.lists[project]
            order.remove(moved)
            order.insert(0 if side == "first" else len(order), moved)

    @rule(project=st.sampled_from(PROJECTS), task=INDEXES)
    def bin(self, project: str, task: int) -> None:
        visible = self.visible(project)
        if visible:
            binned = visible[task % len(visible)]
            self.tasks.bin(binned, by=SYSTEM)
            self.binned.add(binned)

    @rule(task=INDEXES)
    def restore(self, task: int) -> None:
        if self.binned:
            restored = sorted(self.binned)[task % len(self.binned)]
            self.tasks.restore(restored, by=SYSTEM)
            self.binned.remove(restored)

    @rule(source=st.sampled_from(PROJECTS), task=INDEXES)
    def change_project(self, source: str, task: int) -> None:
        visible, target = self.visible(source), self.other(source)
        if visible:
            moved = visible[task % len(visible)]
            self.tasks.change(moved, {"project": target}, by=SYSTEM)
            self.lists[source].remove(moved)
            self.lists[target].append(moved)

    @rule(
        source=st.sampled_from(PROJECTS),
        task=INDEXES,
        anchor=INDEXES,
        side=SIDES,
    )
    def change_project_and_rank(self, source: str, task: int, anchor: int, side: str) -> None:
        visible, target = self.visible(source), self.other(source)
        there = self.visible(target)
        if visible and there:
            moved, next_to = visible[task % len(visible)], there[anchor % len(there)]
            self.tasks.change(moved, {"project": target, "rank": {side: next_to}}, by=SYSTEM)  # type: ignore[misc]
            self.lists[source].remove(moved)
            order = self.lists[target]
            order.insert(order.index(next_to) + (side == "after"), moved)

    def move_next_to(self, project: str, task: str, anchor: str, side: str) -> None:
        if task == anchor:
            return
        visible, order = self.visible(project), self.lists[project]
        self.tasks.change(task, {"rank": {side: anchor}}, by=SYSTEM)  # type: ignore[misc]
        distance = visible.index(task) - visible.index(anchor)
        if distance != (1 if side == "after" else -1):
            order.remove(task)
            order.insert(order.index(anchor) + (side == "after"), task)

    def visible(self, project: str) -> list[str]:
        return [task for task in self.lists[project] if task not in self.binned]

    @staticmethod
    def other(project: str) -> str:
        return PROJECTS[1 - PROJECTS.index(project)]

    @invariant()
    def the_order_is_that_of_the_list(self) -> None:
        for project in PROJECTS:
            for descending in (False, True):
                query = TaskQuery(projects=(project,), sort=(Sort("rank", descending),))
                items = self.tasks.list(query, PageRequest(limit=200), by=SYSTEM).items
                visible = self.visible(project)
                assert [task.id for task in items] == (visible[::-1] if descending else visible)

    @invariant()
    def no_two_tasks_of_a_project_have_the_same_rank(self) -> None:
        ranks = [(row["project"], row["rank"]) for row in self.database["tasks"].find()]
        assert len({*ranks}) == len(ranks)

    def teardown(self) -> None:
        found: list[str] = []
        inspect_database(
            self.database, DEFAULT_POLICY, lambda what, _, detail: found.append(f"{what}: {detail}")
        )
        assert [complaint for complaint in found if not complaint.startswith("project ")] == []


@pytest.mark.slow
def test_the_order_by_hand_is_that_of_a_list(worker_database: Database[Any]) -> None:
    spread = 0

    def machine() -> Orders:
        nonlocal spread
        spread += worker_database["activity"].count_documents({"by": "system:ranking"})
        empty(worker_database)
        services = build_services(mongo_store(worker_database), clock=Clock())
        for key in PROJECTS:
            services.projects.create(key=key, name=key, by=SYSTEM)
        ranking = replace(services.tasks.ranking, max_length=MAX_LENGTH, reach=REACH)
        return Orders(replace(services.tasks, ranking=ranking), worker_database)

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

    assert spread > EXAMPLES
