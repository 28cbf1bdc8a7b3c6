"""Tests that the OpenAPI document is valid and complete, and suits generators of clients."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask

from taskmgr.api.cors import EXPOSED_HEADERS
from taskmgr.api.openapi.schemas import ENUMS
from taskmgr.api.problems.codes import CODES
from taskmgr.api.problems.responses import CONTENT_TYPE
from taskmgr.api.schemas.problems import REFUSALS
from taskmgr.domain.rules import rule_book, urgency
from taskmgr.domain.services import Services, bulk, projects, users
from taskmgr.domain.services.tasks import transitions
from taskmgr.settings import Settings
from taskmgr.version import __version__
from tests.api.client import Client
from tests.api.operations import BY_NAME, DRY, GUARDED, OPERATIONS, SUCCEEDING, Operation, World


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yields every object in a document."""
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
    text = re.sub("https://(hooks|id)\\.example\\.org", "", json.dumps(document))  # in examples
    assert not re.search(r"https?://|localhost|127\.0\.0\.1", text)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = {node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)}

    for reference in references:
        assert reference.startswith("#/components/")
        _, _, kind, name = reference.split("/")
        assert name in document["components"][kind]


def test_no_schema_is_left_over(document: dict[str, Any]) -> None:
    used = {n["$ref"].rpartition("/")[2] for n in nodes(document) if isinstance(n.get("$ref"), str)}

    assert set(document["components"]["schemas"]) <= used


def test_no_internal_extension_is_left_in_it(document: dict[str, Any]) -> None:
    extensions = {name for node in nodes(document) for name in node if name.startswith("x-")}
    assert extensions == {"x-enum-varnames"}  # which generators read


def test_every_operation_has_a_name_a_summary_and_a_tag_that_is_described(
    document: dict[str, Any], operations: dict[str, Any]
) -> None:
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}

    for operation in operations.values():
        assert operation["summary"]
        assert set(operation["tags"]) <= tags
    assert len(operations) == len(BY_NAME)


def test_every_operation_names_the_scopes_that_it_requires(operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        row = BY_NAME[name]
        # In the other operations, the service checks the scope, because it depends on the request.
        scopes = row.scopes if row.without == "scope_missing" else ()
        if row.scopes is None:
            assert operation["security"] == []
        else:
            assert operation["security"] == [{"token": []}, {"session": []}]
            assert operation["description"].endswith(f"Scopes: {', '.join(scopes) or 'none'}.")


def test_every_operation_describes_its_success_and_its_failures(operations: dict[str, Any]) -> None:
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


@pytest.mark.slow
@pytest.mark.parametrize("operation", SUCCEEDING, ids=lambda o: o.name)
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
    schemas = document["components"]["schemas"]
    assert schemas["Problem"]["properties"]["code"] == {"$ref": "#/components/schemas/ErrorCode"}
    assert schemas["ErrorCode"]["enum"] == list(CODES)


def test_preconditions_and_dry_runs_are_described(operations: dict[str, Any]) -> None:
    def taking(parameter: str) -> set[str]:
        return {
            name
            for name, operation in operations.items()
            if parameter in {given["name"] for given in operation["parameters"]}
        }

    assert taking("dry_run") == {operation.name for operation in DRY}
    assert taking("If-Match") == {operation.name for operation in GUARDED}
    tagged = {"list_tasks", "list_projects", "list_users", "list_tasks_of_user", "get_stats", "list_labels"}
    tagged |= {"get_task", "get_comment", "get_user", "get_me", "get_project", "get_webhook"}
    tagged |= {"list_views", "get_view", "get_flow", "get_cycle_times"}
    assert taking("If-None-Match") == tagged
    creating = {"create_task", "create_project", "create_comment", "create_view"}
    assert taking("Idempotency-Key") == {*creating, "perform"}


@pytest.mark.parametrize("name", ["change_task", "change_project", "change_user", "change_comment"])
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


def test_null_is_one_of_the_alternatives_of_a_nullable_choice(document: dict[str, Any]) -> None:
    for node in nodes(document):
        if "enum" in node and "type" in node:
            assert (None in node["enum"]) == ("null" in node["type"])


def test_statuses_are_those_of_the_policy(document: dict[str, Any], client: Client) -> None:
    names = [status["name"] for status in client.as_("viewer").get("workflow").json["statuses"]]
    schemas = document["components"]["schemas"]

    assert schemas["Status"]["enum"] == names
    for name in ("StatusChange", "TaskPatch"):
        assert schemas[name]["properties"]["status"] == {"$ref": "#/components/schemas/Status"}
    # A stored task may have a status that the policy does not define.
    choices = schemas["Task"]["properties"]["status"]["anyOf"]
    assert choices == [{"$ref": "#/components/schemas/Status"}, {"type": "string"}]


def test_it_is_served_without_a_token_as_it_is(document: dict[str, Any], client: Client) -> None:
    assert client.get("/openapi.json").json == document


# --- schemas that make good types


def refers_to(document: dict[str, Any], tree: Any, known: set[str] | None = None) -> set[str]:
    """Returns the names of all schemas to which a part of the document refers."""
    known = set() if known is None else known
    for node in nodes(tree):
        if isinstance(node.get("$ref"), str):
            _, _, kind, name = node["$ref"].split("/")
            if name not in known:
                known |= {name} if kind == "schemas" else set()
                refers_to(document, document["components"][kind][name], known)
    return known


@pytest.fixture
def sent(document: dict[str, Any], operations: dict[str, Any]) -> set[str]:
    """Returns the schemas of the bodies of requests."""
    return refers_to(document, [operation.get("requestBody") for operation in operations.values()])


@pytest.fixture
def answered(document: dict[str, Any], operations: dict[str, Any]) -> set[str]:
    return refers_to(document, [operation["responses"] for operation in operations.values()])


def test_every_enumeration_has_a_name(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    named = [id(schema) for schema in schemas.values() if "enum" in schema]

    assert [node for node in nodes(document) if "enum" in node and id(node) not in named] == []
    assert {
        "Status", "Category", "Priority", "Role", "UserKind", "Scope", "ChangeKind", "RuleCode", "FixAction",
        "ErrorCode", "BulkMode", "Entity", "CauseCode",
    } <= {name for name, schema in schemas.items() if "enum" in schema}  # fmt: skip


def test_every_value_of_an_enumeration_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        names = schema.get("x-enum-varnames", schema.get("enum", ()))
        assert len(set(names)) == len(schema.get("enum", ()))
        assert all(name.isidentifier() for name in names)


def test_no_two_enumerations_have_the_same_values() -> None:
    assert len({values for values, _ in ENUMS.values()}) == len(ENUMS)


def test_every_rule_that_refuses_is_among_the_codes_of_rules() -> None:
    modules = {*map(inspect.getmodule, rule_book.RULES), projects, users, transitions}
    raised = set(re.findall(r'Refusal\(\s*code="(\w+)"', "".join(map(inspect.getsource, modules))))

    assert raised == set(REFUSALS)
    assert set(re.findall(r'Cause\(code="(\w+)"', inspect.getsource(urgency))) == set(urgency.CAUSES)


def test_every_schema_of_a_body_is_closed_and_every_one_of_an_answer_is_open(
    document: dict[str, Any], sent: set[str], answered: set[str]
) -> None:
    objects = {n for n, schema in document["components"]["schemas"].items() if "properties" in schema}

    def is_closed(name: str) -> bool:
        return document["components"]["schemas"][name].get("additionalProperties") is False

    assert [name for name in sorted(objects & sent) if not is_closed(name)] == []
    assert [name for name in sorted(objects & answered) if is_closed(name)] == []
    assert not objects & sent & answered


# What an answer has only sometimes: what was asked for, what an event brings, what a code has.
SOMETIMES = {
    "TaskRow": {"assignee", "overdue", "blocked", "blocks", "effective_priority"},
    "ProjectRow": {"counts"},
    "UserRow": {"tasks", "tasks_total", "counts", "wip_room"},
    "ChangedTask": {"unblocked"},
    "Fix": {"status", "task_id", "task_key", "task_ids", "task_keys", "project"},
    "Mistake": {"allowed"},
    "Problem": {"errors", "reasons", "current", "count", "head", "results"},
    "Changes": {"tasks"},
}


def test_an_answer_has_no_optional_field_that_is_always_there(
    document: dict[str, Any], answered: set[str]
) -> None:
    for name in answered:
        schema = document["components"]["schemas"][name]
        optional = set(schema.get("properties", ())) - set(schema.get("required", ()))
        sometimes = {"total"} if name.endswith("Page") else SOMETIMES.get(name, set())
        assert optional == (set(schema["properties"]) if name == "TaskPart" else sometimes), name


def test_a_body_has_no_defaults_because_generators_treat_them_as_required(
    document: dict[str, Any], sent: set[str]
) -> None:
    for name in sent:
        for field, schema in document["components"]["schemas"][name].get("properties", {}).items():
            assert "default" not in schema, f"{name}.{field}"


def test_the_operations_of_a_bulk_are_discriminated_by_op(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    union = schemas["BulkOperation"]

    assert union["discriminator"]["propertyName"] == "op"
    assert list(union["discriminator"]["mapping"]) == list(bulk.OPERATIONS)
    assert [choice["$ref"] for choice in union["oneOf"]] == list(union["discriminator"]["mapping"].values())
    for op, reference in union["discriminator"]["mapping"].items():
        schema = schemas[reference.rpartition("/")[2]]
        assert schema["properties"]["op"] == {"type": "string", "const": op}
        assert set(schema["required"]) == {"op", *bulk.OPERATIONS[op].required}


@pytest.mark.parametrize("name", ["Task", "TaskRow", "NewTask", "ChangedTask", "TaskIn", "TaskPatch"])
def test_a_due_date_is_text_or_null(name: str, document: dict[str, Any]) -> None:
    due_date = document["components"]["schemas"][name]["properties"]["due_date"]

    assert [choice["type"] for choice in due_date["anyOf"]] == ["string", "string", "null"]


def test_a_parameter_that_is_true_or_false_is_a_boolean(operations: dict[str, Any]) -> None:
    for operation in operations.values():
        for parameter in operation["parameters"]:
            if parameter["name"] in ("dry_run", "total", "bin", "blocked", "overdue"):
                assert parameter["schema"]["type"] == "boolean"


# --- headers


def test_every_header_is_described_and_the_limit_says_what_it_counts(document: dict[str, Any]) -> None:
    headers = document["components"]["headers"]

    assert set(EXPOSED_HEADERS) <= set(headers)
    assert all(header["description"] for header in headers.values())
    assert "token" in headers["RateLimit-Limit"]["description"]
    assert "60 seconds" in headers["RateLimit-Limit"]["description"]


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
def test_no_answer_has_a_header_of_ours_that_is_not_described(
    operation: Operation,
    operations: dict[str, Any],
    worker_apps: Callable[[Settings], Flask],
    services: Services,
    world: World,
) -> None:
    described = operations[operation.name]["responses"][str(operation.status)]["headers"]
    client = Client(worker_apps(Settings(rate_limit=1000)), services).as_("admin")
    for options in ({}, {"headers": {"Idempotency-Key": "once"}}, {"headers": {"Idempotency-Key": "once"}}):
        answer = world.ask(client, operation, **options)
        assert {name for name in EXPOSED_HEADERS if name in answer.headers} <= set(described)
        for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"):
            assert (name in answer.headers) == (name in described)
