"""`taskmgr doctor`: every planted defect is found and named, and a store in order has no finding."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.running import Settings, run_here

NOBODY = ObjectId("0123456789abcdef01234567")
Plant = Callable[[Database[Any], Task], object]


@pytest.fixture
def settings(database: Database[Any], mongodb_uri: str) -> Settings:
    ensure_default_project(database)
    return {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user("ada", role=Role.ADMIN)


@pytest.fixture
def task(services: Services, ada: User) -> Task:
    """A task with all that the rules look at: an assignee, a due date, a parent, a blocker, a comment."""
    by = Actor.of(ada)
    parent, blocker = (services.tasks.create(title=title, by=by) for title in ("Parent", "Blocker"))
    made = services.tasks.create(
        title="Écrire le rapport", due_date="2026-04-01", assignee_id=ada.id, labels=["docs"],
        parent_id=parent.id, blocked_by=[blocker.id], by=by,
    )  # fmt: skip
    comment = services.comments.create(made.id, text="First", by=by)
    services.comments.change(made.id, comment.id, text="Second", by=by)
    deleted = services.comments.create(made.id, text="A mistake", by=by)
    services.comments.delete(made.id, deleted.id, by=by)
    services.tokens.create(name="board", by=by)
    services.tasks.bin(services.tasks.create(title="Rubbish", by=by).id, by=by)
    return services.tasks.change(made.id, {"priority": "high"}, by=by)


def findings(settings: Settings) -> list[str]:
    """Returns the findings, after comparing the lines for people with those for programs."""
    as_text = run_here(settings, "doctor")
    as_json = run_here(settings, "doctor", "--json")
    found = [json.loads(line) for line in as_json.out.splitlines()]
    assert all(finding.keys() == {"subject", "key", "code", "detail"} for finding in found)
    lines = [f"{named(finding)}: {finding['detail']}" for finding in found]
    assert as_text.status == as_json.status == (1 if lines else 0), as_text.err
    assert as_text.out.splitlines() == (lines or ["Everything is in order."])
    return [f"{finding['subject']}: {finding['detail']}" for finding in found]


def named(finding: Mapping[str, str | None]) -> str:
    """Returns the subject of a finding as it is printed for people."""
    kind, _, identifier = str(finding["subject"]).partition(" ")
    return f"{kind} {finding['key']} ({identifier})" if finding["key"] else f"{finding['subject']}"


def test_a_store_in_order_has_no_finding(settings: Settings, task: Task) -> None:
    assert findings(settings) == []


def test_an_empty_store_is_in_order(settings: Settings) -> None:
    assert findings(settings) == []


def change(**fields: Any) -> Plant:
    return lambda database, task: database.tasks.update_one({"_id": ObjectId(task.id)}, {"$set": fields})


def change_all(collection: str, fields: Mapping[str, Any]) -> Plant:
    return lambda database, _: database[collection].update_many({}, {"$set": fields})


def relate(**fields: str) -> Plant:
    """Sets relations to the task itself, or to the parent that it has."""

    def plant(database: Database[Any], task: Task) -> None:
        ids = {"itself": ObjectId(task.id), "its parent": ObjectId(task.parent_id)}
        where = {"_id": ids[fields.pop("of", "itself")]}
        database.tasks.update_one(where, {"$set": {name: [ids[target]] for name, target in fields.items()}})

    return plant


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (change(title_key="something else"),
         "task {id}: Its derived fields are outdated: title_key: run `taskmgr db migrate`."),
        (change(colour="red"), "task {id}: It is not stored as it should be: colour."),
        (change(priority_rank=17), "outdated: priority_rank: run `taskmgr db migrate`."),
        (change(title="X" * 201), "task {id}: It cannot be read (ValidationError: "),
        (lambda database, task: database.tasks.update_one(
            {"_id": ObjectId(task.id)}, {"$unset": {"labels": 1}}),
         "task {id}: It cannot be read (KeyError: 'labels')."),
        (change(description="By hand"), "task {id}: The log leads to other values of: description."),
        (change(version=7), "task {id}: Its version is 7, but the log ends with version 2."),
        (lambda database, task: database.activity.delete_one({"entity_id": ObjectId(task.id), "version": 1}),
         "task {id}: The log has a gap: version 2 is the first."),
        (lambda database, task: database.tasks.delete_one({"_id": ObjectId(task.id)}),
         "task {id}: It does not exist, but the log has entries of it."),
        (change(status="pondering"),
         "tasks: 1 task has the status 'pondering', which is not in the policy: {id}."),
        (change(status="in_review", assignee_id=None),
         "task {id}: Its status is in_review, but it has no assignee."),
        (change(status="completed"), "task {id}: Its status is completed, but completed_at is empty."),
        (change(assignee_id=NOBODY), f"task {{id}}: Its assignee {NOBODY} does not exist."),
        (change(created_by=str(NOBODY)), f"task {{id}}: Its creator {NOBODY} does not exist."),
        (change(parent_id=NOBODY), f"task {{id}}: Its parent {NOBODY} does not exist."),
        (change(blocked_by=[NOBODY]), f"task {{id}}: Its blocker {NOBODY} does not exist."),
        (relate(blocked_by="itself"), "task {id}: It waits for itself."),
        (relate(blocked_by="its parent"), "It waits for itself, through: "),
        (lambda database, task: database.tasks.update_one(
            {"_id": ObjectId(task.parent_id)}, {"$set": {"binned": True, "deleted_at": task.updated_at}}),
         "task {id}: Its parent {parent} is in the bin."),
        (lambda database, _: database.tasks.insert_one({"_id": "by hand"}),
         "task 'by hand': It was not written by taskmgr: its id is not an ObjectId."),
        (change_all("comments", {"task_id": NOBODY}),
         f"Its task {NOBODY} does not exist."),
        (change_all("comments", {"author_id": str(NOBODY)}),
         f"Its author {NOBODY} does not exist."),
        (change_all("tokens", {"user_id": NOBODY}),
         f"Its user {NOBODY} does not exist."),
        (change_all("users", {"role": "member"}),
         "users: No admin is active: run `taskmgr users set-role NAME admin`."),
        (change_all("users", {"email_key": "x"}),
         "Its derived fields are outdated: email_key: run `taskmgr db migrate`."),
    ],
)  # fmt: skip
def test_a_planted_defect_is_found_and_named(
    settings: Settings, database: Database[Any], task: Task, plant: Plant, found: str
) -> None:
    plant(database, task)

    wanted = found.format(id=task.id, parent=task.parent_id)
    assert any(wanted in line for line in findings(settings)), findings(settings)


def test_a_finding_names_a_task_by_its_key_and_its_id(
    settings: Settings, database: Database[Any], task: Task
) -> None:
    change(version=7)(database, task)

    detail = "Its version is 7, but the log ends with version 2."
    assert run_here(settings, "doctor").out == f"task {task.key} ({task.id}): {detail}\n"
    assert json.loads(run_here(settings, "doctor", "--json").out) == {
        "subject": f"task {task.id}", "key": task.key, "code": "log_gap", "detail": detail,
    }  # fmt: skip


@pytest.mark.parametrize("key", [None, 7])
def test_a_finding_names_a_task_without_a_key_by_its_id(
    settings: Settings, database: Database[Any], task: Task, key: object
) -> None:
    change(key=key)(database, task)

    assert any(line.startswith(f"task {task.id}: ") for line in run_here(settings, "doctor").out.splitlines())


def test_missing_and_foreign_indexes_are_found(settings: Settings, database: Database[Any]) -> None:
    database.tasks.drop_index("subtasks")
    database.users.create_index("name", name="by_hand")
    try:
        assert findings(settings) == [
            "database: The index tasks.subtasks is missing: run `taskmgr db migrate`.",
            "database: The index users.by_hand is not the declared one: run `taskmgr db migrate`.",
        ]
    finally:
        migrate(database, DEFAULT_POLICY.time_zone)


def test_a_collection_that_is_not_taskmgrs_is_mentioned_and_no_finding(
    settings: Settings, database: Database[Any]
) -> None:
    database.notes.insert_one({"text": "Buy milk"})
    try:
        outcome = run_here(settings, "doctor")
    finally:
        database.drop_collection("notes")

    assert (outcome.status, outcome.out) == (0, "Everything is in order.\n")
    assert "Skipped the collection notes, which does not belong to taskmgr.\n" in outcome.err


def test_no_stored_text_reaches_the_terminal_as_a_command(
    settings: Settings, database: Database[Any]
) -> None:
    name = "\x1b[31m\x9b1m"
    database.users.create_index("name", name=name)
    database.create_collection(name)
    try:
        runs = [run_here(settings, "doctor"), run_here(settings, "doctor", "--json")]
    finally:
        database.drop_collection(name)
        migrate(database, DEFAULT_POLICY.time_zone)

    assert all("u009b" in run.out and "u009b" in run.err for run in runs)
    assert not [run for run in runs if set("\x1b\x9b") & set(run.out + run.err)]
