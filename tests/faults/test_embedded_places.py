"""Where the embedded database is: folders, sockets and binaries, and what is said of unusable ones."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.embedded.mongod_binary import find_mongod
from tests.faults.servers import NOBODY, address, kill_server, numbers, refusal, write


def test_a_moved_folder_keeps_its_data(place: Path, folder: Path, database: EmbeddedDatabase) -> None:
    write(database.enter(), 1)
    kill_server(folder)
    folder.rename(place / "moved")
    moved = EmbeddedDatabase(place / "moved", cache_gib=0.25)
    write(moved.enter(), 2)
    assert numbers(moved.uri) == [1, 2]
    kill_server(place)
    moved.leave()


def test_a_path_of_the_greatest_length_is_an_address(place: Path) -> None:
    folder = place / ("x" * (107 - len(str(place)) - len("//mongod.sock")))
    database = EmbeddedDatabase(folder, cache_gib=0.25)
    write(database.enter(), 1)
    assert (folder / "mongod.sock").is_socket()
    kill_server(folder)
    database.leave()


def test_a_path_that_cannot_be_an_address_gets_its_socket_elsewhere(place: Path) -> None:
    folder = place / "with, comma: and [brackets]" / ("long" * 30)
    with EmbeddedDatabase(folder, cache_gib=0.25) as uri:
        write(uri, 1)
        assert stat.S_IMODE(address(uri).parent.stat().st_mode) == 0o700
    assert not address(uri).parent.exists()


@pytest.mark.parametrize("name", ["a,b", "a:1", "a[b", "a]b", "a" * 108])
def test_what_mongod_would_misread_is_no_address(place: Path, name: str) -> None:
    assert place not in address(EmbeddedDatabase(place / name).uri).parents


def test_a_socket_folder_that_others_can_enter_is_refused(place: Path) -> None:
    folder = place / "a,b"
    socket_folder = address(EmbeddedDatabase(folder).uri).parent
    socket_folder.mkdir()
    socket_folder.chmod(0o755)
    try:
        assert str(socket_folder) in refusal(folder)
    finally:
        socket_folder.rmdir()


def test_an_empty_folder_that_is_too_open_is_tightened(folder: Path, broken: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    refusal(folder, mongod=broken)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_of_ours_that_was_opened_is_tightened(folder: Path, broken: Path) -> None:
    refusal(folder, mongod=broken)
    folder.chmod(0o755)
    refusal(folder, mongod=broken)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_open_folder_with_other_things_in_it_is_refused(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "letter.txt").touch()
    assert "holds other files: chmod 700 it" in refusal(folder)


def test_a_file_in_place_of_the_folder_is_refused(folder: Path) -> None:
    folder.touch()
    assert "is a file" in refusal(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    assert "belongs to the user" in refusal(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root is denied nothing")
def test_a_folder_that_cannot_be_made_is_refused(folder: Path, place: Path) -> None:
    place.chmod(0o500)
    try:
        assert "Permission denied" in refusal(folder)
    finally:
        place.chmod(0o700)


def test_the_wheels_binary_can_be_run() -> None:
    assert os.access(find_mongod(None), os.X_OK)


def test_a_missing_wheel_names_the_extra_and_the_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [p for p in sys.path if "site-packages" not in p])
    said = refusal(folder)
    assert {"`embedded`", "TASKMGR_MONGOD", "TASKMGR_MONGODB_URI"} <= {*re.split(r"[ ,.]", said)}


def test_a_binary_that_is_not_there_is_named(folder: Path) -> None:
    assert "/nowhere/mongod" in refusal(folder, mongod=Path("/nowhere/mongod"))


def test_a_binary_that_may_not_be_executed_is_named(folder: Path, broken: Path) -> None:
    broken.chmod(0o600)
    assert str(broken) in refusal(folder, mongod=broken)


def test_a_binary_for_another_machine_is_named(folder: Path, broken: Path) -> None:
    broken.write_bytes(b"\x7fELF for another machine")
    assert f"{broken} cannot be run" in refusal(folder, mongod=broken)


@pytest.mark.parametrize(
    ("library", "package"),
    [("libcurl.so.4", "libcurl4"), ("libcrypto.so.3", "libssl3"), ("libssl.so.3", "libssl3")],
)
def test_a_missing_library_is_named_with_its_package(
    folder: Path, broken: Path, library: str, package: str
) -> None:
    says = f"mongod: error while loading shared libraries: {library}: cannot open shared object file"
    broken.write_text(f"#!/bin/sh\necho '{says}: No such file or directory' >&2\nexit 127\n")
    said = refusal(folder, mongod=broken)
    assert library in said
    assert f"apt install {package}," in said


def test_a_server_that_ends_at_its_start_says_why_and_where_its_log_is(folder: Path) -> None:
    (folder / "db").mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "db" / "storage.bson").write_text("rubbish")
    said = refusal(folder)
    assert "Unable to read the storage engine metadata file" in said
    assert str(folder / "mongod.log") in said


def test_a_server_that_ends_without_a_word_gives_its_status(folder: Path, broken: Path) -> None:
    assert "it ended with status 3" in refusal(folder, mongod=broken)


def test_a_failed_start_leaves_no_lock(folder: Path, broken: Path) -> None:
    refusal(folder, mongod=broken)
    for lock in ("use.lock", "start.lock"):
        with (folder / lock).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
