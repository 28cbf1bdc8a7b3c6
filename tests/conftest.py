"""What the tests stand on: one real MongoDB a run, one database a worker, and people who act.

The server is started by the first test that needs it and shared by all workers of pytest-xdist;
the last to end stops it. Its folder is made here, by the process that was started, and removed by
it at the end, together with a server that a killed worker left behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.writing import validated_row
from tests.factories import DEFAULT_PROJECT, SYSTEM, Clock, FastHashes

_FOLDER = pytest.StashKey[Path]()
_PARAMETERS = {
    # The clock of the tests stands still in the past, where everything has expired for MongoDB.
    "ttlMonitorEnabled": False,
    # Every test deletes what the one before it stored. MongoDB keeps deleted documents for readers of earlier
    # snapshots, by default for five minutes, and searches pass over them. No reader takes a minute.
    "minSnapshotHistoryWindowInSeconds": 60,
    "syncdelay": 5.0,
}
_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder is created in it
_MEMORY_NEEDED = 4 * 2**30
_SLOW_FOLDERS = {"browser", "docs", "faults", "stateful"}  # most of their tests start a service
_KEPT = "meta"  # which form the database is in, and its time zone: written by `migrate` alone
_WAITED = "tests_waited"
_HASH_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"  # MD5

# Container images often set it. Without bytecode files, every worker compiles all tests, and every process
# that a test starts compiles taskmgr.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell without job control makes background commands, and all that they start, ignore SIGINT. Tests
# interrupt processes, so a run in the background must not pass that on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# `ci` tries the same examples every time, so that a run that passed passes again. `thorough` looks for
# new ones: `pytest --hypothesis-profile=thorough`.
_BUSY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=_BUSY)
settings.register_profile(
    "thorough", deadline=None, max_examples=1_000, print_blob=True, suppress_health_check=_BUSY
)
settings.load_profile("ci")


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {}).get("mongodb")
    config.stash[_FOLDER] = Path(given or tempfile.mkdtemp(prefix="tm-", dir=_fast_folder()))


def _fast_folder() -> Path | None:
    """Returns a folder in memory, where no write waits for a disk, or None if there is too little space."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _MEMORY_NEEDED:
        return _MEMORY
    return None


@pytest.hookimpl(trylast=True)  # after tests have been deselected
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deals the slow tests to the workers of pytest-xdist, each of which begins with its share.

    A slow test that begins last would keep one worker busy while the others have nothing left to do.
    """
    workers = getattr(config, "workerinput", {}).get("workercount")
    if workers is None:
        return
    slow = [item for item in items if _is_slow(item)]
    quick = iter([item for item in items if not _is_slow(item)])
    total, items[:] = len(items), []
    for worker in range(workers):
        share = slow[worker::workers]
        size = (total - len(items)) // (workers - worker)  # as `--dist=worksteal` divides them
        items += [*share, *islice(quick, max(0, size - len(share)))]


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None or item.path.parent.name in _SLOW_FOLDERS


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of pytest-xdist where the run's MongoDB is."""
    node.workerinput["mongodb"] = str(node.config.stash[_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash[_FOLDER]
    if hasattr(config, "workerinput"):
        return
    left_behind = folder / "db" / "mongod.lock"  # emptied by a server that ends in good order
    if left_behind.exists() and left_behind.stat().st_size:
        with EmbeddedDatabase(folder):
            """The last to leave stops the server, also one that it did not start."""
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def mongodb_uri(request: pytest.FixtureRequest) -> Iterator[str]:
    """The run's MongoDB. Tests that pause or kill a server start one of their own."""
    with EmbeddedDatabase(request.config.stash[_FOLDER], cache_gib=0.5) as uri:
        with MongoClient(uri) as client:
            for name, value in _PARAMETERS.items():
                client.admin.command("setParameter", 1, **{name: value})
        yield uri


@pytest.fixture(scope="session")
def worker_database(mongodb_uri: str, request: pytest.FixtureRequest) -> Iterator[Database[Any]]:
    """This worker's database with all its indexes; tests use `database`."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    database = open_database(mongodb_uri, f"test_{worker}")
    migrate(database, DEFAULT_POLICY.time_zone)
    yield database
    database.client.close()


@pytest.fixture
def database(worker_database: Database[Any]) -> Database[Any]:
    """An empty database with all indexes. Emptied before the test, so that one that failed can be seen."""
    empty(worker_database)
    return worker_database


def empty(database: Database[Any]) -> None:
    """Removes every document but the migrations' own and the default project, whose next number is 1.

    Waits until nobody can read one of them any more.
    """
    for name, md5 in database.command("dbHash")["collections"].items():
        if md5 != _HASH_OF_NOTHING and name not in (_KEPT, _WAITED):
            database[name].delete_many({})
    database["projects"].insert_one(validated_row(mappers.project_document(DEFAULT_PROJECT, last_number=0)))
    wait_for_majority(database)


def wait_for_majority(database: Database[Any]) -> None:
    """Waits until a majority has everything that has been written, which is what the services read."""
    # When a majority has this write, it has all writes before it, too.
    database.get_collection(_WAITED, write_concern=WriteConcern("majority")).update_one(
        {"_id": "waited"}, {"$inc": {"times": 1}}, upsert=True
    )


@pytest.fixture
def store(database: Database[Any]) -> Store:
    return mongo_store(database)


@pytest.fixture
def clock() -> Clock:
    """Stands still at `factories.NOW` until a test moves it."""
    return Clock()


@pytest.fixture
def services(store: Store, clock: Clock) -> Services:
    """Services under the default policy."""
    return build_services(store, clock=clock, hashes=FastHashes())


@pytest.fixture
def services_under(store: Store, clock: Clock) -> Callable[[Policy], Services]:
    """Services over the same store under a policy of one's own."""
    return lambda policy: build_services(store, policy=policy, clock=clock)


@pytest.fixture
def make_user(services: Services) -> Callable[..., User]:
    """Makes users: `make_user("ada", role=Role.MANAGER)`."""

    def make(username: str, **given: Any) -> User:
        return services.users.create(by=SYSTEM, username=username, **{"name": username.title(), **given})

    return make


@pytest.fixture
def make_task(services: Services) -> Callable[..., Task]:
    """Makes tasks, by the system unless `by` is given: `make_task(status="in_progress", …)`."""

    def make(**given: Any) -> Task:
        return services.tasks.create(**{"by": SYSTEM, "title": "Write the report", **given})

    return make


@pytest.fixture
def system() -> Actor:
    return SYSTEM


@pytest.fixture
def admin(make_user: Callable[..., User]) -> Actor:
    return Actor.of(make_user("admin", role=Role.ADMIN, email="admin@example.org"))


@pytest.fixture
def manager(make_user: Callable[..., User]) -> Actor:
    return Actor.of(make_user("manager", role=Role.MANAGER, email="manager@example.org"))


@pytest.fixture
def member(make_user: Callable[..., User]) -> Actor:
    return Actor.of(make_user("member", role=Role.MEMBER, email="member@example.org"))


@pytest.fixture
def viewer(make_user: Callable[..., User]) -> Actor:
    return Actor.of(make_user("viewer", role=Role.VIEWER, email="viewer@example.org"))
