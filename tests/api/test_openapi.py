"""The document is a valid one, and complete: nobody has to guess or to look elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask

from taskmgr.api.problems import CODES, CONTENT_TYPE
from taskmgr.version import __version__
from tests.api.client import Client
from tests.api.operations import BY_NAME, DRY, GUARDED, OPERATIONS, Operation, World

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def document(worker_app: Flask) -> dict[str, Any]:
    return dict(json.loads(worker_app.extensions["taskmgr.openapi"]))


@pytest.fixture
def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The document's operations by name, each with its method and path."""
    return {
        operation["operationId"]: operation | {"method": method.upper(), "path": path}
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(inner)


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()

    assert document["openapi"] == "3.1.0"


def test_it_says_what_it_describes(document: dict[str, Any]) -> None:
    info = document["info"]

    assert (info["title"], info["version"], info["license"]["identifier"]) == ("taskmgr", __version__, "MIT")


def test_no_host_is_named_in_it(document: dict[str, Any]) -> None:
    assert document["servers"] == [{"url": "/"}]
    assert not re.search(r"https?://|localhost|127\.0\.0\.1", json.dumps(document))


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = {node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)}

    for reference in references:
        assert reference.startswith("#/components/")
        _, _, kind, name = reference.split("/")
        assert name in document["components"][kind]


def test_no_schema_is_left_over(document: dict[str, Any]) -> None:
    used = {n["$ref"].rpartition("/")[2] for n in nodes(document) if isinstance(n.get("$ref"), str)}

    assert set(document["components"]["schemas"]) <= used


def test_nothing_of_our_own_notes_is_left_in_it(document: dict[str, Any]) -> None:
    assert not [name for node in nodes(document) for name in node if name.startswith("x-")]


def test_every_operation_has_a_name_a_summary_and_a_tag_that_is_described(
    document: dict[str, Any], operations: dict[str, Any]
) -> None:
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}

    for operation in operations.values():
        assert operation["summary"]
        assert set(operation["tags"]) <= tags
    assert len(operations) == len(BY_NAME)


def test_every_operation_names_the_scopes_that_it_takes(operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        row = BY_NAME[name]
        # Where a lack is answered otherwise, it is the service that asks for the scope, by what is asked.
        scopes = row.scopes if row.without == "scope_missing" else ()
        if row.scopes is None:
            assert "security" not in operation
        else:
            assert operation["security"] == [{"token": []}]
            assert operation["description"].endswith(f"Scopes: {', '.join(scopes) or 'none'}.")


def test_every_operation_tells_its_success_and_its_failures(operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        row = BY_NAME[name]
        answers = set(operation["responses"])
        assert str(row.status) in answers
        wanted = {"400", "500", "503"}
        wanted |= set() if row.scopes is None else {"401", "403", "429"}
        wanted |= {"404"} if "{" in row.path else set()
        wanted |= {"408", "413", "415", "422"} if row.body is not None else set()
        wanted |= {"409"} if row.dry else set()
        wanted |= {"412"} if row.guarded else set()
        assert wanted <= answers, name


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
def test_an_answer_has_the_headers_that_are_described(
    operation: Operation, operations: dict[str, Any], client: Client, world: World
) -> None:
    described = operations[operation.name]["responses"][str(operation.status)].get("headers", {})

    answer = world.ask(client.as_("admin"), operation)

    assert answer.status_code == operation.status
    assert {name for name in ("ETag", "Location") if name in answer.headers} == described.keys() & {
        "ETag",
        "Location",
    }
    assert "X-Request-Id" in described


def test_every_failure_is_a_problem(document: dict[str, Any], operations: dict[str, Any]) -> None:
    for operation in operations.values():
        for status, answer in operation["responses"].items():
            if status >= "400":
                code = answer["$ref"].rpartition("/")[2]
                described = document["components"]["responses"][code]
                assert str(CODES[code].status) == status
                assert list(described["content"]) == [CONTENT_TYPE]
    described = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert described == list(CODES)


def test_the_document_knows_what_takes_a_precondition_and_a_dry_run(operations: dict[str, Any]) -> None:
    def taking(parameter: str) -> set[str]:
        return {
            name
            for name, operation in operations.items()
            if parameter in {given["name"] for given in operation["parameters"]}
        }

    assert taking("dry_run") == {operation.name for operation in DRY}
    assert taking("If-Match") == {operation.name for operation in GUARDED}
    lists = {"list_tasks", "list_users", "list_tasks_of_user"}
    assert taking("If-None-Match") == {"get_task", "get_comment", "get_user", "get_me"} | lists
    assert taking("Idempotency-Key") == {"create_task", "create_comment", "perform"}


@pytest.mark.parametrize("name", ["change_task", "change_user", "change_comment"])
def test_a_patch_may_say_that_it_is_a_merge_patch(name: str, operations: dict[str, Any]) -> None:
    assert set(operations[name]["requestBody"]["content"]) == {
        "application/json",
        "application/merge-patch+json",
    }


def test_every_pattern_can_be_read(document: dict[str, Any]) -> None:
    patterns = {node["pattern"] for node in nodes(document) if isinstance(node.get("pattern"), str)}

    assert patterns
    for pattern in patterns:
        re.compile(pattern)
        assert pattern.startswith("^")


def test_a_choice_that_may_be_null_says_so_twice(document: dict[str, Any]) -> None:
    for node in nodes(document):
        if "enum" in node and "type" in node:
            assert (None in node["enum"]) == ("null" in node["type"])


def test_statuses_are_those_of_the_policy(document: dict[str, Any], client: Client) -> None:
    names = [status["name"] for status in client.as_("viewer").get("workflow").json["statuses"]]
    schemas = document["components"]["schemas"]

    assert schemas["Task"]["properties"]["status"]["enum"] == names
    assert schemas["StatusChange"]["properties"]["status"]["enum"] == names


def test_it_is_served_without_a_token_as_it_is(document: dict[str, Any], client: Client) -> None:
    assert client.get("/openapi.json").json == document
