"""The floor's calls as views of a Flask application: what the framework alone adds to the floor.

The application has neither hooks nor extensions; the duties are those of the floor, outside of Flask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from benchmarks.peers import duties
from benchmarks.peers.floor import ROUTES, database, to_json

_flask = Flask(__name__)


def _view(handler: Callable[..., tuple[str, Any]]) -> Callable[..., Response]:
    def respond(**parts: str) -> Response:
        status, content = handler(request.environ, request.args, *parts.values())
        return Response(to_json(content), status, content_type="application/json")

    return respond


for (method, collection, count), handler in ROUTES.items():
    rule = "".join(["/api/v1/", collection, *(f"/<part{number}>" for number in range(count))])
    _flask.add_url_rule(rule, handler.__name__, _view(handler), methods=[method])

app = duties.wsgi(_flask, database)
