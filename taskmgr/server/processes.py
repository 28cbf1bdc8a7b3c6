"""The service's processes, which are gunicorn's: a master that watches, and workers that answer.

The master serves no requests. It owns the embedded database and restarts it when it dies, holds the
policy in force, and announces the end of the service to the workers. A worker reads no file and no
environment variable when it starts: everything but the database connection, which it opens after
the fork, comes from the master.
"""

from __future__ import annotations

import mmap
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Set
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gevent
import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.ggevent import GeventWorker
from pymongo.database import Database

from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services, load_policy, require_known_statuses
from taskmgr.domain.model.errors import CannotStart, Unavailable
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.ports.store import Health
from taskmgr.infrastructure.mongo.connection import open_database
from taskmgr.infrastructure.mongo.driver_errors import translated
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.settings import Settings

# Seconds from "not ready" to "no more connections", so that a load balancer notices first.
NOTICE = 1.0
# Seconds that requests in flight may take; with all that surrounds it, the end comes within 30.
GRACE = 24
_START_PAUSE = 1.0  # seconds, after a worker's start that failed
_KEEP_ALIVE = 5  # seconds
_CLIENTS_END = 5.0  # seconds; in fact it is half a one
_CONNECTIONS = 8192  # a worker
_LONGEST_LINE = 8190  # bytes, the most that gunicorn can
_MOST_HEADERS = 100
_LONGEST_HEADER = 8190  # bytes
_NOT_HTTP = re.compile(r"Invalid request from ip=\S+: [A-Za-z /]*")
_WITH_TRACEBACK = "Exception during worker exit"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - its mode is that of /tmp

_log = structlog.get_logger("taskmgr.serve")


class Ending:
    """Whether the service is about to stop, as all its processes see it: one byte of shared memory."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def announce(self) -> None:
        self._byte[0] = 1

    def __bool__(self) -> bool:
        return self._byte[0] == 1


@dataclass(frozen=True, slots=True)
class HealthUntilTheEnd:
    """A store's `Health`, and nothing's once the service is about to stop."""

    health: Health
    ending: Ending

    def check(self) -> None:
        if self.ending:
            raise Unavailable("The service is stopping.")
        self.health.check()

    def latest_write(self) -> str | None:
        return self.health.latest_write()

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        return self.health.deadline(seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Duties:
    """What gunicorn is to run: `watch` is called every second, `ready` once, both in the master.

    `policy` is the one in force at the start; a reload replaces it.
    """

    settings: Settings
    policy: Policy
    uri: str = field(repr=False)  # it may hold a password
    secret_key: str = field(repr=False)
    listener: int
    watch: Callable[[], None]
    ready: Callable[[], None]


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn's configuration, and the application that each worker makes for itself.

    `policy` is the policy in force. Workers inherit it at the fork and never read its file: the file
    may have been edited since, and a replaced worker must serve what the others serve.
    """

    def __init__(self, duties: Duties) -> None:
        self.duties = duties
        self.policy = duties.policy
        self.ending = Ending()
        super().__init__()

    def load_config(self) -> None:
        for name, value in _configuration(self.duties).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        duties = self.duties
        # gunicorn asks its settings some thirty things a request, each through three calls. From here
        # on none changes in this worker: as plain attributes they cost it a twentieth less.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        store = mongo_store(self._opened(), time_zone=self.policy.time_zone)
        services = build_services(store, policy=self.policy)
        services = replace(services, health=HealthUntilTheEnd(services.health, self.ending))
        return create_app(services, duties.settings, secret_key=duties.secret_key)

    def _opened(self) -> Database[Any]:
        """Returns the worker's database, or ends the worker; the master then starts another.

        What a URI refers to, such as a certificate's file or a DNS record, may be gone for a while.
        gunicorn would end the whole service for any other kind of failed start.
        """
        try:
            return open_database(self.duties.uri, self.duties.settings.database)
        except CannotStart as error:
            _log.error("a worker cannot start", reason=str(error))
            time.sleep(_START_PAUSE)
            sys.exit(1)

    def usable_policy(self) -> Policy:
        """Returns the policy in the file.

        Raises `CannotStart` if the file is not usable or lacks the status of a stored task.
        """
        policy = load_policy(self.duties.settings)
        self.require_known_statuses(policy)
        return policy

    def require_known_statuses(self, policy: Policy) -> None:
        """Raises `CannotStart` if a stored task has a status that the policy lacks."""
        database = open_database(self.duties.uri, self.duties.settings.database)
        with database.client, translated():
            require_known_statuses(database, policy)

    def run(self) -> None:
        Master(self).run()


class Master(Arbiter):  # type: ignore[misc]
    """gunicorn's master, which lacks a hook in its loop, and for which Ctrl-C cuts off requests."""

    app: Server
    _hurried = False
    _reloading = False
    _leaving: Set[int] = frozenset()  # workers of a policy that has been replaced

    def murder_workers(self) -> None:
        """Called every second, and between the forks: what `watch` has open, no worker inherits."""
        self.app.duties.watch()
        if self._leaving and self._leaving.isdisjoint(self.WORKERS):
            self._leaving = frozenset()
            self._check_statuses()
        super().murder_workers()

    def _check_statuses(self) -> None:
        """Logs what the workers of the old policy did after the reload had looked at the statuses."""
        try:
            self.app.require_known_statuses(self.app.policy)
        except (CannotStart, Unavailable) as error:
            _log.error("tasks may have statuses that the policy lacks", reason=str(error))

    def handle_int(self) -> None:
        self._hurried = True
        self.handle_term()

    def stop(self, graceful: bool = True) -> None:
        if graceful and not self.app.ending:
            _log.info("stopping")
            self.app.ending.announce()
            time.sleep(0 if self._hurried else NOTICE)
        super().stop(graceful)

    def handle_hup(self) -> None:
        """Puts the policy file into force, if it is usable, by replacing all workers."""
        try:
            self.app.policy = self.app.usable_policy()
        except (CannotStart, Unavailable) as error:
            _log.error("not reloaded", reason=str(error))
            return
        self._leaving |= self.WORKERS.keys()
        super().handle_hup()
        _log.info("reloaded")

    def reload(self) -> None:
        """Does not wait for the old workers: a slow client of theirs would keep all signals waiting."""
        self._reloading = True
        with suppress(_Reloaded):
            super().reload()
        self._reloading = False

    def reap_workers(self) -> None:
        super().reap_workers()
        if self._reloading:
            raise _Reloaded


class _Reloaded(Exception):
    """The new workers are there and the old ones told to end."""


class Worker(GeventWorker):  # type: ignore[misc]
    """gunicorn's gevent worker; the end is the master's to decide."""

    wsgi: Any

    def init_process(self) -> None:
        log_uncaught_of(gevent.get_hub())
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi = _closing_after_broken_bodies(self.wsgi)

    def init_signals(self) -> None:
        super().init_signals()
        # A terminal sends Ctrl-C to the whole group of processes.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class Log(Logger):  # type: ignore[misc]
    """gunicorn's messages, handed on to the log that everything else goes to."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """A request that cannot be parsed is quoted to us, and the quotation may be a token."""
        found = _NOT_HTTP.match(str(msg))
        if found:
            msg, args = "%s", (found[0],)
        elif str(msg).startswith(_WITH_TRACEBACK):  # as text, which nobody could render again
            msg, args, kwargs = _WITH_TRACEBACK, (), {"exc_info": True}
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Logs an exception without the query of the request, which gunicorn quotes with its path."""
        paths = (arg.partition("?")[0] if isinstance(arg, str) else arg for arg in args)
        super().exception(msg, *paths, **kwargs)


def log_uncaught_of(hub: Any) -> None:
    """Makes a gevent hub log what a greenlet does not catch; it would write the exception's text."""

    def log(_context: Any, _type: Any, error: BaseException | None, _traceback: Any) -> None:
        _log.critical("uncaught exception", exc_info=error)

    hub.print_exception = log


def _closing_after_broken_bodies(application: Any) -> Any:
    """Makes the response to a body that could not be read to its end say that the connection closes.

    gunicorn closes it anyway, since nobody knows where the next request would start, but says that it
    stays open.
    """

    def answer(environ: Any, start_response: Any) -> Any:
        def start(*response: Any) -> Any:
            if environ["wsgi.input"].failed:
                start_response.__self__.force_close()
            return start_response(*response)

        return application(environ, start)

    return answer


def _end_threads() -> None:
    """Waits for what closed clients have running: as greenlets, they would go on in the worker."""
    deadline = time.monotonic() + _CLIENTS_END
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))


def _configuration(duties: Duties) -> dict[str, Any]:
    return {
        "bind": f"fd://{duties.listener}",
        "workers": duties.settings.workers,
        "worker_class": Worker,
        "worker_connections": _CONNECTIONS,
        "keepalive": _KEEP_ALIVE,
        "graceful_timeout": GRACE,
        "limit_request_line": _LONGEST_LINE,
        "limit_request_fields": _MOST_HEADERS,
        "limit_request_field_size": _LONGEST_HEADER,
        # The heartbeat is a file; on a busy disk, touching it may block a worker.
        "worker_tmp_dir": str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None,
        "logger_class": Log,
        "errorlog": None,
        "loglevel": "warning",
        "proc_name": "taskmgr",
        "pre_fork": lambda _master, _worker: _end_threads(),
        "when_ready": lambda _: duties.ready(),
        # Two services of one user would share it.
        "control_socket_disable": True,
        # What a proxy says is the application's to judge, by `trusted_proxies`.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "forwarder_headers": "",
    }
