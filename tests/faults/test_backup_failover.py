"""Backups and restores while the primary of three members steps down: whole, or not at all and clearly so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import PyMongoError

from benchmarks.data import fill
from taskmgr.infrastructure.mongo.client import open_database
from tests.faults.replica_set import ReplicaSet, has_primary, running_replica_set
from tests.faults.test_backup import run_well, start
from tests.running import PATIENCE, Outcome, Settings, wait_until

pytestmark = pytest.mark.slow

TASKS = 300  # more than the first batch of a cursor
_BLOCKED = 1_000  # milliseconds; the primary steps down meanwhile


@pytest.fixture(scope="module")
def members() -> Iterator[ReplicaSet]:
    with running_replica_set() as running:
        yield running


@pytest.fixture(scope="module")
def database(members: ReplicaSet) -> Iterator[Database[Any]]:
    database = open_database(members.uri, "taskmgr")
    with database.client:
        assert wait_until(lambda: has_primary(database))
        fill(database, TASKS)
        yield database


@pytest.fixture
def settings(members: ReplicaSet, database: Database[Any]) -> Settings:
    assert wait_until(lambda: members.is_complete(database.client["tests"]))
    return {"MONGODB_URI": members.uri}


def run_through_step_down(
    members: ReplicaSet, database: Database[Any], words: list[str], command: str, number: int
) -> Outcome:
    """Runs `taskmgr …`; the primary steps down while the nth such command is on its way."""
    old = members.primary(database)
    with members.client(old) as primary:
        blocked = {"failCommands": [command], "blockConnection": True, "blockTimeMS": _BLOCKED}
        fail = {"mode": "alwaysOn", "data": {**blocked, "appName": "taskmgr"}}
        times = primary.admin.command("configureFailPoint", "failCommand", **fail)["count"]
        with start({"MONGODB_URI": members.uri}, *words) as process:
            reached = {"timesEntered": times + number, "maxTimeMS": int(PATIENCE * 1_000)}
            primary.admin.command("waitForFailPoint", "failCommand", **reached)
            with suppress(PyMongoError):  # the server closes the connection
                primary.admin.command("replSetStepDown", 20, secondaryCatchUpPeriodSecs=10)
            out, err = process.communicate(timeout=PATIENCE)
        primary.admin.command("configureFailPoint", "failCommand", mode="off")
    assert members.primary(database) != old
    return Outcome(process.returncode, out.decode(), err.decode())


@pytest.mark.parametrize(("command", "number"), [("getMore", 2), ("find", 6), ("find", 40)])
def test_a_backup_is_whole_or_not_there(
    members: ReplicaSet,
    database: Database[Any],
    settings: Settings,
    tmp_path: Path,
    command: str,
    number: int,
) -> None:
    file = tmp_path / "saved"
    outcome = run_through_step_down(members, database, ["db", "backup", str(file)], command, number)

    if outcome.status == 0:
        assert f"{TASKS} tasks" in run_well(settings, "db", "verify", str(file)).out
    else:
        assert "The backup was interrupted" in outcome.err
        assert list(tmp_path.iterdir()) == []


RESTORES = [("insert", 1), ("insert", 2), ("find", 6), ("createIndexes", 2), ("renameCollection", 5)]


@pytest.mark.parametrize(("command", "number"), RESTORES)
def test_a_restore_leaves_the_old_data_or_the_new(
    members: ReplicaSet,
    database: Database[Any],
    settings: Settings,
    tmp_path: Path,
    command: str,
    number: int,
) -> None:
    file, later = str(tmp_path / "saved"), f"later-{command.lower()}-{number}"
    run_well(settings, "db", "backup", file)
    run_well(settings, "users", "add", later)
    words = ["db", "restore", "--replace", file]
    outcome = run_through_step_down(members, database, words, command, number)

    is_old = "Nothing was changed: repeat it." in outcome.err
    assert is_old or outcome.status == 0 or "run `taskmgr db migrate`" in outcome.err, outcome
    run_well(settings, "db", "migrate")
    assert (later in run_well(settings, "users", "list").out) == is_old
    assert not database.list_collection_names(filter={"name": {"$regex": "^restoring_"}})
    run_well(settings, "doctor")
