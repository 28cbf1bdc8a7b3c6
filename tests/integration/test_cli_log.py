"""`taskmgr log`: an export that can be verified anywhere, and the verification of the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.factories import SYSTEM
from tests.feeds import log_row, row_with_invalid_utf8, sequencing, wait_until_complete
from tests.running import Outcome, Settings, run_here

Log = Callable[..., Outcome]


@pytest.fixture
def log(database: Database[Any], mongodb_uri: str, make_task: Callable[..., Task], services: Services) -> Log:
    """Runs `taskmgr log …` on a database with eight entries, all of them in the feed."""
    with sequencing(mongodb_uri, database.name):
        ensure_default_project(database)
        for title in ("One", "Two 🎉", "Three"):
            task = make_task(title=title)
            services.tasks.change(task.id, {"description": "Long"}, by=SYSTEM)
        make_task()
        wait_until_complete(database)
    settings: Settings = {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}
    return lambda *words: run_here(settings, "log", *map(str, words))


def head_of(outcome: Outcome) -> str:
    """Returns the head that a command has printed in the end."""
    assert outcome.status == 0, outcome
    return outcome.out.split()[-1].removesuffix(".")


def test_an_export_has_every_entry_and_can_be_verified(
    log: Log, database: Database[Any], tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"

    head = head_of(log("export", file))

    rows = [json.loads(line) for line in file.read_bytes().split(b"\n")[1:-1]]
    assert [row["seq"] for row in rows] == list(range(1, 9))
    assert {row["entry"]["id"] for row in rows} == {str(row["_id"]) for row in database.activity.find()}
    assert head_of(log("verify", file)) == head_of(log("verify", file, "--head", head)) == head
    assert head_of(log("verify", "--head", head)) == head
    assert [each.name for each in tmp_path.iterdir()] == ["log.jsonl"]


def test_an_export_can_begin_after_an_entry(log: Log, tmp_path: Path) -> None:
    whole, rest = tmp_path / "whole", tmp_path / "rest"
    head = head_of(log("export", whole))

    assert head_of(log("export", rest, "--since", 4)) == head

    assert rest.read_bytes().split(b"\n")[1:] == whole.read_bytes().split(b"\n")[5:]
    assert head_of(log("verify", rest)) == head
    assert log("verify", rest, "--head", f"3:{'0' * 64}").status == 1


def test_an_export_that_fails_leaves_the_file_as_it_was(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("before")

    outcome = log("export", file, "--since", 9)

    assert (outcome.status, file.read_text()) == (2, "before")
    assert "The log has no entry 9: it ends with 8." in outcome.err
    assert [each.name for each in tmp_path.iterdir()] == ["log"]


def test_an_altered_file_is_found(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "log"
    log("export", file)
    file.write_bytes(file.read_bytes().replace(b"Three", b"Seven"))

    outcome = log("verify", file)

    assert outcome.status == 1
    assert outcome.out == "Line 7: the hash of entry 6 does not follow from it and the hash before.\n"


def test_the_entries_that_no_sequencer_has_reached_are_no_finding(
    log: Log, make_task: Callable[..., Task]
) -> None:
    make_task()

    assert head_of(log("verify")).startswith("8:")


Damage = Callable[[Any], object]
_OLD = ObjectId.from_datetime(datetime(2024, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda db: db.feed.delete_one({"_id": 3}), "feed 4: The numbers before it are missing, from 3 on."),
        (
            lambda db: db.feed.delete_many({"_id": {"$gt": 5}}),
            "feed 8: It does not exist, but had ",
        ),
        (
            lambda db: db.tasks.update_one({"title": "One"}, {"$set": {"description": "By hand"}}),
            "The log leads to other values of: description.",
        ),
        (
            lambda db: db.activity.update_one({"after.title": "Three"}, {"$set": {"reason": "Another"}}),
            "feed 6: Its hash does not follow from entry ",
        ),
        (lambda db: db.activity.delete_one({"after.title": "Three"}), "feed 6: The log lacks its entry "),
        (
            lambda db: db.activity.update_one({"after.title": "Three"}, {"$unset": {"kind": 1}}),
            "feed 6: Its hash does not follow from entry ",
        ),
        (
            lambda db: db.activity.insert_one(row_with_invalid_utf8({**log_row(), "_id": _OLD})),
            f"entry {_OLD}: The feed does not have it.",
        ),
    ],
)  # fmt: skip
def test_what_is_done_to_the_database_is_found(
    log: Log, database: Database[Any], damage: Damage, found: str
) -> None:
    head = head_of(log("verify"))
    damage(database)

    outcome = log("verify", "--head", head)

    assert outcome.status == 1
    assert found in outcome.out


@pytest.mark.parametrize(
    "damage",
    [
        lambda log: log.delete_one({"after.title": "Three"}),
        lambda log: log.update_one({"after.title": "Three"}, {"$unset": {"kind": 1}}),
        lambda log: log.update_one({"after.title": "Three"}, {"$set": {"after.title": 1.5}}),
    ],
)
def test_an_export_names_what_the_log_lacks_and_what_cannot_be_read(
    log: Log, database: Database[Any], tmp_path: Path, damage: Damage
) -> None:
    damage(database.activity)

    outcome = log("export", tmp_path / "log")

    assert outcome.status == 1
    assert "Entry 6 is missing in the log or cannot be read: run `taskmgr log verify`." in outcome.out
    assert "entry 6 is missing" in log("verify", tmp_path / "log").out


def test_what_is_no_head_is_refused(log: Log) -> None:
    outcome = log("verify", "--head", "5:abc")

    assert outcome.status == 2
    assert "Must be a number, a colon and 64 hexadecimal digits" in outcome.err
