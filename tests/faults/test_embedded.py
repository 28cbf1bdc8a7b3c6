"""The embedded database: real servers and real processes, ended by `kill -9` where it hurts."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import Unavailable
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.feed.growth import MongoFeedStreams
from taskmgr.infrastructure.mongo.feed.sequencer import Sequencer
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.factories import SYSTEM
from tests.faults.servers import (
    MASTER,
    USER,
    WATCHING_MASTER,
    Process,
    Running,
    client,
    kill_server,
    numbers,
    open_files,
    servers,
    sockets_of,
    write,
)
from tests.feeds import assert_feed_is_the_log
from tests.running import wait_until


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


def test_it_takes_transactions(running: Running) -> None:
    with client(running[1].uri) as connection:
        insert_in_transaction(connection)
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
    assert wait_until(log.exists)
    assert log.stat().st_size < 2**20 < (running[0] / "mongod.log.1").stat().st_size


def test_the_last_to_leave_stops_the_server(folder: Path, database: EmbeddedDatabase) -> None:
    with database:
        assert len(servers(folder)) == 1
    assert wait_until(lambda: not servers(folder))


def test_leaving_without_having_entered_does_nothing(folder: Path, database: EmbeddedDatabase) -> None:
    database.leave()
    assert not folder.exists()


def test_who_has_not_entered_starts_nothing(folder: Path, database: EmbeddedDatabase) -> None:
    assert database.ensure_running() is False
    assert not folder.exists()


def insert_in_transaction(connection: MongoClient[Any]) -> None:
    with connection.start_session() as session:
        session.with_transaction(lambda s: connection.test.things.insert_one({}, session=s))


@pytest.fixture(
    params=["directConnection=true", "serverMonitoringMode=poll&heartbeatFrequencyMS=60000"],
    ids=["a direct client", "a client that seldom asks for the primary"],
)
def early(request: pytest.FixtureRequest, database: EmbeddedDatabase) -> Iterator[Sequence[Database[Any]]]:
    """The database, on a client for commands and on one for streams.

    Both have opened their connections before the server was ready; now it is.
    """
    with MongoClient(database.enter(), directConnection=True) as control:
        ensure_default_project(control["tests"])
        uri = f"{database.uri}&{request.param}"
        databases = [open_database(uri, "tests"), open_database(uri, "tests", for_streams=True)]
        assert wait_until(lambda: all(each.client.is_primary for each in databases))
        # A server in maintenance is in the state of one that has just started: it knows of no primary.
        control.admin.command({"replSetStepDown": 60, "force": True})
        control.admin.command({"replSetMaintenance": 1})
        for each in databases:
            each.command("ping")
        control.admin.command({"replSetMaintenance": 0})
        control.admin.command({"replSetFreeze": 0})  # so that it need not wait for the end of its step-down
        assert wait_until(lambda: control.admin.command("hello")["isWritablePrimary"])
        yield databases
        for each in databases:
            each.client.close()


def test_a_connection_from_before_the_server_was_ready_is_replaced(early: Sequence[Database[Any]]) -> None:
    services = build_services(mongo_store(early[0]))

    with pytest.raises(Unavailable):
        services.tasks.create(title="Before", by=SYSTEM)
    assert services.tasks.create(title="After", by=SYSTEM).key == "TASK-1"


def test_the_sequencer_replaces_a_connection_from_before_the_server_was_ready(
    early: Sequence[Database[Any]],
) -> None:
    stop = threading.Event()
    sequencer = Sequencer(*early, appended=stop.set)

    assert wait_until(lambda: runs_until_stopped(sequencer, stop))
    assert_feed_is_the_log(early[0])


def test_a_stream_replaces_a_connection_from_before_the_server_was_ready(
    early: Sequence[Database[Any]],
) -> None:
    streams = MongoFeedStreams(early[1])

    with pytest.raises(Unavailable):
        streams.open()
    streams.open().close()


def runs_until_stopped(sequencer: Sequencer, stop: threading.Event) -> bool:
    """Runs the sequencer, and returns False if it has ended before because the database was unavailable."""
    try:
        sequencer.run(stop)
    except Unavailable:
        return False
    return True


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
        assert wait_until(lambda: not servers(folder))


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
    assert wait_until(lambda: not servers(folder))


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
        assert wait_until(lambda: (folder / "db" / "mongod.lock").exists())
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
    assert wait_until(lambda: not (folder / "mongod.sock").exists())
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
    assert wait_until(lambda: not servers(folder))
