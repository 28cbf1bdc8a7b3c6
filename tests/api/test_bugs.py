"""Tests that an unexpected exception, wherever it occurs, is answered with `internal` and reveals nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog.testing

from taskmgr.domain.services import Services
from tests.api.client import Client, problem

INSIDE = "mongodb://root:hunter2@db.example.org/ find tasks {'_id': 1} at /srv/taskmgr/app.py"


class _Broken:
    """In place of a part: whatever is asked of it, it raises."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_: object, **__: object) -> None:
            raise KeyError(INSIDE)

        return fail


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.mark.parametrize("part", ["tasks", "users", "tokens", "activity", "comments", "bulk", "health"])
def test_a_broken_part_is_an_internal_problem_that_tells_nothing(
    part: str, client_of: Callable[..., Client], services: Services, log: list[Any]
) -> None:
    caller = client_of(over=replace(services, **{part: _Broken()})).as_("admin")
    paths = {"users": "users", "activity": "activity", "comments": "tasks/x/comments", "tokens": "tokens"}

    if part == "bulk":
        answer = caller.post("tasks/bulk", {"operations": [{"op": "create", "title": "x"}]})
    else:
        answer = caller.get(paths.get(part, "tasks"))

    body = problem(answer, "internal")
    assert body["detail"] == "An unexpected error occurred in the service."
    assert not [word for word in ("hunter2", "KeyError", "Traceback", "srv", "find") if word in answer.text]
    assert [line["path"] for line in log if line["event"] == "internal error"] == [answer.request.path]
