"""`/unsubscribe`: ends the mails to somebody who need not be signed in (RFC 8058).

A mail program sends a `POST` to the address in a mail, as the button of the page does. A `GET` changes
nothing, because programs that scan mails follow their links.
"""

from __future__ import annotations

from flask import Flask, Response, request
from jinja2 import Environment

from taskmgr.api.input.endpoint import accept_any_body, accept_any_query
from taskmgr.api.input.limits import read_body, request_limits
from taskmgr.api.runtime import services
from taskmgr.domain.ports.mail import UNSUBSCRIBE

_TOKEN = "token"  # noqa: S105 - in the query, because paths are logged


def register_unsubscribing(app: Flask, templates: Environment) -> None:
    """Adds the page."""
    template = templates.get_template("unsubscribe.html")
    pages = {state: template.render(state=state) for state in ("asked", "done", "unknown")}

    def page(state: str) -> Response:
        headers = {"Cache-Control": "no-store"}
        return Response(pages[state], 404 if state == "unknown" else 200, headers, mimetype="text/html")

    @app.get(UNSUBSCRIBE)
    @accept_any_query
    def ask_to_unsubscribe() -> Response:
        is_known = services().inbox.knows_unsubscribe_token(request.args.get(_TOKEN, ""))
        return page("asked" if is_known else "unknown")

    @app.post(UNSUBSCRIBE)
    @accept_any_query
    @accept_any_body
    @request_limits(max_body_bytes=10_000, body_seconds=10.0, store_seconds=8.0)
    def unsubscribe() -> Response:
        read_body()  # always the same; the token says everything
        is_known = services().inbox.end_mails(request.args.get(_TOKEN, ""))
        return page("done" if is_known else "unknown")
