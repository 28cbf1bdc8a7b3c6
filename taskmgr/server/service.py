"""The service from its start to its end: database, first user, processes."""

from __future__ import annotations

import resource
import signal
import sys
import time
from contextlib import ExitStack
from functools import partial
from socket import socket
from typing import Any

import click
import gevent
import structlog
from pymongo.database import Database

from taskmgr import logs
from taskmgr.bootstrap import (
    build_services,
    embedded,
    load_policy,
    prepare,
    require_known_statuses,
    secret_key,
)
from taskmgr.cli import access
from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.services import Services
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.mongo.connection import open_database
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.server import listener
from taskmgr.server.processes import Duties, Server
from taskmgr.settings import Settings

# Seconds that the master gives a dead database in one go. It takes up again where it left off,
# and must see signals in between.
_WATCH_SLICE = 5.0
_WATCH_PAUSE = 5.0  # after a start that failed
_MOST_FILES = 65_536

_log = structlog.get_logger("taskmgr.serve")


def run(settings: Settings, bound: socket) -> None:
    """Serves on a bound socket until a signal ends it. Raises `CannotStart`."""
    logs.set_up(settings.log_format)
    logs.log_uncaught()
    _raise_file_limit()
    calling_off = CallingOff()
    policy = load_policy(settings)
    with ExitStack() as stack:
        own = embedded(settings)
        uri = stack.enter_context(own) if own else settings.mongodb_uri or ""
        calling_off.leave_if_asked()
        key = secret_key(settings)  # first of all: a token that is made below must also be shown
        token = _prepared(uri, settings, policy)
        listener.open_up(bound, settings.bind)
        message = greeting(listener.shown(bound), *token)
        duties = Duties(
            settings=settings,
            policy=policy,
            uri=uri,
            secret_key=key,
            listener=bound.detach(),  # gunicorn's from here on
            watch=Watch(own) if own else lambda: None,
            ready=partial(_greet, message, calling_off),
        )
        Server(duties).run()


def _raise_file_limit() -> None:
    """As many connections as the machine allows; the usual soft limit is for old programs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _prepared(uri: str, settings: Settings, policy: Policy) -> tuple[str | None, str | None]:
    """Makes the database ready; the first user's token if there was no user, and an admin's name."""
    database: Database[Any] = open_database(uri, settings.database)
    with database.client:  # closed before the workers are forked
        prepare(database, settings, policy)
        require_known_statuses(database, policy)
        return _first_token(build_services(mongo_store(database, time_zone=policy.time_zone), policy=policy))


def _first_token(services: Services) -> tuple[str | None, str | None]:
    by = services.system(access.NAME)
    admin = access.make_first_user(services, by=by)
    if admin is None:
        admins = (user.username for user in services.users.iterate(by=by) if user.is_active_admin)
        return None, next(admins, None)
    token = services.tokens.create(user_id=admin.id, name="made at the first start", by=by)
    return token.text, admin.username


def _greet(message: str, calling_off: CallingOff) -> None:
    calling_off.leave_if_asked()
    click.echo(message)


def greeting(address: str, token: str | None, admin: str | None) -> str:
    """What to do next, for whoever has started the service; `admin` is one that there is."""
    lines = [f"The service is running on {address} (documentation: {address}/docs)."]
    if admin is None:
        lines.append("There is no active admin: taskmgr users set-role NAME admin makes one.")
        return "\n".join(lines)
    if token is None:
        lines.append(f"A token to call it with: taskmgr tokens create --user {admin}")
        return "\n".join(lines)
    return "\n".join(
        [
            *lines,
            f"The first user is {access.FIRST_USER}. Its token, shown this once: {token}",
            "Try it:",
            f"  curl -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' "
            f"""-d '{{"title": "My first task"}}' {address}/api/v1/tasks""",
        ]
    )


class CallingOff:
    """The signals that end the service, while it is starting: the step in hand is finished first.

    A database that is called off halfway would be left running. Who asks twice means it.
    """

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        if self._asked:
            sys.exit(0)
        self._asked = True

    def leave_if_asked(self) -> None:
        if self._asked:
            sys.exit(0)


class Watch:
    """Starts the embedded database again when it has died; called every second by the master."""

    def __init__(self, database: EmbeddedDatabase) -> None:
        self._database = database
        self._is_at_it = False
        self._paused_until = 0.0

    def __call__(self) -> None:
        if time.monotonic() < self._paused_until:
            return
        try:
            if self._brought_up():
                _log.warning("the database had died and was started again")
        except CannotStart as error:
            _log.error("the database is down", reason=str(error))
            self._paused_until = time.monotonic() + _WATCH_PAUSE

    def _brought_up(self) -> bool:
        """Whether it is up again, maybe after several turns."""
        was_at_it, self._is_at_it = self._is_at_it, True
        turn = gevent.Timeout.start_new(_WATCH_SLICE)
        try:
            brought_up = self._database.ensure_running()
        except gevent.Timeout:
            return False
        finally:
            turn.close()
        self._is_at_it = False
        return brought_up or was_at_it
