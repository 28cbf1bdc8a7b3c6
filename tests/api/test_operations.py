"""Tests the response to every operation of the document, for every role and every scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import bson
import pytest
from flask import Flask

from taskmgr.domain.history.changes import CREDENTIALS
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk import OPERATIONS as BULK_OPERATIONS
from tests.api.client import PASSWORD, Answer, Client, answered, problem
from tests.api.operations import (
    ALL_SCOPES,
    BY_NAME,
    EVERYBODY,
    GUARDED,
    MORE,
    OPERATIONS,
    SUCCEEDING,
    Operation,
    World,
    link_account,
    make_webhook,
)
from tests.factories import DEFAULT_PROJECT, SYSTEM

pytestmark = pytest.mark.slow

METHODS = ("get", "put", "post", "delete", "patch")
ROWS = (*OPERATIONS, *MORE)
SINGLE_SCOPES = tuple((scope,) for scope in ALL_SCOPES)
every_operation = pytest.mark.parametrize("operation", SUCCEEDING, ids=lambda o: o.name)
every_question = pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if o.method == "GET"], ids=lambda o: o.name
)
# In a bulk: each operation, with what it is told, beside the single call that it stands for.
IN_BULK: dict[str, tuple[dict[str, str], str]] = {
    "create": ({"title": "Plan"}, "create_task"),
    "change": ({"id": "{task}", "title": "Plan"}, "change_task"),
    "status": ({"id": "{task}", "status": "in_progress"}, "change_status"),
    "priority": ({"id": "{task}", "priority": "high"}, "change_priority"),
    "assign": ({"id": "{task}", "assignee_id": "{other_user}"}, "assign"),
    "rank": ({"id": "{task}", "before": "{other}"}, "rank_task"),
    "bin": ({"id": "{task}"}, "bin_task"),
    "restore": ({"id": "{binned}"}, "restore_task"),
    "block": ({"id": "{task}", "blocker_id": "{other}"}, "block"),
    "unblock": ({"id": "{task}", "blocker_id": "{blocker}"}, "unblock"),
}


def test_the_table_has_a_row_for_every_operation_of_the_document(client: Client) -> None:
    document = client.get("/openapi.json").json

    described = {
        operation["operationId"]
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in METHODS
    }

    assert described == set(BY_NAME)


def test_every_route_of_the_api_is_described(app: Flask) -> None:
    routes = [rule for rule in app.url_map.iter_rules() if "." in rule.endpoint or "/api/" in rule.rule]

    assert {route.endpoint.rpartition(".")[2] for route in routes} == set(BY_NAME)


def scopes_to_try(operation: Operation) -> Iterator[tuple[str, ...]]:
    """None named, each alone, and where it takes several, just these."""
    yield from ((), *SINGLE_SCOPES)
    if len(operation.scopes or ()) > 1:
        yield operation.scopes or ()


def request_of(operation: Operation, world: World, services: Services, client: Client) -> Any:
    """The answer to its request, which is undone: as a dry run, or with a new thing for one that ends."""
    if operation.name == "revoke_token":
        token = services.tokens.create(by=SYSTEM, user_id=world["user"], name="lost").token.id
        return World(world | {"token": token}).ask(client, operation)
    if operation.name == "end_session":
        new = services.sessions.sign_in("ada", PASSWORD, visitor=Visitor())
        return World(world | {"session": new.session.id}).ask(client, operation)
    if operation.name == "unlink_account":
        account = link_account(services, services.users.get(world["user"], by=SYSTEM))
        return World(world | {"account": account}).ask(client, operation)
    if operation.name in ("open_link", "use_link"):
        link = services.links.create(world["other_user"], by=SYSTEM)
        return World(world | {"link": link.text}).ask(client, operation)
    if "{webhook}" in operation.path and not operation.dry:
        return World(world | make_webhook(services)).ask(client, operation)
    return world.ask(client, operation, **({"dry_run": "true"} if operation.dry else {}))


@pytest.mark.parametrize("who", EVERYBODY)
def test_each_role_with_each_scope_gets_the_response_of_the_table(
    who: str, client: Client, services: Services, world: World, contents: Callable[[], dict[str, Any]]
) -> None:
    scope_sets = {scopes for operation in ROWS for scopes in scopes_to_try(operation)}
    clients = {scopes: client.as_(who, *scopes) for scopes in scope_sets}
    expected, found, before = {}, {}, _lasting_parts(contents())

    for operation in ROWS:
        for scopes in scopes_to_try(operation):
            answer = request_of(operation, world, services, clients[scopes])
            found[operation.name, scopes] = answered(answer)
            expected[operation.name, scopes] = operation.expected(who, scopes)

    assert found == expected
    assert _lasting_parts(contents()) == before


def _lasting_parts(contents: dict[str, Any]) -> dict[str, Any]:
    """Returns everything stored but webhooks, preferences, and what lets callers in or changes with it."""
    varying = dict.fromkeys(("touched", "password_set_at", "version", "updated_at"))
    users = {row["_id"]: row | varying for row in map(bson.decode, contents["users"])}
    entries = [
        row
        for row in map(bson.decode, contents["activity"])
        if row["entity"] not in (*CREDENTIALS, "webhook") and row["after"].keys() != {"password_set_at"}
    ]
    passing = (
        "tokens",
        "sessions",
        "links",
        "accounts",
        "passwords",
        "attempts",
        "webhooks",
        "deliveries",
        "preferences",
    )
    return contents | dict.fromkeys(passing, ()) | {"users": users, "activity": entries}


def test_a_user_demoted_to_viewer_has_no_rights_over_their_own_tasks(
    client: Client, services: Services, world: World, nothing_changes: Callable[[], Any]
) -> None:
    services.users.change(world["user"], {"role": "viewer"}, by=SYSTEM)
    ada = client.as_("ada")
    # One's own name and views stay one's own.
    rows = [row for row in ROWS if row.dry and row.name != "change_user" and "view" not in row.name]

    with nothing_changes():
        found = {row.name: answered(world.ask(ada, row, dry_run="true")) for row in rows}

    assert found == {row.name: row.expected("viewer") for row in rows}


def test_without_a_token_nobody_gets_further_than_the_public_ones(
    client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    rows = [row for row in ROWS if row.scopes is not None or row.method == "GET"]

    with nothing_changes():
        found = {operation.name: answered(world.ask(client, operation)) for operation in rows}

    assert found == {operation.name: operation.expected(None) for operation in rows}


# What is stored, such that it can be found in an answer.
HIDDEN = "hush-hush"
KEY = re.compile(r"\b(OPS|TASK|WEB|OLD)\b")  # of a project or of a task


@pytest.fixture
def hiding_world(world: World, services: Services) -> World:
    """The world, with something in every text that nobody sends."""
    text = {"title": HIDDEN, "description": HIDDEN, "labels": [HIDDEN]}
    for name in ("task", "other", "blocker"):
        services.tasks.change(world[name], {**text}, by=SYSTEM)
    services.tasks.restore(world["binned"], by=SYSTEM)
    services.tasks.change(world["binned"], {**text}, by=SYSTEM)
    services.tasks.bin(world["binned"], by=SYSTEM)
    for name in ("comment", "other_comment"):
        services.comments.change(world["task"], world[name], text=HIDDEN, by=SYSTEM)
    for project in (world["project"], "TASK"):
        services.projects.change(project, {"name": HIDDEN, "description": HIDDEN}, by=SYSTEM)
    services.users.change(world["user"], {"name": HIDDEN, "email": f"{HIDDEN}@example.org"}, by=SYSTEM)
    return world


RECEIPT = {"id", "version"}
every_blind_write = pytest.mark.parametrize(
    "operation", [row for row in ROWS if row.is_a_blind_write], ids=lambda row: row.name
)


@every_blind_write
def test_who_may_write_and_not_read_is_told_the_id_and_the_version(
    operation: Operation, client: Client, hiding_world: World
) -> None:
    writer = client.as_("admin", *operation.scopes or ())

    dry = hiding_world.ask(writer, operation, dry_run="true")
    guarded = operation in GUARDED
    stale = hiding_world.ask(writer, operation, headers={"If-Match": '"99"'}) if guarded else None
    done = hiding_world.ask(writer, operation)

    assert (dry.status_code, done.status_code) == (operation.status, operation.status)
    if operation.name.startswith("perform"):
        assert {key for row in done.json["results"] for key in row} == {"status", "key", *RECEIPT}
        assert [row["key"] for row in done.json["results"]] == [None] * len(done.json["results"])
    else:
        assert (dry.json.keys(), done.json.keys()) == (RECEIPT, RECEIPT)
    if stale is not None:
        assert problem(stale, "stale")["current"].keys() == RECEIPT
    shown = dry.text + done.text + (stale.text if stale else "")
    assert HIDDEN not in shown
    assert KEY.search(shown) is None


# What changes nothing, and what is refused: asked to be told what is there.
PROBES: list[tuple[str, str, dict[str, Any] | None, str | int]] = [
    ("PATCH", "tasks/{task}", {}, 200),
    ("PATCH", "tasks/{task}", {"title": HIDDEN}, 200),
    ("POST", "tasks/{task}/restore", None, 200),
    ("PUT", "tasks/{task}/status", {"status": "todo"}, 200),
    ("PUT", "tasks/{task}/priority", {"priority": "medium"}, 200),
    ("DELETE", "tasks/{task}/blocked-by/{other}", None, 200),
    ("PATCH", "tasks/{task}/comments/{comment}", {"text": HIDDEN}, 200),
    ("PUT", "tasks/{task}/status", {"status": "completed"}, "refused"),
    ("PATCH", "tasks/{task}", {"blocked_by": ["{waiting}"]}, "refused"),
    ("PATCH", "tasks/{task}", {"title": "x", "version": 99}, "stale"),
    ("PATCH", "tasks/{archived}", {"title": "x"}, "refused"),
    ("POST", "tasks", {"title": "x", "project": "{archive}"}, "refused"),
    ("PATCH", "tasks/{task}", {"project": "{project}"}, 200),
    ("PATCH", "projects/{project}", {}, 200),
    ("PATCH", "projects/{project}", {"name": HIDDEN}, 200),
    ("PATCH", "projects/{project}", {"name": "x", "version": 99}, "stale"),
    ("PATCH", "projects/{default}", {"archived": True}, "refused"),
    (
        "POST", "tasks/bulk",
        {"operations": [{"op": "status", "id": "{task}", "status": "completed"}]}, "refused",
    ),
    (
        "POST", "tasks/bulk",
        {"operations": [{"op": "change", "id": "{task}", "title": "x", "version": 99}], "mode": "each"}, 200,
    ),
    ("POST", "tasks/bulk", {"where": {"q": HIDDEN}, "change": {"title": "x"}, "expect": 0}, "scope_missing"),
    ("POST", "tasks/bulk", {"where": {"assignee": "ada"}, "change": {}, "expect": 0}, "scope_missing"),
]  # fmt: skip


@pytest.mark.parametrize("dry_run", ["true", "false"])
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: f"{probe[0]} {probe[1]} {probe[2]}")
def test_a_write_scope_alone_reveals_nothing_that_is_stored(
    probe: tuple[str, str, dict[str, Any] | None, str | int],
    dry_run: str,
    client: Client,
    hiding_world: World,
    services: Services,
) -> None:
    method, path, body, expected = probe
    waiting = services.tasks.create(title=HIDDEN, blocked_by=[hiding_world["task"]], by=SYSTEM).id
    archive = services.projects.create(key="OLD", name=HIDDEN, by=SYSTEM).id
    archived = services.tasks.create(title=HIDDEN, project=archive, by=SYSTEM).id
    services.projects.change(archive, {"archived": True}, by=SYSTEM)
    more = {"waiting": waiting, "archive": archive, "archived": archived, "default": DEFAULT_PROJECT.id}
    world = World(hiding_world | more)
    writer = client.as_("admin", "tasks:write")
    options = {} if body is None else {"body": world.fill(body)}

    answer = writer.open(method, world.fill(path), dry_run=dry_run, **options)

    assert answered(answer) == expected, answer.text
    assert HIDDEN not in answer.text
    assert KEY.search(answer.text) is None
    assert world["user"] not in answer.text
    assert world["blocker"] not in answer.text
    assert [reason["fix"] for reason in answer.json.get("reasons", ())] in ([], [None])
    assert "todo" not in answer.text


def test_who_has_taken_a_task_is_not_told_to_who_may_not_read(client: Client, world: World) -> None:
    writer = client.as_("member", "tasks:write")

    answer = writer.put(f"tasks/{world['task']}/assignee", {"assignee_id": "me"})

    problem(answer, "already_assigned")
    assert world["user"] not in answer.text


@pytest.mark.parametrize("name", ["create_task", "create_comment"])
def test_a_retry_with_a_token_that_may_not_read_is_not_answered_with_more(
    name: str, client: Client, world: World
) -> None:
    reader, writer = client.as_("ada"), client.as_("ada", "tasks:write")
    headers = {"Idempotency-Key": name}

    full = world.ask(reader, BY_NAME[name], headers=headers)
    retried = world.ask(writer, BY_NAME[name], headers=headers)

    assert len(full.json) > len(RECEIPT)
    problem(retried, "idempotency_mismatch")


@every_operation
def test_an_admin_succeeds(operation: Operation, client: Client, world: World) -> None:
    answer = world.ask(client.as_("admin"), operation)

    assert answer.status_code == operation.status, answer.text


def test_every_operation_of_a_bulk_is_walked() -> None:
    assert set(IN_BULK) == set(BULK_OPERATIONS)


@pytest.mark.parametrize("who", EVERYBODY)
def test_in_a_bulk_each_operation_is_judged_like_its_single_call(
    who: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    caller = client.as_(who)
    found = {}

    with nothing_changes():
        for op, (fields, _) in IN_BULK.items():
            body = {"operations": [{"op": op} | world.fill(fields)], "mode": "each"}
            (result,) = caller.post("tasks/bulk", body, dry_run="true").json["results"]
            found[op] = result["problem"]["code"] if "problem" in result else result["status"]

    assert found == {op: BY_NAME[single].expected(who) for op, (_, single) in IN_BULK.items()}


@every_operation
def test_who_is_not_known_is_told_how_to_get_in(operation: Operation, client: Client, world: World) -> None:
    if operation.scopes is not None:
        answer = world.ask(client, operation)

        problem(answer, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@every_operation
def test_every_documented_default_may_be_sent_and_changes_nothing(
    operation: Operation, client: Client, world: World
) -> None:
    (described,) = (
        found
        for path in client.get("/openapi.json").json["paths"].values()
        for method, found in path.items()
        if method in METHODS and found["operationId"] == operation.name
    )
    defaults = {
        parameter["name"]: _as_sent(parameter["schema"]["default"])
        for parameter in described.get("parameters", ())
        if parameter["in"] == "query" and "default" in parameter["schema"]
    }
    admin = client.as_("admin")
    plain = world.ask(admin, operation).json if operation.method == "GET" else None

    answer = world.ask(admin, operation, **defaults)

    assert answer.status_code == operation.status, (defaults, answer.text)
    if plain is not None:
        assert answer.json == plain


def _as_sent(default: Any) -> str | list[str]:
    """A list is a parameter that may be repeated, and an empty one is not sent at all."""
    if isinstance(default, list):
        return list(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


@every_question
def test_a_head_request_is_answered_like_a_get_without_the_body(
    operation: Operation, client: Client, world: World
) -> None:
    admin = client.as_("admin")
    path = world.fill(operation.path)

    head, get = admin.open("HEAD", path), admin.get(path)

    assert (head.status_code, head.data) == (get.status_code, b"")
    assert _lasting(head) == _lasting(get)


def _lasting(answer: Answer) -> dict[str, str]:
    """The headers, but for what tells one request from another: its id, and the time in a list's tag."""
    headers = {name: value for name, value in answer.headers if name != "X-Request-Id"}
    return {name: value.rpartition(".")[2] if name == "ETag" else value for name, value in headers.items()}
