"""What a script meets that the API never does: wrong actors, a closed connection, queries by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.bootstrap import open_services
from taskmgr.domain.model.account import Person
from taskmgr.domain.model.errors import Closed, DomainError, Invalid
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import CLOSED, OPEN, Category
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import MAX_LIMIT, PageRequest
from taskmgr.domain.queries.task_query import Sort, TaskQuery
from taskmgr.domain.services import Services
from taskmgr.settings import Settings
from tests.answers import mistakes
from tests.factories import SYSTEM, a_user, an_id

MakeTask = Callable[..., Task]

# --- who acts

# Every method that takes `by`, and with what else it is called here; the braces are ids.
CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "tasks.get": (("{task}",), {}),
    "tasks.get_record": (("{task}",), {}),
    "tasks.list": ((), {}),
    "tasks.list_records": ((TaskQuery(), PageRequest()), {}),
    "tasks.iterate": ((), {}),
    "tasks.transitions": (("{task}",), {}),
    "tasks.create": ((), {"title": "Plan"}),
    "tasks.change": (("{task}", {"title": "Plan"}), {}),
    "tasks.change_status": (("{task}",), {"status": "backlog"}),
    "tasks.change_priority": (("{task}",), {"priority": "low"}),
    "tasks.assign": (("{task}",), {"assignee_id": "me"}),
    "tasks.rank": (("{task}",), {"first": True}),
    "tasks.block": (("{task}", "{other}"), {}),
    "tasks.unblock": (("{task}", "{other}"), {}),
    "tasks.bin": (("{task}",), {}),
    "tasks.restore": (("{binned}",), {}),
    "comments.list": (("{task}",), {}),
    "comments.get": (("{task}", "{comment}"), {}),
    "comments.create": (("{task}",), {"text": "Soon."}),
    "comments.change": (("{task}", "{comment}"), {"text": "Now."}),
    "comments.delete": (("{task}", "{comment}"), {}),
    "projects.get": (("ops",), {}),
    "projects.get_with_counts": (("ops",), {}),
    "projects.find_keys": ((["ops"],), {}),
    "projects.default": ((), {}),
    "projects.list": ((), {}),
    "projects.list_with_counts": ((), {}),
    "projects.iterate": ((), {}),
    "projects.create": ((), {"key": "WEB", "name": "Website"}),
    "projects.change": (("OPS", {"name": "Operations"}), {}),
    "users.get": (("{user}",), {}),
    "users.get_by_username": (("ada",), {}),
    "users.get_many": ((["{user}"],), {}),
    "users.find_keys": ((["ada"],), {}),
    "users.iterate": ((), {}),
    "users.list": ((), {}),
    "users.list_with_tasks": ((), {}),
    "users.list_with_records": ((PageRequest(),), {"tasks_limit": 5}),
    "users.create": ((), {"username": "grace", "name": "Grace"}),
    "users.change": (("{user}", {"name": "Ada L."}), {}),
    "bulk.run": (([{"op": "create", "title": "Plan"}],), {}),
    "bulk.change_where": ((TaskQuery(), {"title": "Plan"}), {"expect": 2}),
    "derived.of": (([],), {}),
    "statistics.of": ((), {}),
    "statistics.flow": ((), {}),
    "statistics.cycle_times": ((), {}),
    "statistics.labels": ((), {}),
    "activity.list": ((), {}),
    "activity.of_task": (("{task}",), {}),
    "accounts.list": (("{user}",), {}),
    "accounts.methods": ((), {}),
    "accounts.end": (("{account}",), {}),
    "sessions.list": (("{user}",), {}),
    "sessions.end": (("{session}",), {}),
    "links.create": (("{user}",), {}),
    "passwords.change": ((), {"current_password": "x", "password": "y"}),
    "tokens.list": (("{user}",), {}),
    "tokens.create": ((), {"name": "job", "user_id": "{user}"}),
    "tokens.revoke": (("{token}",), {}),
    "feed.head": ((), {}),
    "feed.changes": ((), {}),
    "feed.tasks": (([],), {}),
    "inbox.list": ((), {}),
    "inbox.count_unread": ((), {}),
    "inbox.mark_read": ((), {"ids": []}),
    "inbox.watch": (("{task}",), {}),
    "inbox.unwatch": (("{task}",), {}),
    "inbox.is_watching": (("{task}",), {}),
    "inbox.channels": ((), {}),
    "inbox.choose": (({"moved": "mail"},), {}),
    "views.list": ((), {}),
    "views.get": (("{view}",), {}),
    "views.create": ((), {"name": "Mine"}),
    "views.change": (("{view}", {"name": "Ours"}), {}),
    "views.delete": (("{view}",), {}),
    "webhooks.list": ((), {}),
    "webhooks.get": (("{webhook}",), {}),
    "webhooks.deliveries": (("{webhook}",), {}),
    "webhooks.create": ((), {"url": "https://hooks.example.org/tasks"}),
    "webhooks.change": (("{webhook}", {"active": False}), {}),
    "webhooks.rotate_secret": (("{webhook}",), {}),
    "webhooks.delete": (("{webhook}",), {}),
    "webhooks.test": (("{webhook}",), {}),
    "webhooks.redeliver": (("{webhook}", "{webhook}:1"), {}),
    "webhooks.replay": (("{webhook}",), {"since": 0}),
}
# Not for scripts.
INTERNAL = {
    "idempotency.run", "feed.start", "accounts.link", "accounts.require_linking", "demo.create",
    "demo.require_empty",
}  # fmt: skip


@pytest.fixture
def ids(services: Services, make_task: MakeTask) -> dict[str, str]:
    binned = make_task()
    services.tasks.bin(binned.id, by=SYSTEM)
    task = make_task().id
    user = services.users.create(by=SYSTEM, username="ada", name="Ada").id
    services.projects.create(by=SYSTEM, key="OPS", name="Operating")
    return {
        "task": task,
        "other": make_task().id,
        "binned": binned.id,
        "user": user,
        "comment": services.comments.create(task, text="Well.", by=SYSTEM).id,
        "session": services.links.use(
            services.links.create(user, by=SYSTEM).text, password="correct horse battery"
        ).session.id,
        "account": services.accounts.link(
            Person(issuer="https://id.example.org", subject="1"), by=services.actor("ada")
        ).id,
        "token": services.tokens.create(by=SYSTEM, user_id=user, name="laptop").token.id,
        "view": an_id(),
        "webhook": an_id(),  # the actor is judged first
    }


def methods_with_an_actor(services: Services) -> set[str]:
    return {
        f"{field.name}.{name}"
        for field in fields(services)
        if is_dataclass(service := getattr(services, field.name))
        for name, method in inspect.getmembers(service, inspect.ismethod)
        if not name.startswith("_") and "by" in inspect.signature(method).parameters
    }


def filled(given: Any, ids: dict[str, str]) -> Any:
    if isinstance(given, str):
        return given.format_map(ids)
    if isinstance(given, list):
        return [filled(item, ids) for item in given]
    return given


def test_the_table_has_every_method_that_takes_an_actor(services: Services) -> None:
    assert methods_with_an_actor(services) - INTERNAL == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_name_in_place_of_an_actor_is_told_how_to_come_by_one(
    name: str, services: Services, ids: dict[str, str]
) -> None:
    service, method = name.split(".")
    args, given = CALLS[name]
    call = getattr(getattr(services, service), method)
    positional = [filled(each, ids) for each in args]
    keywords = {key: filled(value, ids) for key, value in given.items()}

    def ask() -> None:
        answer = call(*positional, by="ada", **keywords)
        if isinstance(answer, Iterator):
            next(answer)

    with pytest.raises(TypeError) as caught:
        ask()
    assert str(caught.value) == (
        'by= must be an actor, as returned by services.actor("ada") or services.system("nightly-triage"); '
        "this is 'ada'."
    )


def test_me_is_the_acting_user(services: Services, make_task: MakeTask, member: Actor) -> None:
    task = services.tasks.assign(make_task().id, assignee_id="me", by=member)
    assert task.assignee_id == member.user_id
    assert services.tasks.change(task.id, {"assignee_id": "me"}, by=member) == task
    assert services.tasks.create(title="Plan", assignee_id="me", by=member).assignee_id == member.user_id
    operations = [{"op": "assign", "id": make_task().id, "assignee_id": "me"}]
    (result,) = services.bulk.run(operations, by=member).results
    assert result.task is not None
    assert result.task.assignee_id == member.user_id


def test_a_system_process_is_nobodys_me(services: Services, make_task: MakeTask) -> None:
    changes = {"assignee_id": "me", "title": ""}
    call = lambda: services.tasks.change(make_task().id, changes, by=SYSTEM)  # noqa: E731
    assert mistakes(call) == [("assignee_id", "not_allowed"), ("title", "blank")]
    with pytest.raises(Invalid, match="`me` means the acting user, but system:tests is not a user"):
        services.tasks.create(title="Plan", assignee_id="me", by=SYSTEM)


# --- after the block


def test_services_used_behind_their_block_say_so(
    database: Database[Any], mongodb_uri: str, member: Actor
) -> None:
    with open_services(Settings(mongodb_uri=mongodb_uri, database=database.name)) as services:
        kept = services.tasks.iterate(by=member)
        assert services.tasks.list(by=member).items == []
    calls: list[Callable[[], object]] = [
        lambda: services.tasks.list(by=member),
        lambda: services.tasks.create(title="Too late", by=member),
        lambda: services.actor("member"),
        lambda: next(kept),
    ]
    for call in calls:
        with pytest.raises(Closed) as caught:
            call()
        assert isinstance(caught.value, DomainError)
        assert str(caught.value) == (
            "The connection is closed: use the services inside `with taskmgr.connect()`."
        )


# --- queries by hand


def test_a_query_of_what_there_cannot_be_is_invalid_and_changes_nothing(
    services: Services, make_task: MakeTask
) -> None:
    make_task()
    wrong = TaskQuery(statuses=("done",), sort=(Sort("age"),))
    expected = [("query.statuses.0", "not_allowed"), ("query.sort", "not_allowed")]
    assert mistakes(lambda: services.tasks.list(wrong, by=SYSTEM)) == expected
    assert mistakes(lambda: list(services.tasks.iterate(wrong, by=SYSTEM))) == expected
    call = lambda: services.bulk.change_where(wrong, {"priority": "low"}, expect=0, by=SYSTEM)  # noqa: E731
    assert mistakes(call) == expected


def test_a_query_takes_labels_and_priorities_as_commands_do(services: Services, make_task: MakeTask) -> None:
    made = make_task(labels=["Audit"], priority="high")
    make_task()
    query = TaskQuery(labels=("Audit",), priorities=("high",))  # type: ignore[arg-type]
    assert services.tasks.list(query, by=SYSTEM).items == [made]
    assert list(services.tasks.iterate(query, by=SYSTEM)) == [made]
    done = services.bulk.change_where(query, {"priority": "low"}, expect=1, by=SYSTEM)
    assert [result.task and result.task.id for result in done.results] == [made.id]


def test_a_query_by_category_asks_what_the_policy_says(services: Services, make_task: MakeTask) -> None:
    ready, cancelled = make_task(), make_task()
    cancelled = services.tasks.change_status(cancelled.id, status="cancelled", reason="No need", by=SYSTEM)

    assert list(services.tasks.iterate(TaskQuery(categories=OPEN), by=SYSTEM)) == [ready]
    assert list(services.tasks.iterate(TaskQuery(categories=CLOSED, statuses=("todo",)), by=SYSTEM)) == []
    assert services.tasks.category(ready) == "unstarted"
    assert services.tasks.category(cancelled) is Category.CANCELLED


def test_users_are_iterated_over_beyond_one_page(services: Services, store: Store) -> None:
    made = [a_user(username=f"user-{number:03}") for number in range(MAX_LIMIT + 1)]
    for user in made:
        store.users.add(user)

    assert list(services.users.iterate(by=SYSTEM)) == made
