"""Starts the service: opens the database, creates the first user, and hands over to gunicorn."""

from __future__ import annotations

import resource
from contextlib import ExitStack
from functools import partial
from socket import socket
from typing import Any

import click
from pymongo.database import Database

from taskmgr import logs
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.services import Services
from taskmgr.domain.services.first_user import create_first_user
from taskmgr.domain.services.links import FIRST_LIFETIME
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.metrics.commands import count_commands
from taskmgr.resources import (
    embedded_database,
    load_policy,
    load_secret_key,
    prepare_database,
    require_known_statuses,
)
from taskmgr.server.application import ServerApplication, ServerOptions
from taskmgr.server.database_watch import DatabaseWatch
from taskmgr.server.greeting import FirstUser, build_greeting
from taskmgr.server.listener import bind_metrics, start_listening, url_of
from taskmgr.server.startup_signals import StartupSignals
from taskmgr.server.tracing import require_packages
from taskmgr.settings import Settings

_MAX_OPEN_FILES = 65_536
_ACTOR_NAME = "cli"  # the first user and its token are made by `system:cli`


def run(settings: Settings, bound: socket) -> None:
    """Serves on a bound socket until a signal stops the service. Raises `CannotStart`."""
    logs.set_up(settings.log_format)
    logs.log_uncaught()
    if settings.traces_exporter:
        require_packages()
    _raise_file_limit()
    count_commands()
    signals = StartupSignals()
    policy = load_policy(settings)
    with ExitStack() as stack:
        metrics = bind_metrics(settings.metrics_bind)
        embedded = embedded_database(settings)
        uri = stack.enter_context(embedded) if embedded else settings.mongodb_uri or ""
        signals.exit_if_received()
        # Before the first user is created: if the key is missing, its token would never be shown.
        secret_key = load_secret_key(settings)
        first, admin = _prepare(uri, settings, policy, settings.public_url or url_of(bound))
        start_listening(bound, settings.bind)
        greeting = build_greeting(url_of(bound), first, admin)
        options = ServerOptions(
            settings=settings,
            policy=policy,
            uri=uri,
            secret_key=secret_key,
            metrics_listener=metrics,
            listener=bound.detach(),  # gunicorn closes it
            every_second=DatabaseWatch(embedded) if embedded else lambda: None,
            when_ready=partial(_greet, greeting, signals),
        )
        ServerApplication(options).run()


def _raise_file_limit() -> None:
    """Raises the limit of open files, and so of connections, to the system's maximum; often it is 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _prepare(
    uri: str, settings: Settings, policy: Policy, address: str
) -> tuple[FirstUser | None, str | None]:
    """Prepares the database and creates the first user; returns the same as `_first_user`."""
    database: Database[Any] = open_database(uri, settings.database)
    with database.client:  # closed before the workers are forked
        prepare_database(database, settings, policy)
        require_known_statuses(database, policy)
        services = build_services(mongo_store(database, time_zone=policy.time_zone), policy=policy)
        return _first_user(services, address)


def _first_user(services: Services, address: str) -> tuple[FirstUser | None, str | None]:
    """Returns the first user, or None if there were users before, and the username of an active admin."""
    actor = services.system(_ACTOR_NAME)
    first_user = create_first_user(services, by=actor)
    if first_user is None:
        admins = (user.username for user in services.users.iterate(by=actor) if user.is_active_admin)
        return None, next(admins, None)
    token = services.tokens.create(user_id=first_user.id, name="made at the first start", by=actor)
    link = services.links.create(first_user.id, lifetime=FIRST_LIFETIME, by=actor)
    return FirstUser(token=token.text, link=f"{address}{link.path}"), first_user.username


def _greet(greeting: str, signals: StartupSignals) -> None:
    signals.exit_if_received()
    click.echo(greeting)
