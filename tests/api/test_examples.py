"""Tests the examples in the document: requests are sent as they are, responses have the keys of real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bson import ObjectId
from jsonschema_rs import Draft202012Validator
from pymongo.database import Database

from taskmgr.api.openapi import example_ids
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.services import Services
from taskmgr.infrastructure.credentials import Sha256Credentials
from taskmgr.infrastructure.files.policy_file import load_policy_file
from tests.api.client import Answer, Client
from tests.api.conftest import WORLD
from tests.api.operations import SUCCEEDING, World
from tests.conftest import wait_for_majority
from tests.running import ROOT

pytestmark = pytest.mark.slow

NAMES = [operation.name for operation in SUCCEEDING]
# The things of `World` that the ids in the examples stand for.
_STAND_FOR = {
    "task": example_ids.TASK,
    "other": example_ids.BLOCKER,
    "comment": example_ids.COMMENT,
    "token": example_ids.TOKEN,
    "session": example_ids.SESSION,
    "account": example_ids.ACCOUNT,
    "project": example_ids.PROJECT,
    "user": example_ids.USER,
    "view": example_ids.VIEW,
    "webhook": example_ids.WEBHOOK,
    "delivery": example_ids.DELIVERY,
}


@pytest.fixture
def admin(client: Client, world: World, database: Database[Any]) -> Client:
    """An admin where the things of the examples are there, under the ids and keys of the examples."""
    ids = {world[name]: shown for name, shown in _STAND_FOR.items()}
    ids |= {world["task_key"]: example_ids.TASK_KEY, world["other_key"]: example_ids.BLOCKER_KEY}
    ids[world["link"].split("_")[1]] = example_ids.LINK
    client.with_password("admin")
    for name in WORLD:
        rows = list(database[name].find())
        database[name].delete_many({})
        database[name].insert_many([replaced(row, ids) for row in rows])
    secret_hash = Sha256Credentials().hash(example_ids.LINK_TEXT.split("_", 2)[2])
    database["links"].update_one({}, {"$set": {"secret_hash": secret_hash}})
    wait_for_majority(database)
    return client.as_("admin")


def replaced(value: Any, ids: dict[str, str]) -> Any:
    """A stored value with other ids in it."""
    if isinstance(value, dict):
        return {name: replaced(inner, ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, ids) for inner in value]
    if isinstance(value, ObjectId):
        return ObjectId(ids.get(str(value), str(value)))
    return ids.get(value, value) if isinstance(value, str) else value


def sent(client: Client, operation: dict[str, Any], more: dict[str, Any], **options: Any) -> Answer:
    """The answer to an operation with all parameters that have an example, and more."""
    path, query = operation["path"], {}
    for parameter in operation["parameters"]:
        name = parameter["name"]
        value = more.get(name, parameter.get("example"))
        if value is None:
            continue
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", value)
        elif parameter["in"] == "header":
            options["headers"] = {name: value}
        elif isinstance(value, list) and parameter.get("explode") is False:
            query[name] = ",".join(value)
        else:
            query[name] = (
                value
                if isinstance(value, list)
                else str(value).lower()
                if value in (True, False)
                else str(value)
            )
    return client.open(operation["method"], path, **options, **query)


def bodies(operation: dict[str, Any]) -> list[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return [{"body": example["value"]} for example in content.get("examples", {}).values()] or [{}]


@pytest.mark.parametrize("name", NAMES)
def test_every_body_of_an_example_is_accepted_as_it_is(
    name: str, operations: dict[str, Any], admin: Client
) -> None:
    operation = operations[name]
    for options in bodies(operation):
        answer = sent(admin, operation, {}, **options)
        assert 200 <= answer.status_code < 400, (options, answer.json)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_of_an_example_is_accepted_as_it_is(
    name: str, operations: dict[str, Any], admin: Client
) -> None:
    operation = operations[name]
    shown = [
        (parameter["name"], value)
        for parameter in operation["parameters"]
        for value in parameter["schema"].get("examples", ())
        if "example" not in parameter
    ]
    for parameter, value in shown:
        # A dry run of what can happen once only can be repeated; what is deleted cannot.
        dry = {"dry_run": True} if "dry_run" in {p["name"] for p in operation["parameters"]} else {}
        answer = sent(admin, operation, {**dry, parameter: value}, **bodies(operation)[0])
        assert 200 <= answer.status_code < 400, (parameter, value, answer.json)


# Of these no example can work everywhere: a cursor is signed, and a version is of one moment.
WITHOUT_EXAMPLE = {"cursor", "version"}


def test_every_body_and_parameter_has_an_example(operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["examples"], name
        for parameter in operation["parameters"]:
            has_one = "example" in parameter or parameter["schema"].get("examples")
            assert bool(has_one) == (parameter["name"] not in WITHOUT_EXAMPLE), (name, parameter["name"])


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(inner)


def judge_examples(document: dict[str, Any]) -> int:
    """Holds the examples of all bodies and answers against their schemas, and returns their number."""
    number = 0
    for content in (node for node in nodes(document) if "examples" in node and "schema" in node):
        judge = Draft202012Validator({**content["schema"], "components": document["components"]})
        for example in content["examples"].values():
            judge.validate(example["value"])
            number += 1
    return number


def test_every_example_matches_its_schema(document: dict[str, Any]) -> None:
    assert judge_examples(document) > 50


def test_every_answer_has_an_example(document: dict[str, Any], operations: dict[str, Any]) -> None:
    answers = [answer for operation in operations.values() for answer in operation["responses"].values()]
    for answer in (*answers, *document["components"]["responses"].values()):
        for content in answer.get("content", {}).values():
            assert content["examples"]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_of_an_answer_has_the_keys_of_the_real_one(
    name: str, operations: dict[str, Any], admin: Client
) -> None:
    operation = operations[name]
    answer = sent(admin, operation, {}, **bodies(operation)[0])
    if answer.status_code in (204, 303) or answer.mimetype == "text/event-stream":
        return
    content = operation["responses"][str(answer.status_code)]["content"]["application/json"]
    example = next(iter(content["examples"].values()))["value"]

    assert set(example) == set(answer.json)
    for items in ("items", "results"):
        if answer.json.get(items):
            assert set(example[items][0]) == set(answer.json[items][0])


def test_the_examples_use_the_statuses_of_the_policy(
    client_of: Callable[..., Client], services_under: Callable[[Policy], Services]
) -> None:
    policy = load_policy_file(ROOT / "docs" / "examples" / "support-desk.toml")
    document = client_of(over=services_under(policy)).get("/openapi.json").json

    judge_examples(document)
    (example,) = document["paths"]["/api/v1/tasks/{task_id}/status"]["put"]["requestBody"]["content"][
        "application/json"
    ]["examples"].values()
    assert example["value"]["status"] in policy.workflow.statuses
