"""The root: links, health, the OpenAPI document and its page. No token is needed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_swagger_ui
from flask import Flask, Response, current_app, send_from_directory

from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.reference import errors_page
from taskmgr.api.runtime import services
from taskmgr.api.schemas.others import HealthOut, RootOut
from taskmgr.version import __version__

root = Blueprint("service", __name__, description="The service itself")

_ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
_PAGES = Path(__file__).parent.parent / "pages"
_LINKS = {
    "tasks": "/api/v1/tasks",
    "users": "/api/v1/users",
    "workflow": "/api/v1/workflow",
    "me": "/api/v1/users/me",
    "openapi": "/openapi.json",
    "docs": "/docs",
    "errors": "/docs/errors",
    "health": "/healthz",
    "ready": "/readyz",
}


@root.get("/")
@root.response(200, RootOut)
def get_links() -> Any:
    """Find the way"""
    return {"name": "taskmgr", "version": __version__, "links": _LINKS}


@root.get("/healthz")
@root.response(200, HealthOut)
def get_health() -> Any:
    """Ask whether the service is alive"""
    return {"status": "ok"}


@root.get("/readyz")
@root.response(200, HealthOut)
def get_readiness() -> Any:
    """Ask whether the service can work: its database answers and takes writes"""
    services().health.check()
    return {"status": "ok"}


def register_pages(app: Flask) -> None:
    """The documents for people and tools, served by the service itself."""
    errors = errors_page()

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(current_app.extensions["taskmgr.openapi"], mimetype="application/json")

    @app.get("/docs")
    def docs() -> Response:
        return send_from_directory(_PAGES, "docs.html")

    @app.get("/docs/errors")
    def docs_errors() -> Response:
        return Response(errors, mimetype="text/html")

    @app.get("/docs/pages.css")
    def docs_style() -> Response:
        return send_from_directory(_PAGES, "pages.css")

    @app.get("/docs/docs.js")
    def docs_script() -> Response:
        return send_from_directory(_PAGES, "docs.js")

    @app.get("/docs/assets/<path:name>")
    def docs_asset(name: str) -> Response:
        return send_from_directory(_ASSETS, name)
