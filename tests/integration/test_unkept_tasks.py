"""A refusal never shows a key that leads nowhere, because its task is not created or not moved after all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.errors import DomainError, Refusal, Refused
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk_results import BulkRefused, Result
from tests.answers import refusals
from tests.factories import SYSTEM

Attempt = Callable[[list[dict[str, Any]]], list[Result]]
CAKE = {"op": "create", "ref": "cake", "title": "Order the cake"}


@pytest.fixture(autouse=True)
def web(services: Services) -> None:
    services.projects.create(key="WEB", name="The website", by=SYSTEM)


@pytest.fixture(params=["dry run", "rolled back"])
def attempt(services: Services, request: pytest.FixtureRequest) -> Attempt:
    """Runs operations of which at least one fails, and keeps none of them; returns their results."""

    def run(operations: Any) -> list[Result]:
        if request.param == "dry run":
            return list(services.bulk.run(operations, atomic=False, dry_run=True, by=SYSTEM).results)
        with pytest.raises(BulkRefused) as caught:
            services.bulk.run(operations, by=SYSTEM)
        return list(caught.value.results)

    return run


def only_reason(error: DomainError | None) -> Refusal:
    assert isinstance(error, Refused)
    (reason,) = error.reasons
    return reason


def waiting_for(blocker: str, ada: User) -> list[dict[str, Any]]:
    """Returns operations that create a task that waits, and try to start it."""
    eat = {"op": "create", "ref": "eat", "title": "Eat", "blocked_by": [blocker], "assignee_id": ada.id}
    return [eat, {"op": "status", "id": "ref:eat", "status": "in_progress"}]


def test_a_new_task_is_named_by_its_reference_in_place_of_its_key(attempt: Attempt, ada: User) -> None:
    *_, blocked = attempt([CAKE, *waiting_for("ref:cake", ada)])

    reason = only_reason(blocked.error)
    assert reason.detail == "The task is blocked by an unfinished task: ref:cake (Order the cake)."
    assert reason.fix is not None
    assert reason.fix.arguments["task_ids"] == ("ref:cake",)
    assert reason.fix.arguments["task_keys"] in [("ref:cake",), (None,)]


def test_a_new_task_without_a_reference_is_named_by_its_operation(attempt: Attempt, ada: User) -> None:
    started = {"op": "create", "title": "T", "assignee_id": ada.id, "status": "in_progress"}
    *_, refused = attempt([started] * 6)

    named = only_reason(refused.error).detail.partition(": ")[2].removesuffix(". The limit is 5.")
    assert sorted(named.split(", ")) == [f"operations.{number} (T)" for number in range(5)]


def test_a_moved_task_is_named_as_its_operation_names_it(
    attempt: Attempt, make_task: Callable[..., Task], ada: User
) -> None:
    cake = make_task(title="Order the cake")
    move = {"op": "change", "id": cake.key, "project": "WEB"}
    *_, blocked = attempt([move, *waiting_for(str(cake.key), ada)])

    detail = only_reason(blocked.error).detail.replace(cake.id, str(cake.key))
    assert detail == f"The task is blocked by an unfinished task: {cake.key} (Order the cake)."


def test_a_mistake_names_a_new_task_by_its_reference(attempt: Attempt, ada: User) -> None:
    *_, invalid, _ = attempt([CAKE, {"op": "bin", "id": "ref:cake"}, *waiting_for("ref:cake", ada)])

    assert str(invalid.error) == "blocked_by.0: There is no task ref:cake."


def test_a_task_that_is_kept_is_named_by_its_key(services: Services, ada: User) -> None:
    operations: Any = [CAKE, *waiting_for("ref:cake", ada)]
    cake, _, blocked = services.bulk.run(operations, atomic=False, by=SYSTEM).results

    assert cake.task is not None
    assert only_reason(blocked.error).detail.endswith(f": {cake.task.key} (Order the cake).")


def test_a_task_that_a_ring_prevents_is_called_the_new_task(
    services: Services, make_task: Callable[..., Task]
) -> None:
    parent = make_task(title="Party")
    relations = {"parent_id": parent.id, "blocked_by": [parent.id]}

    (refusal,) = refusals(lambda: services.tasks.create(title="Cake", by=SYSTEM, **relations))

    new, old = "the new task (Cake)", f"{parent.key} (Party)"
    assert refusal.detail in [
        f"A task cannot wait for itself: {new} waits for {old} waits for {new}.",
        f"A task cannot wait for itself: {old} waits for {new} waits for {old}.",
    ]
