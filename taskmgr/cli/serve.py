"""`taskmgr serve`: prepares the process before anything opens a socket, then runs the service."""

from __future__ import annotations

import click


@click.command()
@click.option("--bind", metavar="HOST:PORT", help="Where to listen; by default TASKMGR_BIND.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; by default TASKMGR_WORKERS.")
def serve(bind: str | None, workers: int | None) -> None:
    """Run the service, with a database of its own where TASKMGR_MONGODB_URI is not set.

    SIGTERM and Ctrl-C end it when the requests in flight are answered; SIGHUP starts new workers,
    which read the policy anew, without a failed request.
    """
    from gevent import monkey

    # Before anything imports ssl or pymongo: patched later, TLS ends in a RecursionError.
    monkey.patch_all()
    from taskmgr.cli import service

    service.run(bind=bind, workers=workers)
