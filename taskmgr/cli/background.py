"""`taskmgr background`: runs the background work by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from threading import Event

    from taskmgr.settings import Settings


@click.command()
def background() -> None:
    """Run the background work without serving requests.

    `taskmgr serve` runs it beside its workers. On several machines, each may run it: one works at a time, and
    another takes over within 30 seconds if it dies. SIGTERM and Ctrl-C end it.
    """
    import signal
    from threading import Event

    from taskmgr import logs
    from taskmgr.metrics.folder import metrics_folder
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    logs.set_up(settings.log_format)
    logs.log_uncaught()
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with metrics_folder():
        _run(settings, stop)


def _run(settings: Settings, stop: Event) -> None:
    from taskmgr.background.process import run
    from taskmgr.infrastructure.mongo.client import open_database
    from taskmgr.metrics.commands import count_commands
    from taskmgr.metrics.listener import answer_prometheus
    from taskmgr.resources import load_policy, prepare_database, running_database
    from taskmgr.server.listener import bind_metrics

    count_commands()
    metrics = bind_metrics(settings.metrics_bind)
    if metrics is not None:
        answer_prometheus(metrics)
    policy = load_policy(settings)
    with running_database(settings) as uri:
        database = open_database(uri, settings.database)
        with database.client:
            prepare_database(database, settings, policy)
        run(uri, settings, policy, stop)
