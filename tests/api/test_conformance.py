"""Tests that the API does what the document says: valid requests are accepted, invalid ones rejected.

`SCHEMATHESIS_EXAMPLES=300 pytest tests/api/test_conformance.py` tries more requests than the usual run.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest
import schemathesis
from flask import Flask
from schemathesis.checks import CheckFunction
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    negative_data_rejection,
    unsupported_method,
)

from taskmgr.api.app import create_app
from taskmgr.api.runtime import runtime_of
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.place import SIDES
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.settings import Settings
from tests.api.client import PASSWORD, Client
from tests.api.conftest import SECRET_KEY
from tests.api.operations import World

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "15"))
UNLIMITED = Settings(rate_limit=0)
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"max-examples": EXAMPLES, "deterministic": True, "mode": "all"},
        "phases": {"coverage": {"enabled": EXAMPLES > 50}},
        # A version that nobody has seen is well-formed: the answer is 412. A link works once, and is
        # answered with 410 then. But 400 and 422 are for what the document forbids; `make_sensible` sees
        # to what no document can say.
        "checks": {
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "3xx", "403", "404", "409", "410", "412"]
            }
        },
    }
)


# With another method these are `/users/{user_id}` and `/tasks/{task_id}` of a thing that there is
# not: a problem, but not the 405 that the check for undeclared methods asks for.
SHADOWED = ("/api/v1/users/me", "/api/v1/tasks/bulk")
OF_METHODS = [unsupported_method, allow_header_conformance]


class _Latest:
    """Stands for the application in what is generated before there is a database."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        return self.app(environ, start_response)


def _without_store() -> Flask:
    store = cast(
        "Store", SimpleNamespace(health=None, users=None, projects=None, feed=None, feed_streams=None)
    )
    return create_app(build_services(store), UNLIMITED, secret_key=SECRET_KEY)


latest = _Latest(_without_store())
document = json.loads(runtime_of(latest.app).openapi_json)
# A stream of events does not end; tests/faults/test_events.py reads it.
schema = schemathesis.openapi.from_dict(document, config=CONFIG).exclude(operation_id="stream_events")
schema.app = latest


@pytest.fixture(scope="session")
def unlimited_app(worker_services: Services) -> Flask:
    return create_app(worker_services, UNLIMITED, secret_key=SECRET_KEY)


@pytest.fixture
def admin(unlimited_app: Flask, services: Services, world: World) -> Client:
    latest.app = unlimited_app
    client = Client(unlimited_app, services)
    client.with_password("admin")
    return client.as_("admin")


# What no document can say: which things there are, and that what is said twice must agree. So a
# valid request is made a sensible one: names and ids become those of things that there are, but
# for some ids of the path, since nobody may rely on that either.


def _is_valid(case: schemathesis.Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


_NAMED = {"assignee": ["me", "none", "ada"], "created_by": ["me", "ada", "system:cli"]}


def _sensible_path(given: dict[str, Any], world: World) -> None:
    for name, reference in given.items():
        entity, choice = name.removesuffix("_id"), ord(str(reference)[0]) % 4
        if choice:
            given[name] = world.get(f"{entity}_key" if choice == 1 else entity, world[entity])


def _like(given: Any, values: list[str]) -> Any:
    """A list, or the text that it is on the wire, as what was given."""
    return ",".join(values) if isinstance(given, str) else values


_DAYS = {"from": "2026-03-01", "to": "2026-03-31"}  # a span that is not too long


def _sensible_query(given: dict[str, Any], world: World) -> None:
    given.pop("cursor", None)
    for name, known in _NAMED.items():
        if name in given:
            given[name] = _like(given[name], known)
    if "q" in given:  # no pattern says that there must be a word
        given["q"] = "page"
    if "username" in given:
        given["username"] = _like(given["username"], ["ada", "bertha"])
    if "by" in given and not given["by"].startswith("system:"):
        given["by"] = "ada"
    if "user_id" in given:
        given["user_id"] = world["user"]
    if "project" in given:
        given["project"] = _like(given["project"], [world["project"]])
    if "tasks_limit" in given:
        given["include"] = "tasks"
    given |= {name: day for name, day in _DAYS.items() if name in given}
    if "sort" in given:
        keys = given["sort"].split(",") if isinstance(given["sort"], str) else given["sort"]
        given["sort"] = _like(given["sort"], list({key.removeprefix("-"): key for key in keys}.values()))


_CREDENTIALS = {"password": PASSWORD, "current_password": PASSWORD}


def _sensible_body(given: dict[str, Any], world: World) -> None:
    if given.get("assignee_id") not in (None, "me"):
        given["assignee_id"] = world["user"]
    if given.get("project") is not None:
        given["project"] = world["project"]
    if given.get("parent_id") is not None:
        given["parent_id"] = world["other"]
    if given.get("blocked_by"):
        given["blocked_by"] = [world["blocker"], world["other"]]
    if isinstance(given.get("url"), str):
        given["url"] = "https://hooks.example.org/"
    if isinstance(given.get("since"), int | float):  # of a replay, which is not empty
        given |= {"since": 0, "until": 5}
    if isinstance(given.get("filters"), dict):  # of a view
        _sensible_query(given["filters"], world)
    if isinstance(given.get("sort"), str):
        _sensible_query(given, world)
    if given.get("expires_at") is not None:
        given["expires_at"] = "2999-12-31T23:59:59Z"
    if given.get("user_id") is not None:
        given["user_id"] = world["user"]
    given |= {name: value for name, value in _CREDENTIALS.items() if name in given}
    if "link" in given:
        given["link"] = world["link"]
    if "password" in given and "username" in given:
        given["username"] = "ada"
    for side in ("before", "after"):
        if isinstance(given.get(side), str):
            given[side] = world["other"]
    if "where" in given:
        _sensible_query(given["where"], world)
    for name in ("id", "blocker_id"):  # of an operation: an invented `ref:…` names no create of the bulk
        if str(given.get(name)).startswith("ref:"):
            given[name] = world["task"]
    if given.get("op") == "rank":
        for side in SIDES:
            given.pop(side, None)
        given["first"] = True
    for inner in (*given.get("operations", ()), given.get("change"), given.get("rank")):
        if inner:
            _sensible_body(inner, world)


def make_sensible(case: schemathesis.Case, world: World) -> None:
    """Names what there is, and one version only."""
    body = case.body if isinstance(case.body, dict) else {}
    _sensible_path(case.path_parameters, world)
    _sensible_query(case.query, world)
    _sensible_body(body, world)
    case.headers.pop("Idempotency-Key", None)
    if "version" in body:
        case.query.pop("version", None)
    # The tool itself cannot write a tag in quotes where it goes through the schemas systematically,
    # and sends a wrong one along with what is otherwise valid.
    header = case.meta and case.meta.components.get(ParameterLocation.HEADER)
    if (header and header.mode.is_negative) or "version" in case.query or "version" in body:
        case.headers.pop("If-Match", None)


def changed_texts(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with all its texts changed."""
    if isinstance(value, dict):
        return {name: changed_texts(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [changed_texts(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


def showing(text: str) -> str:
    """Something that shows, for what is made of marks and invisible characters alone (no pattern says so)."""
    is_visible = not text.strip() or any(unicodedata.category(character)[0] in "LNPS" for character in text)
    return text if is_visible else "shown"


def excluded_checks(case: schemathesis.Case) -> list[CheckFunction]:
    """What cannot be said of this case."""
    excluded: list[CheckFunction] = list(OF_METHODS) if case.operation.path in SHADOWED else []
    # White space around a text is no part of it: what is too long only by that is not too long.
    if not _is_valid(case) and changed_texts(case.body, str.strip) != case.body:
        excluded.append(negative_data_rejection)
    # The tool sometimes finds nothing to make wrong, and says so itself.
    description = getattr(case.meta and case.meta.phase.data, "description", None) or ""
    if description.lower().startswith("positive"):
        excluded.append(negative_data_rejection)
    # Each operation stands for itself: the refusal of one is in the results of a success.
    if case.operation.path == SHADOWED[1] and isinstance(case.body, dict) and case.body.get("mode") == "each":
        excluded.append(negative_data_rejection)
    return excluded


@schema.parametrize()
def test_the_api_does_what_the_document_says(case: schemathesis.Case, admin: Client, world: World) -> None:
    if _is_valid(case):
        case.body = changed_texts(case.body, showing)
        make_sensible(case, world)

    case.call_and_validate(
        headers={"Authorization": f"Bearer {admin.token}"}, excluded_checks=excluded_checks(case)
    )
