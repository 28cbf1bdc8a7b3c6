"""`taskmgr db backup`, `restore` and `verify`, as an operator uses them."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import bson
import pytest
from bson.codec_options import CodecOptions
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.integration.backups import contents, findings, leftovers, open_backup
from tests.integration.test_schema_version_2 import INTERNAL, fields_of_row, plain, read_everything
from tests.running import COMMAND, Settings, environment, run_here

FIRST_SCHEMA_VERSION = Path(__file__).parent / "fixtures" / "schema_version_1.backup"
BERLIN = replace(DEFAULT_POLICY, time_zone=ZoneInfo("Europe/Berlin"))


@pytest.fixture
def settings(database: Database[Any], mongodb_uri: str, make_task: Callable[..., Task]) -> Settings:
    """A database with one task."""
    ensure_default_project(database)
    make_task(title="Before")
    return {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}


@pytest.fixture
def fresh_settings(fresh: Database[Any], mongodb_uri: str) -> Settings:
    """A database that nobody has used yet."""
    return {"MONGODB_URI": mongodb_uri, "DATABASE": fresh.name, "TIMEZONE": "Europe/Berlin"}


@pytest.fixture
def file(settings: Settings, tmp_path: Path) -> Path:
    """A backup of the database with one task."""
    saved = tmp_path / "saved"
    outcome = run_here(settings, "db", "backup", str(saved))
    assert outcome.status == 0, outcome.err
    return saved


def test_a_backup_is_a_file_that_only_its_owner_may_read(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.write_text("an earlier backup")
    file.chmod(0o644)

    outcome = run_here(settings, "db", "backup", str(file))

    assert outcome.status == 0
    assert outcome.out.startswith("Saved 1 task, 0 users and ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_a_backup_is_restored_with_one_command(
    settings: Settings, file: Path, database: Database[Any], make_task: Callable[..., Task]
) -> None:
    before = contents(database)
    make_task(title="After")

    refused = run_here(settings, "db", "restore", str(file))
    restored = run_here(settings, "db", "restore", str(file), "--replace")

    assert (refused.status, refused.out) == (1, "")
    assert "is not empty. Give --replace" in refused.err
    assert (restored.status, restored.err) == (0, "")
    assert restored.out.startswith("Restored 1 task, 0 users and ")
    assert contents(database) == before


def test_a_backup_can_be_written_to_a_pipe_and_read_from_one(
    settings: Settings, fresh_settings: Settings, database: Database[Any], fresh: Database[Any]
) -> None:
    target = {**fresh_settings, "TIMEZONE": "UTC"}
    saved = subprocess.run(
        [COMMAND, "db", "backup", "-"], env=environment(settings), capture_output=True, check=True
    )
    restored = subprocess.run(
        [COMMAND, "db", "restore", "-"], env=environment(target), input=saved.stdout, capture_output=True
    )

    assert saved.stderr.startswith(b"Saved 1 task")
    assert restored.stdout.startswith(b"Restored 1 task"), restored.stderr
    assert contents(fresh) == contents(database)


def test_a_backup_is_checked_without_a_database(file: Path) -> None:
    nowhere = {"MONGODB_URI": "mongodb://127.0.0.1:1/", "SECRET_KEY": "x" * 32}
    text, machine = (run_here(nowhere, "db", "verify", str(file), *flags) for flags in ([], ["--json"]))

    assert text.out.startswith("The backup is complete: 1 task, 0 users and ")
    assert machine.json["stored_form"] == 3
    assert machine.json["documents"]["tasks"] == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-1], "is not complete: its end is missing"),
        (lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:], "is damaged"),
        (lambda content: content * 2, "goes on after the end of the backup"),
        (lambda content: content[:0], "is empty"),
        (lambda content: b"PK" + content, "is not a backup made by `taskmgr db backup`"),
    ],
    ids=["cut", "changed", "twice", "empty", "another format"],
)
def test_a_damaged_backup_is_refused_in_a_line_and_changes_nothing(
    settings: Settings,
    file: Path,
    database: Database[Any],
    damage: Callable[[bytes], bytes],
    message: str,
) -> None:
    before = contents(database)
    file.write_bytes(damage(file.read_bytes()))

    for words in (["verify"], ["restore", "--replace"]):
        outcome = run_here(settings, "db", *words, str(file))
        assert outcome.status == 1
        assert message in outcome.err
        assert outcome.err.count("\n") == 1

    assert contents(database) == before
    assert leftovers(database) == []


def test_a_file_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    lacking = run_here(settings, "db", "backup", str(tmp_path / "lacking" / "saved"))
    device = run_here(settings, "db", "backup", "/dev/null")
    folder = run_here(settings, "db", "backup", str(tmp_path))

    assert lacking.err.endswith("saved cannot be written: No such file or directory.\n")
    assert device.err == "/dev/null is not a regular file: use - to write to the standard output.\n"
    assert folder.err == f"{tmp_path} is not a regular file: use - to write to the standard output.\n"


def test_a_full_disk_leaves_the_last_backup_as_it_is(settings: Settings, file: Path) -> None:
    before = file.read_bytes()
    limited = f"ulimit -f 1; trap '' XFSZ; exec {COMMAND} db backup {file}"  # in blocks of 512 or 1,024 bytes

    outcome = subprocess.run(["sh", "-c", limited], env=environment(settings), capture_output=True, text=True)

    assert outcome.returncode == 1
    assert outcome.stderr == f"{file} cannot be written: File too large.\n"
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_backup_of_the_first_schema_version_is_restored_and_migrated(
    fresh_settings: Settings, fresh: Database[Any]
) -> None:
    outcome = run_here(fresh_settings, "db", "restore", str(FIRST_SCHEMA_VERSION))

    assert outcome.status == 0, outcome.err
    assert findings(fresh, BERLIN) == []
    assert run_here(fresh_settings, "doctor").out == "Everything is in order.\n"
    services = build_services(mongo_store(fresh), policy=BERLIN)
    read = {
        name: {entity.id: entity for entity in entities}
        for name, entities in read_everything(services).items()
    }
    compared = 0
    for name, row in _saved_rows():
        if name in read:
            stored = fields_of_row(row, INTERNAL[name])
            entity = read[name][stored["id"]]
            assert {field: plain(getattr(entity, field)) for field in stored} == stored
            compared += 1
    assert compared == 8 + 4 + 24 + 2


def _saved_rows() -> Iterator[tuple[str, dict[str, Any]]]:
    options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
    for name, row in open_backup(FIRST_SCHEMA_VERSION.read_bytes()).rows():
        yield name, bson.decode(row, options)
