"""Tests that every failure is a problem with a documented code and exactly its members."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taskmgr.api.problems.codes import CODES
from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.model.user import Actor
from taskmgr.domain.services import Services
from taskmgr.domain.services.idempotency import IdempotencyInProgress
from tests.api.client import Client, problem
from tests.api.operations import World

# The codes of these are produced beside the rest of their subject.
ELSEWHERE = {
    "too_many_requests": "test_rate_limit.py",
    "idempotency_mismatch": "test_idempotency.py",
    "unexpected_count": "test_bulk.py",
    "dependency_failed": "test_bulk_references.py",
    "wrong_credentials": "test_throttle.py",
    "too_many_attempts": "test_throttle.py",
    "recent_sign_in_required": "test_sign_in.py",
    "link_unusable": "test_sign_in.py",
    "cross_site": "test_cross_site.py",
    "request_timeout": "test_slow_bodies.py",
    "view_name_taken": "test_views.py",
    "too_many_views": "test_views.py",
    "database_not_empty": "test_demo.py",
    "transaction_too_large": "../faults/test_transaction_too_large.py",
}


class _Raises:
    """In place of a service: whatever is asked of it, it raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


@pytest.fixture
def broken(client_of: Callable[..., Client], services: Services) -> Callable[[Exception], Client]:
    """A client of an application whose tasks raise this error."""
    return lambda error: client_of(over=replace(services, tasks=_Raises(error)))


_JSON = {"Content-Type": "application/json"}
# For each code: who asks (with which scopes), and what.
CASES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "malformed": ("member", "POST", "tasks", {"raw": b"{", "headers": _JSON}),
    "unauthenticated": ("", "GET", "tasks", {}),
    "not_permitted": ("viewer", "POST", "tasks", {"body": {"title": "Plan"}}),
    "scope_missing": ("member users:read", "GET", "tasks", {}),
    "not_found": ("member", "GET", "tasks/0123456789abcdef01234567", {}),
    "method_not_allowed": ("member", "PATCH", "tasks", {"body": {}}),
    "refused": ("admin", "PUT", "tasks/{task}/status", {"body": {"status": "completed"}}),
    "username_taken": ("admin", "POST", "users", {"body": {"username": "ADA", "name": "Another"}}),
    "email_taken": ("admin", "PATCH", "users/{user}", {"body": {"email": "MEMBER@example.org"}}),
    "project_key_taken": ("manager", "POST", "projects", {"body": {"key": "ops", "name": "Another"}}),
    "already_assigned": ("member", "PUT", "tasks/{task}/assignee", {"body": {"assignee_id": "me"}}),
    "resync_required": ("member", "GET", "changes?since=7-abcdef", {}),
    "stale": ("admin", "PATCH", "tasks/{task}", {"body": {"title": "New", "version": 7}}),
    "too_large": ("member", "POST", "tasks", {"body": {"description": "x" * 1024 * 1024}}),
    "unsupported_media_type": ("member", "POST", "tasks", {"raw": b"title=Plan"}),
    "invalid": ("member", "POST", "tasks", {"body": {"title": ""}}),
}


def test_every_code_is_produced_by_some_test() -> None:
    assert set(CODES) == {*CASES, *ELSEWHERE, "internal", "unavailable", "idempotency_in_progress"}


@pytest.mark.parametrize(("code", "file"), ELSEWHERE.items())
def test_a_code_that_is_left_to_another_file_is_produced_there(code: str, file: str) -> None:
    assert f'"{code}"' in (Path(__file__).parent / file).read_text()


@pytest.mark.parametrize("code", CASES)
def test_a_failure_is_a_complete_problem_of_its_code(
    code: str, client: Client, member: Actor, world: World
) -> None:
    who, method, path, options = CASES[code]
    caller = client.as_(*who.split()) if who else client

    problem(caller.open(method, world.fill(path), **options), code)


def test_an_unexpected_error_is_an_internal_problem_without_details(
    broken: Callable[[Exception], Client],
) -> None:
    answer = broken(RuntimeError("mongodb://root:secret@/srv/taskmgr")).as_("member").get("tasks")

    problem(answer, "internal")
    assert "secret" not in answer.text
    assert "srv" not in answer.text
    assert "RuntimeError" not in answer.text


def test_a_store_that_does_not_answer_is_an_unavailable_problem_with_a_time_to_wait(
    broken: Callable[[Exception], Client],
) -> None:
    answer = broken(Unavailable()).as_("member").get("tasks")

    problem(answer, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_without_its_store_the_service_is_alive_but_not_ready(
    client_of: Callable[..., Client], services: Services
) -> None:
    client = client_of(over=replace(services, health=_NoHealth(services)))

    problem(client.get("/readyz"), "unavailable")
    assert client.get("/healthz").status_code == 200


def test_a_retry_during_the_first_request_is_answered_with_retry_after(
    client_of: Callable[..., Client], services: Services
) -> None:
    client = client_of(over=replace(services, idempotency=_Raises(IdempotencyInProgress())))

    answer = client.as_("member").post("tasks", {"title": "x"}, headers={"Idempotency-Key": "once"})

    problem(answer, "idempotency_in_progress")
    assert int(answer.headers["Retry-After"]) > 0


class _NoHealth:
    """A store's health while the store is away."""

    def __init__(self, services: Services) -> None:
        self.deadline = services.health.deadline

    def check(self) -> None:
        raise Unavailable


def test_a_method_that_is_not_allowed_comes_with_those_that_are(client: Client) -> None:
    answer = client.as_("member").delete("tasks")

    problem(answer, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "BREW"])
def test_an_unknown_method_is_not_allowed(method: str, client: Client) -> None:
    problem(client.as_("member").open(method, "tasks"), "method_not_allowed")


def test_a_method_is_not_overridden(client: Client, world: World) -> None:
    headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}

    answer = client.as_("admin").open("GET", f"tasks/{world['task']}", headers=headers)

    assert answer.json["deleted_at"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere", "/api/v1", "/api/v1/", "/api/v2/tasks", "/API/V1/tasks", "/api/v1/tasks/", "/docs/",
        "//api/v1/tasks", "/api/v1//tasks", "/api/v1/tasks//", "/api/v1/users/me/", "/healthz/",
        "/docs/assets/../docs.html", "/docs/assets/..%2f..%2fapp.py", "/docs/assets/nothing.js", "/static/x",
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_not_found(path: str, client: Client) -> None:
    problem(client.as_("admin").get(path), "not_found")


AWKWARD_IDS = [
    "0123456789abcdef01234567",  # nobody's
    "0123456789ABCDEF01234567",
    "0123456789abcdef0123456",
    "0123456789abcdef012345678",
    "0123456789abcdef0123456g",
    "%D9%A0123456789abcdef0123456",  # digits, but not of ASCII
    "me",
    "none",
    "null",
    "*",
    "%00",
    "%FF%FE",
    "%F0%9F%9A%80",
    "$ne",
    "a" * 3000,
    "0123456789abcdef01234567%0A",
]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "tasks/{}"),
        ("GET", "tasks/{}/transitions"),
        ("GET", "tasks/{}/activity"),
        ("DELETE", "tasks/{}"),
        ("POST", "tasks/{}/restore"),
        ("PUT", "tasks/{}/blocked-by/{task}"),
        ("PUT", "tasks/{task}/blocked-by/{}"),
        ("DELETE", "tokens/{}"),
        ("GET", "tasks/{}/comments"),
        ("GET", "tasks/{task}/comments/{}"),
        ("DELETE", "tasks/{task}/comments/{}"),
        ("GET", "users/{}x"),  # not "me"
        ("GET", "users/{}x/tasks"),
    ],
)
def test_an_unknown_id_is_not_found(method: str, path: str, client: Client) -> None:
    admin = client.as_("admin")
    task = admin.post("tasks", {"title": "Task"}).json["id"]

    for key in AWKWARD_IDS:
        problem(admin.open(method, path.replace("{}", key).replace("{task}", task)), "not_found")


@pytest.mark.parametrize("given", ["a", "A.b-c_9", "x" * 64])
def test_a_callers_request_id_is_kept(given: str, client: Client) -> None:
    answer = client.get("tasks", headers={"X-Request-Id": given})

    assert problem(answer, "unauthenticated")["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a/b", "a;b", "ü", '"a"', "a,b"])
def test_an_unacceptable_request_id_is_replaced(given: str, client: Client) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": given})

    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"])


def test_every_answer_has_a_request_id_of_its_own(client: Client) -> None:
    ids = {client.get(path).headers["X-Request-Id"] for path in ("/healthz", "/healthz", "/nowhere", "tasks")}

    assert len(ids) == 4
