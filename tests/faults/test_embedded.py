"""The embedded database: real servers and real processes, ended by `kill -9` where it hurts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import pytest
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from taskmgr.domain.errors import CannotStart
from taskmgr.infrastructure.embedded import EmbeddedDatabase, find_mongod

ROOT = Path(__file__).parents[2]
NOBODY = 65534

# What a user's process does: it enters, says so, and leaves when it is told to.
USER = """
import sys
from pathlib import Path
from taskmgr.infrastructure.embedded import EmbeddedDatabase
database = EmbeddedDatabase(Path(sys.argv[1]), cache_gib=0.25)
print(database.enter(), flush=True)
sys.stdin.readline()
database.leave()
print("left", flush=True)
"""

# A master that has entered forks a worker, which tries to leave; each says a line, in one piece.
MASTER = r"""
import os, sys
from pathlib import Path
from taskmgr.infrastructure.embedded import EmbeddedDatabase
database = EmbeddedDatabase(Path(sys.argv[1]), cache_gib=0.25)
database.enter()
worker = os.fork()
if worker == 0:
    database.leave()
    os.write(1, b"the worker has left\n")
    sys.stdin.readline()
    os._exit(0)
os.write(1, b"%d\n" % worker)
os.waitpid(worker, 0)
database.leave()
"""

# A master's greenlet that watches the server goes on in its workers: gevent copies it at the fork.
WATCHING_MASTER = """
import os, sys
from pathlib import Path
from taskmgr.infrastructure.embedded import EmbeddedDatabase
database = EmbeddedDatabase(Path(sys.argv[1]), cache_gib=0.25)
print(database.enter(), flush=True)
sys.stdin.readline()
worker = os.fork()
if worker == 0:
    os._exit(database.ensure_running())
print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), int(database.ensure_running()), flush=True)
"""


class Process:
    """Another process with one of the scripts above, on one data folder."""

    def __init__(self, script: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hears(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def is_told_to_go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def leave(self) -> None:
        self._process.communicate("\n", timeout=60)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.communicate()


def client(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=5000)


def write(uri: str, number: int) -> None:
    """One write that is acknowledged as kept."""
    with client(uri) as connection:
        kept = connection.test.numbers.with_options(write_concern=WriteConcern("majority", j=True))
        kept.insert_one({"_id": number})


def numbers(uri: str) -> list[int]:
    with client(uri) as connection:
        return sorted(found["_id"] for found in connection.test.numbers.find())


def servers(folder: Path) -> list[int]:
    """The process ids of the servers that run on something in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            ours = any(word.startswith(os.fsencode(folder)) for word in command[1:])
            if ours and command[0].endswith(b"mongod"):
                found.append(int(process.name))
    return sorted(found)


def is_dead(server: int) -> bool:
    """Whether it is gone, or a zombie without threads: their files and sockets outlive the first."""
    process = Path(f"/proc/{server}")
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(list((process / "task").iterdir())) == 1
    except OSError:
        return True


def comes_true(question: Callable[[], object], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kill_server(folder: Path) -> None:
    killed = servers(folder)
    for server in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
    assert comes_true(lambda: all(is_dead(server) for server in killed))


def address(uri: str) -> Path:
    """The socket that is named in a connection string."""
    return Path(unquote(uri.removeprefix("mongodb://").partition("/?")[0]))


def refusal(folder: Path, **settings: Any) -> str:
    with pytest.raises(CannotStart) as caught:
        EmbeddedDatabase(folder, **settings).enter()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def open_files(server: int) -> set[str]:
    names = set()
    for entry in Path(f"/proc/{server}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            names.add(str(entry.readlink()))
    return names


def sockets_of(server: int) -> set[str]:
    """The inodes of its open sockets."""
    return {name[8:-1] for name in open_files(server) if name.startswith("socket:[")}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path: pytest's own may be too long for a socket."""
    made = Path(tempfile.mkdtemp(prefix="tm-")).resolve()
    yield made
    kill_server(made)
    shutil.rmtree(made)


@pytest.fixture
def folder(place: Path) -> Path:
    return place / "data"


@pytest.fixture
def database(folder: Path) -> Iterator[EmbeddedDatabase]:
    made = EmbeddedDatabase(folder, cache_gib=0.25)
    yield made
    kill_server(folder)
    made.leave()


@pytest.fixture
def broken(place: Path) -> Path:
    """A program in the server's place that fails without a word."""
    program = place / "mongod"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o700)
    return program


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Path, EmbeddedDatabase, int]]:
    """One that runs, for questions that don't change it: the folder, the database, the server."""
    made = Path(tempfile.mkdtemp(prefix="tm-")).resolve()
    database = EmbeddedDatabase(made / "data", cache_gib=0.01)
    try:
        database.enter()
        yield made / "data", database, servers(made)[0]
    finally:
        kill_server(made)
        database.leave()
        shutil.rmtree(made)


Running = tuple[Path, EmbeddedDatabase, int]


def test_it_takes_transactions(running: Running) -> None:
    with client(running[1].uri) as connection, connection.start_session() as session:
        session.with_transaction(lambda s: connection.test.things.insert_one({}, session=s))
        assert connection.test.things.count_documents({}) == 1


def test_it_listens_on_no_tcp_port(running: Running) -> None:
    own = sockets_of(running[2])
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        if (path := Path(f"/proc/{running[2]}/net/{table}")).exists()
        for line in path.read_text().splitlines()[1:]
    ]
    assert not [line for line in lines if line[9] in own]


def test_it_listens_on_no_socket_but_its_own(running: Running) -> None:
    own = sockets_of(running[2])
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    assert {line[7] for line in lines if line[6] in own and len(line) > 7} == {
        str(running[0] / "mongod.sock")
    }


def test_the_folder_is_its_owners_alone(running: Running) -> None:
    assert stat.S_IMODE(running[0].stat().st_mode) == 0o700


def test_the_server_inherits_no_lock(running: Running) -> None:
    assert not open_files(running[2]) & {str(running[0] / "use.lock"), str(running[0] / "start.lock")}


def test_the_server_has_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(
    running: Running,
) -> None:
    assert os.getsid(running[2]) != os.getsid(0)


def test_the_server_is_no_child_of_ours_so_that_gunicorn_does_not_count_it(
    running: Running,
) -> None:
    status = Path(f"/proc/{running[2]}/status").read_text()
    assert f"\nPPid:\t{os.getpid()}\n" not in status


def test_a_cache_below_what_mongod_takes_is_raised(running: Running) -> None:
    with client(running[1].uri) as connection:
        options = connection.admin.command("getCmdLineOpts")["parsed"]
    assert options["storage"]["wiredTiger"]["engineConfig"]["cacheSizeGB"] == 0.25


def test_entering_again_changes_nothing(running: Running) -> None:
    assert running[1].enter() == running[1].uri
    assert servers(running[0]) == [running[2]]


def test_a_server_that_runs_is_not_started_again(running: Running) -> None:
    assert running[1].ensure_running() is False


def test_leaving_twice_is_leaving_once(running: Running) -> None:
    other = EmbeddedDatabase(running[0])
    other.enter()
    other.leave()
    other.leave()
    assert servers(running[0]) == [running[2]]


def test_entering_leaves_no_thread_behind_that_a_fork_would_copy(running: Running) -> None:
    other = EmbeddedDatabase(running[0])
    before = {*threading.enumerate()}
    other.enter()
    assert {*threading.enumerate()} <= before
    other.leave()


def test_a_long_log_of_a_running_server_is_put_aside(running: Running) -> None:
    log = running[0] / "mongod.log"
    os.truncate(log, 17 * 2**20)
    running[1].ensure_running()
    assert comes_true(log.exists)
    assert log.stat().st_size < 2**20 < (running[0] / "mongod.log.1").stat().st_size


def test_the_last_to_leave_stops_the_server(folder: Path, database: EmbeddedDatabase) -> None:
    with database:
        assert len(servers(folder)) == 1
    assert comes_true(lambda: not servers(folder))


def test_leaving_without_having_entered_does_nothing(folder: Path, database: EmbeddedDatabase) -> None:
    database.leave()
    assert not folder.exists()


def test_who_has_not_entered_starts_nothing(folder: Path, database: EmbeddedDatabase) -> None:
    assert database.ensure_running() is False
    assert not folder.exists()


def test_what_was_written_is_there_after_a_restart(database: EmbeddedDatabase) -> None:
    with database as uri:
        write(uri, 1)
    with database as uri:
        assert numbers(uri) == [1]


def test_two_processes_share_a_server_until_the_last_has_left(folder: Path) -> None:
    with Process(USER, folder) as first, Process(USER, folder) as second:
        assert first.hears() == second.hears() != ""
        (server,) = servers(folder)
        first.leave()
        assert servers(folder) == [server]
        second.leave()
        assert comes_true(lambda: not servers(folder))


def test_eight_processes_that_enter_at_once_get_one_server(folder: Path) -> None:
    with contextlib.ExitStack() as stack:
        users = [stack.enter_context(Process(USER, folder)) for _ in range(8)]
        assert len({user.hears() for user in users} - {""}) == 1
        assert len(servers(folder)) == 1


def test_a_server_whose_users_were_killed_is_adopted_and_stopped_by_the_next(
    folder: Path, database: EmbeddedDatabase
) -> None:
    with Process(USER, folder) as user:
        user.hears()
        user.kill()
    (orphan,) = servers(folder)
    with database:
        assert servers(folder) == [orphan]
    assert comes_true(lambda: not servers(folder))


def test_a_killed_server_is_started_again_with_all_that_was_acknowledged(
    folder: Path, database: EmbeddedDatabase
) -> None:
    uri = database.enter()
    for number in range(20):
        write(uri, number)
    kill_server(folder)
    assert database.ensure_running() is True
    assert numbers(uri) == list(range(20))


def test_a_killed_server_is_started_again_by_one_of_several_users(folder: Path) -> None:
    users = [EmbeddedDatabase(folder, cache_gib=0.25) for _ in range(4)]
    for user in users:
        user.enter()
    kill_server(folder)
    with ThreadPoolExecutor(len(users)) as pool:
        assert sorted(pool.map(EmbeddedDatabase.ensure_running, users)) == [False] * 3 + [True]
    kill_server(folder)
    for user in users:
        user.leave()


def test_after_a_kill_of_user_and_server_all_that_was_acknowledged_is_there(
    folder: Path, database: EmbeddedDatabase
) -> None:
    with Process(USER, folder) as user:
        uri = user.hears()
        for number in range(20):
            write(uri, number)
        user.kill()
    kill_server(folder)
    assert numbers(database.enter()) == list(range(20))


def test_a_user_killed_while_it_starts_the_server_holds_nobody_up(
    folder: Path, database: EmbeddedDatabase
) -> None:
    with Process(USER, folder) as user:
        assert comes_true(lambda: (folder / "db" / "mongod.lock").exists())
        user.kill()
    write(database.enter(), 1)


def test_entering_while_the_server_stops_waits_and_starts_a_new_one(
    folder: Path, database: EmbeddedDatabase
) -> None:
    with Process(USER, folder) as user:
        uri = user.hears()
        user.kill()
    (old,) = servers(folder)
    os.kill(old, signal.SIGTERM)
    assert comes_true(lambda: not (folder / "mongod.sock").exists())
    assert database.enter() == uri
    assert len({*servers(folder)} - {old}) == 1


def test_a_worker_cannot_leave_on_behalf_of_its_master(folder: Path) -> None:
    with Process(MASTER, folder) as master:
        assert {master.hears(), master.hears()} > {"the worker has left"}
        assert len(servers(folder)) == 1


def test_a_worker_keeps_the_server_after_its_master_was_killed(
    folder: Path, database: EmbeddedDatabase
) -> None:
    with Process(MASTER, folder) as master:
        said = {master.hears(), master.hears()} - {"the worker has left"}
        master.kill()
        try:
            with database:
                pass
            assert len(servers(folder)) == 1
        finally:
            os.kill(int(said.pop()), signal.SIGKILL)


def test_a_dead_server_is_started_again_by_the_master_and_not_by_its_worker(folder: Path) -> None:
    with Process(WATCHING_MASTER, folder) as master:
        master.hears()
        kill_server(folder)
        master.is_told_to_go_on()
        assert master.hears() == "0 1"


def test_it_works_where_gevent_has_patched_everything(folder: Path) -> None:
    patched = f"from gevent import monkey\nmonkey.patch_all()\n{USER}"
    with Process(patched, folder) as user:
        assert user.hears().startswith("mongodb://")
        user.leave()
    assert comes_true(lambda: not servers(folder))


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


def test_who_failed_to_enter_holds_nothing(folder: Path, broken: Path) -> None:
    refusal(folder, mongod=broken)
    for lock in ("use.lock", "start.lock"):
        with (folder / lock).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
