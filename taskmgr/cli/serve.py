"""`taskmgr serve`: patches the standard library for gevent, binds the socket, and runs the service."""

from __future__ import annotations

import re
from dataclasses import replace

import click

_MAX_PORT = 65_535


def _check_address(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Checks the form of the option; binding the socket shows whether this machine has the address."""
    match = value and re.fullmatch(r".+:([0-9]{1,5})", value)
    if value is not None and not (match and int(match[1]) <= _MAX_PORT):
        raise click.BadParameter("must be HOST:PORT, such as 127.0.0.1:5000.")
    return value


@click.command()
@click.option(
    "--bind", metavar="HOST:PORT", callback=_check_address,
    help="Address to listen on.  [default: TASKMGR_BIND]",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Number of processes.  [default: TASKMGR_WORKERS]"
)
def serve(bind: str | None, workers: int | None) -> None:
    """Run the service.

    Without TASKMGR_MONGODB_URI, it starts its own database in the data folder. SIGTERM and Ctrl-C stop
    the service after the requests in progress. SIGHUP loads the policy file again, without failing
    any request.
    """
    from gevent import monkey

    # Before ssl or pymongo is imported: patching later makes TLS fail with a RecursionError.
    monkey.patch_all()
    from taskmgr.metrics.folder import metrics_folder
    from taskmgr.server.listener import bind_socket
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    settings = replace(settings, bind=bind or settings.bind, workers=workers or settings.workers)
    with bind_socket(settings.bind) as socket, metrics_folder():
        # Imported only now, because it takes a second: an address in use is reported at once.
        from taskmgr.server import startup

        startup.run(settings, socket)
