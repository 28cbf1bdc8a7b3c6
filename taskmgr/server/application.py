"""Configures gunicorn, and builds the WSGI application of each worker.

The master serves no requests. It owns the embedded database, holds the policy in force, and tells the
workers when the service stops. A worker reads neither files nor environment variables when it starts: it
inherits everything from the master, except for the database connection, which it opens after the fork.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from socket import socket
from typing import Any

import structlog
from gunicorn.app.base import BaseApplication
from pymongo.database import Database

from taskmgr.api.app import create_app
from taskmgr.api.runtime import runtime_of
from taskmgr.bootstrap import build_configured_services
from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.policy import Policy
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.driver_errors import translated_errors
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.metrics.folder import forget_process
from taskmgr.metrics.instruments import begin
from taskmgr.resources import load_policy, require_known_statuses
from taskmgr.server.forking import join_threads
from taskmgr.server.gunicorn_log import GunicornLog
from taskmgr.server.master import Master
from taskmgr.server.shutdown import HealthUntilShutdown, ShutdownFlag
from taskmgr.server.tracing import Tracing
from taskmgr.server.worker import Worker
from taskmgr.settings import Settings

# Seconds that requests in progress may take. With everything else, the service stops within 30 seconds,
# after which systemd and Kubernetes would kill it.
GRACEFUL_TIMEOUT = 24
_PAUSE_AFTER_FAILED_START = 1.0  # seconds, of a worker
_KEEP_ALIVE = 5  # seconds
_MAX_CONNECTIONS = 8192  # per worker
_MAX_REQUEST_LINE = 8190  # bytes, gunicorn's own maximum
_MAX_HEADERS = 100
_MAX_HEADER_SIZE = 8190  # bytes
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - its permissions are those of /tmp

_log = structlog.get_logger("taskmgr.serve")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerOptions:
    """What the start-up hands over to gunicorn.

    `policy` is in force until the first reload. `listener` is the file descriptor of the listening socket,
    `metrics_listener` the bound socket for Prometheus, if there is one.
    The master calls `every_second` about once a second, and `when_ready` once, when it is ready to serve.
    """

    settings: Settings
    policy: Policy
    uri: str = field(repr=False)  # it may contain a password
    secret_key: str = field(repr=False)
    listener: int
    metrics_listener: socket | None
    every_second: Callable[[], None]
    when_ready: Callable[[], None]


class ServerApplication(BaseApplication):  # type: ignore[misc]
    """gunicorn's configuration, and the WSGI application that each worker builds.

    `policy` is the policy in force. Workers inherit it and do not read its file, which may have been edited
    since: a worker that replaces another must apply the same policy as the rest.
    """

    def __init__(self, options: ServerOptions) -> None:
        self.options = options
        self.policy = options.policy
        self.shutdown = ShutdownFlag()
        self.end_streams: Callable[[], None] = lambda: None  # set in each worker
        super().__init__()

    def load_config(self) -> None:
        for name, value in _gunicorn_settings(self.options).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Returns the WSGI application; gunicorn calls this in each worker."""
        begin("worker")
        tracing = (
            Tracing(self.options.settings.traces_exporter) if self.options.settings.traces_exporter else None
        )
        database, streams = self._open_database(), self._open_database(for_streams=True)
        store = mongo_store(database, streams=streams, time_zone=self.policy.time_zone)
        if tracing:
            store = tracing.of_store(store)
        settings, secret_key = self.options.settings, self.options.secret_key
        services = build_configured_services(store, settings, policy=self.policy, secret_key=secret_key)
        services = replace(services, health=HealthUntilShutdown(services.health, self.shutdown))
        app = create_app(
            services, settings, secret_key=secret_key, trace_id=tracing.trace_id if tracing else None
        )
        if tracing:
            tracing.of_app(app)
        self.end_streams = runtime_of(app).streams.stop
        return app

    def _open_database(self, *, for_streams: bool = False) -> Database[Any]:
        """Returns the worker's database, or ends the worker if it cannot be opened.

        What the URI refers to, such as a certificate file or a DNS record, may be missing for a while. After
        this kind of exit, the master starts another worker; after any other failed start, gunicorn stops.
        """
        try:
            return open_database(self.options.uri, self.options.settings.database, for_streams=for_streams)
        except CannotStart as error:
            _log.error("a worker cannot start", reason=str(error))
            time.sleep(_PAUSE_AFTER_FAILED_START)
            sys.exit(1)

    def load_usable_policy(self) -> Policy:
        """Returns the policy in the file.

        Raises `CannotStart` if the file is invalid or lacks the status of a stored task.
        """
        policy = load_policy(self.options.settings)
        self.require_known_statuses(policy)
        return policy

    def require_known_statuses(self, policy: Policy) -> None:
        """Raises `CannotStart` if a stored task has a status that is not in the policy."""
        database = open_database(self.options.uri, self.options.settings.database)
        with database.client, translated_errors():
            require_known_statuses(database, policy)

    def run(self) -> None:
        """Serves until the service is stopped."""
        Master(self).run()


def _gunicorn_settings(options: ServerOptions) -> dict[str, Any]:
    return {
        "bind": f"fd://{options.listener}",
        "workers": options.settings.workers,
        "worker_class": Worker,
        "worker_connections": _MAX_CONNECTIONS,
        "keepalive": _KEEP_ALIVE,
        "graceful_timeout": GRACEFUL_TIMEOUT,
        "limit_request_line": _MAX_REQUEST_LINE,
        "limit_request_fields": _MAX_HEADERS,
        "limit_request_field_size": _MAX_HEADER_SIZE,
        # The heartbeat is a file; touching it on a busy disk may block a worker.
        "worker_tmp_dir": str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None,
        "logger_class": GunicornLog,
        "errorlog": None,
        "loglevel": "warning",
        "proc_name": "taskmgr",
        "child_exit": lambda _master, worker: forget_process(worker.pid),
        "pre_fork": lambda _master, _worker: join_threads(),
        "when_ready": lambda master: _when_ready(master, options),
        # The default path of this socket is the same for all services of a user.
        "control_socket_disable": True,
        # The application evaluates the headers of proxies itself, by `trusted_proxies`.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "forwarder_headers": "",
    }


def _when_ready(master: Master, options: ServerOptions) -> None:
    master.ensure_background()
    options.when_ready()
