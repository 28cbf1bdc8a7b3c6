"""`taskmgr serve`: prepares the process before anything opens a socket, then runs the service."""

from __future__ import annotations

import re
from dataclasses import replace

import click

_LAST_PORT = 65_535


def _address(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """The option's form alone: whether the address is one of this machine is seen by listening on it."""
    form = value and re.fullmatch(r".+:([0-9]{1,5})", value)
    if value is not None and not (form and int(form[1]) <= _LAST_PORT):
        raise click.BadParameter("write HOST:PORT, such as 127.0.0.1:5000.")
    return value


@click.command()
@click.option(
    "--bind", metavar="HOST:PORT", callback=_address, help="Where to listen; by default TASKMGR_BIND."
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; by default TASKMGR_WORKERS.")
def serve(bind: str | None, workers: int | None) -> None:
    """Run the service, with a database of its own where TASKMGR_MONGODB_URI is not set.

    SIGTERM and Ctrl-C end it when the requests in flight are answered; SIGHUP starts new workers,
    which read the policy anew, without a failed request.
    """
    from gevent import monkey

    # Before anything imports ssl or pymongo: patched later, TLS ends in a RecursionError.
    monkey.patch_all()
    from taskmgr.server.listener import bind_socket
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    settings = replace(settings, bind=bind or settings.bind, workers=workers or settings.workers)
    with bind_socket(settings.bind) as socket:
        from taskmgr.server import startup

        startup.run(settings, socket)
