"""The dashboard: one page for all of its addresses, and the files that this page loads.

`make install` builds both from `web/`. Without a build, the page says how to make one.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, request, send_from_directory

from taskmgr.api.input.endpoint import accept_any_query

# The first parts of the dashboard's addresses; the table of its routes, `web/src/routes.ts`, has the whole.
SECTIONS = ("board", "list", "tasks", "people", "insights", "inbox", "views", "settings", "admin")

_PAGES = Path(__file__).parent.parent / "pages"
_BUILD = Path(__file__).parent.parent / "dashboard"
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_YEAR = 365 * 24 * 60 * 60  # seconds


def dashboard_page() -> Response:
    """Returns the page of the dashboard, which shows what the address says."""
    if (_BUILD / "index.html").exists():
        return send_from_directory(_BUILD, "index.html")
    page = send_from_directory(_PAGES, "not-built.html")
    page.status_code = 503
    return page


def register_dashboard(app: Flask) -> None:
    """Adds the addresses of the dashboard, and its files."""
    sections = ", ".join(f"'{section}'" for section in SECTIONS)

    @app.get(f"/<any({sections}):section>")
    @app.get(f"/<any({sections}):section>/<path:rest>")
    @accept_any_query
    def dashboard(section: str, rest: str = "") -> Response:  # noqa: ARG001 - both are for the page's script
        return dashboard_page()

    @app.get("/assets/<name>")
    def dashboard_file(name: str) -> Response:
        return _send_compressed(name)


def _send_compressed(name: str) -> Response:
    """Returns a file in the best encoding that the client accepts. Its name contains its hash."""
    folder = _BUILD / "assets"
    encoding, ending = next(
        (pair for pair in _ENCODINGS if request.accept_encodings[pair[0]] > 0), ("identity", "")
    )
    response = send_from_directory(folder, name + ending, mimetype=_mimetype(name), max_age=_YEAR)
    if encoding != "identity":
        response.content_encoding = encoding
    response.vary.add("Accept-Encoding")
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response


def _mimetype(name: str) -> str:
    return {".js": "text/javascript", ".css": "text/css"}.get(Path(name).suffix, "application/octet-stream")
