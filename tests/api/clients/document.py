"""`python -m tests.api.clients.document`: prints the OpenAPI document, without a database."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import cast

from taskmgr.api.app import create_app
from taskmgr.api.runtime import runtime_of
from taskmgr.bootstrap import build_services
from taskmgr.domain.ports.store import Store
from taskmgr.settings import Settings


def document() -> bytes:
    """Returns the document of the service under the default policy."""
    ports = dict.fromkeys(("feed", "feed_streams", "health", "users", "projects"))
    store = cast("Store", SimpleNamespace(**ports))
    app = create_app(build_services(store), Settings(), secret_key="signs nothing")
    return bytes(runtime_of(app).openapi_json)


if __name__ == "__main__":
    sys.stdout.buffer.write(document())
