"""Passes gunicorn's log messages on to the service's log, without what clients have sent."""

from __future__ import annotations

import re
from typing import Any

from gunicorn.glogging import Logger

_INVALID_REQUEST = re.compile(r"Invalid request from ip=\S+: [A-Za-z /]*")
_WORKER_EXIT = "Exception during worker exit"


class GunicornLog(Logger):  # type: ignore[misc]
    """gunicorn's logger; its messages reach the handlers of the root logger."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Logs a warning without the parts that gunicorn quotes from requests and exceptions."""
        invalid_request = _INVALID_REQUEST.match(str(msg))
        if invalid_request:  # the rest of the message quotes the request, which may contain a token
            msg, args = "%s", (invalid_request[0],)
        elif str(msg).startswith(_WORKER_EXIT):  # the message contains the traceback as text
            msg, args, kwargs = _WORKER_EXIT, (), {"exc_info": True}
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Logs an exception; of the request's URL, which gunicorn quotes, the query is left out."""
        paths = (arg.partition("?")[0] if isinstance(arg, str) else arg for arg in args)
        super().exception(msg, *paths, **kwargs)
