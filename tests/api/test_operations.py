"""Who is answered what, over every operation that the document describes."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.api.client import Client, problem
from tests.api.operations import ALL_SCOPES, BY_NAME, OPERATIONS, Operation, World

METHODS = ("get", "put", "post", "delete", "patch")
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
every_question = pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if o.method == "GET"], ids=lambda o: o.name
)
with_scopes = pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.scopes], ids=lambda o: o.name)
with_token = pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if o.scopes is not None], ids=lambda o: o.name
)


def test_the_table_has_a_row_for_every_operation_of_the_document(client: Client) -> None:
    document = client.get("/openapi.json").json

    described = {
        operation["operationId"]
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in METHODS
    }

    assert described == set(BY_NAME)


def test_every_route_is_described_but_those_of_the_pages(app: Flask) -> None:
    routed = {
        rule.endpoint.rpartition(".")[2] for rule in app.url_map.iter_rules() if rule.endpoint != "static"
    }

    assert routed - {"openapi", "docs", "docs_errors", "docs_script", "docs_asset"} == set(BY_NAME)


@every_operation
def test_an_admin_succeeds(operation: Operation, client: Client, world: World) -> None:
    answer = world.ask(client.as_("admin"), operation)

    assert answer.status_code == operation.status, answer.text


@with_token
def test_without_a_token_nobody_gets_further(operation: Operation, client: Client, world: World) -> None:
    answer = world.ask(client, operation)

    problem(answer, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@with_scopes
def test_a_token_without_the_scope_gets_no_further(
    operation: Operation, client: Client, world: World
) -> None:
    others = [scope for scope in ALL_SCOPES if scope not in (operation.scopes or ())]

    problem(world.ask(client.as_("admin", *others), operation), "scope_missing")


@with_token
def test_the_named_scopes_are_enough(operation: Operation, client: Client, world: World) -> None:
    # What is somebody else's takes the scope of the admin-only calls as well.
    more = ["admin"] if operation.name == "revoke_token" else []
    scopes = [*(operation.scopes or ()), *more] or [ALL_SCOPES[0]]

    answer = world.ask(client.as_("admin", *scopes), operation)

    assert answer.status_code == operation.status, answer.text


@every_operation
def test_a_viewer_is_answered_what_the_table_says(operation: Operation, client: Client, world: World) -> None:
    answer = world.ask(client.as_("viewer"), operation)

    assert answer.status_code == operation.viewer, answer.text
    if operation.viewer == 403:
        problem(answer, "not_permitted")


@every_question
def test_a_head_request_is_answered_like_a_get_without_the_body(
    operation: Operation, client: Client, world: World
) -> None:
    admin = client.as_("admin")
    path = world.fill(operation.path)

    head, get = admin.open("HEAD", path), admin.get(path)

    assert (head.status_code, head.data) == (get.status_code, b"")
    assert {k: v for k, v in head.headers if k != "X-Request-Id"} == {
        k: v for k, v in get.headers if k != "X-Request-Id"
    }
