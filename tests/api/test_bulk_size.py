"""Tests how long the response to a bulk can become, whatever happens to its operations."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from taskmgr.api.bulk_rows import MAX_BYTES
from taskmgr.domain.model import values
from taskmgr.domain.model.errors import Stale
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk import MAX_OPERATIONS, BulkService
from taskmgr.domain.services.bulk_results import MAX_REASONS, BulkRefused, BulkResult, Result
from tests.api.client import Answer, Client

pytestmark = pytest.mark.slow

BULK = "tasks/bulk"
WIDE = "\U0001f4ce"  # four bytes in UTF-8
Operations = list[dict[str, Any]]


@dataclass(frozen=True)
class EachOperationOnce:
    """Runs equal operations once and repeats their results.

    A thousand refusals with fifty blockers each would take a slow machine longer than a bulk may take.
    """

    bulk: BulkService

    def run(self, operations: Sequence[dict[str, Any]], **options: Any) -> BulkResult:
        keys = [json.dumps(operation) for operation in operations]
        distinct = dict(zip(keys, operations, strict=True))

        def repeated(results: Sequence[Result]) -> list[Result]:
            by_key = dict(zip(distinct, results, strict=True))
            return [by_key[key] for key in keys]

        try:
            done = self.bulk.run(list(distinct.values()), **options)
        except BulkRefused as refused:
            raise BulkRefused(repeated(refused.results)) from None
        return replace(done, results=repeated(done.results))


@pytest.fixture
def admin_client(services: Services, client_of: Callable[..., Client]) -> Client:
    quick: Any = EachOperationOnce(services.bulk)
    return client_of(over=replace(services, bulk=quick)).as_("admin")


@pytest.fixture
def longest_task(make_task: Callable[..., Task]) -> Callable[[], Task]:
    labels = [f"{n:02}{WIDE * (values.MAX_LABEL_LENGTH - 2)}" for n in range(values.MAX_LABELS)]
    return lambda: make_task(
        title=WIDE * values.MAX_TITLE_LENGTH, description=WIDE * values.MAX_DESCRIPTION_LENGTH, labels=labels
    )


def one_task_stale(longest_task: Callable[[], Task], _: Callable[..., Task]) -> Operations:
    return [{"op": "bin", "id": longest_task().id, "version": 9}] * MAX_OPERATIONS


def many_tasks_stale(longest_task: Callable[[], Task], _: Callable[..., Task]) -> Operations:
    ids = [longest_task().id for _ in range(60)]
    return [{"op": "bin", "id": ids[n % 60], "version": 9} for n in range(MAX_OPERATIONS)]


def refusals_that_name_many(_: Callable[[], Task], make_task: Callable[..., Task]) -> Operations:
    blockers = [make_task().id for _ in range(values.MAX_BLOCKERS)]
    task = make_task(blocked_by=blockers)
    return [{"op": "status", "id": task.id, "status": "completed"}] * MAX_OPERATIONS


def different_refusals(_: Callable[[], Task], make_task: Callable[..., Task]) -> Operations:
    blockers = [make_task().id for _ in range(values.MAX_BLOCKERS)]
    ids = [make_task(blocked_by=blockers[n:]).id for n in range(30)]
    return [{"op": "status", "id": ids[n % 30], "status": "in_progress"} for n in range(MAX_OPERATIONS)]


def unknown_fields(_: Callable[[], Task], __: Callable[..., Task]) -> Operations:
    names = [f"{n:02}{'x' * 180}" for n in range(20)]
    return [{"op": "create", **dict.fromkeys(names, 1)}] * MAX_OPERATIONS


def long_names_of_fields(_: Callable[[], Task], __: Callable[..., Task]) -> Operations:
    return [{"op": "create", "title": "x", f"{n}{WIDE * 990}": 1} for n in range(MAX_OPERATIONS)]


def one_endless_name_of_a_field(_: Callable[[], Task], __: Callable[..., Task]) -> Operations:
    return [{"op": "create", "title": "x", WIDE * 1_000_000: 1}]


def ids_that_repr_makes_longer(_: Callable[[], Task], __: Callable[..., Task]) -> Operations:
    return [{"op": "bin", "id": "\ue000" * 1_300}] * MAX_OPERATIONS


SCENES = [
    one_task_stale, many_tasks_stale, refusals_that_name_many, different_refusals, unknown_fields,
    long_names_of_fields, one_endless_name_of_a_field, ids_that_repr_makes_longer,
]  # fmt: skip


@pytest.mark.parametrize("mode", ["each", "atomic"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_no_answer_to_a_bulk_is_longer_than_the_limit(
    scene: Callable[..., Operations], mode: str, admin_client: Client,
    longest_task: Callable[[], Task], make_task: Callable[..., Task],
) -> None:  # fmt: skip
    operations = scene(longest_task, make_task)
    body = json.dumps({"mode": mode, "operations": operations}, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "bounded"}

    answer = admin_client.post(BULK, raw=body, headers=headers)

    assert answer.status_code == 200 if mode == "each" else answer.status_code in (409, 422), answer.status
    assert len(answer.data) <= MAX_BYTES
    rows = answer.json["results"]
    assert len(rows) == len(operations)
    assert all(row["status"] == row["problem"]["status"] >= 400 for row in rows)
    if mode == "each":
        again = admin_client.post(BULK, raw=body, headers=headers)
        assert (again.headers["Idempotent-Replayed"], again.data) == ("true", answer.data)


def stale_rows(answer: Answer) -> list[dict[str, Any]]:
    assert {row["status"] for row in answer.json["results"]} == {412}
    return [row["problem"] for row in answer.json["results"]]


def test_the_present_state_of_a_task_is_told_once(
    admin_client: Client, make_task: Callable[..., Task]
) -> None:
    first, second = make_task(), make_task()
    operations = [{"op": "bin", "id": task.id, "version": 9} for task in (first, second, first, second)]

    problems = stale_rows(admin_client.post(BULK, {"mode": "each", "operations": operations}))

    assert [problem.get("current", {}).get("id") for problem in problems] == [first.id, second.id, None, None]
    assert {problem["detail"] for problem in problems} == {
        "Version 9 was expected, but the current version is 1."
    }


def test_problems_beyond_the_limit_are_told_by_their_codes_alone(
    admin_client: Client, longest_task: Callable[[], Task]
) -> None:
    operations = many_tasks_stale(longest_task, longest_task)[:60]

    problems = stale_rows(admin_client.post(BULK, {"mode": "each", "operations": operations}))

    shown = Counter("current" in problem for problem in problems)
    assert shown[True] == next(n for n, problem in enumerate(problems) if "current" not in problem) > 30
    assert shown[False] > 5
    assert {problem["detail"] for problem in problems[shown[True] :]} == {
        "Not shown, because the response is too long. Send fewer operations."
    }


def test_the_reasons_of_an_atomic_bulk_are_told_once_each_and_a_hundred_at_the_most(
    admin_client: Client, make_task: Callable[..., Task]
) -> None:
    blockers = [make_task().id for _ in range(values.MAX_BLOCKERS)]
    ids = [make_task(blocked_by=[blockers[n % 50], blockers[(n + n // 50 + 1) % 50]]).id for n in range(130)]
    operations = [{"op": "status", "id": task_id, "status": "in_progress"} for task_id in ids]

    few = admin_client.post(BULK, {"operations": operations[:3] * 2}).json["reasons"]
    many = admin_client.post(BULK, {"operations": operations}).json["reasons"]

    assert len({reason["detail"] for reason in few}) == len(few)
    assert len({reason["detail"] for reason in many}) == len(many) == MAX_REASONS


def test_the_errors_of_a_bulk_hold_the_state_of_a_task_once(
    services: Services, longest_task: Callable[[], Task], admin: Actor
) -> None:
    operations = one_task_stale(longest_task, longest_task)[:100]

    tracemalloc.start()
    try:
        done = services.bulk.run(operations, by=admin, atomic=False)
        used_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len({id(result.error.current) for result in done.results if isinstance(result.error, Stale)}) == 1
    assert used_bytes < 10 * 4 * values.MAX_DESCRIPTION_LENGTH
