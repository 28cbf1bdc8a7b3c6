"""The worker: a gunicorn process that serves requests with gevent."""

from __future__ import annotations

import signal
from typing import Any

import gevent
import structlog
from gunicorn.workers.ggevent import GeventWorker

_log = structlog.get_logger("taskmgr.serve")


class Worker(GeventWorker):  # type: ignore[misc]
    """gunicorn's gevent worker; ignores SIGINT, because the master decides when workers stop."""

    app: Any
    wsgi: Any

    def init_process(self) -> None:
        log_uncaught_exceptions(gevent.get_hub())
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi = _close_after_broken_bodies(self.wsgi)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Ends the event streams, which would hold up the graceful stop. SIGHUP leads here, too."""
        gevent.spawn(self.app.end_streams)
        super().handle_exit(sig, frame)

    def init_signals(self) -> None:
        super().init_signals()
        # In a terminal, Ctrl-C sends SIGINT to every process of the group.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def log_uncaught_exceptions(hub: Any) -> None:
    """Makes a gevent hub log the uncaught exceptions of its greenlets.

    By default it prints them to standard error with their texts, which may contain stored data.
    """

    def log(_context: Any, _type: Any, error: BaseException | None, _traceback: Any) -> None:
        _log.critical("uncaught exception", exc_info=error)

    hub.print_exception = log


def _close_after_broken_bodies(application: Any) -> Any:
    """Returns the WSGI application with `Connection: close` on responses to bodies that were not read whole.

    gunicorn closes such a connection, because it does not know where the next request begins, but without
    this the response would announce keep-alive.
    """

    def respond(environ: Any, start_response: Any) -> Any:
        def start(*response: Any) -> Any:
            if environ["wsgi.input"].failed:
                start_response.__self__.force_close()
            return start_response(*response)

        return application(environ, start)

    return respond
