"""The service itself: links, health, and the documentation, all without a token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_swagger_ui
from flask import Flask, Response, request, send_from_directory
from jinja2 import Environment, FileSystemLoader

from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.problems.reference_page import errors_page
from taskmgr.api.runtime import current_runtime, services
from taskmgr.api.schemas.service import HealthOut, RootOut
from taskmgr.api.views.dashboard import dashboard_page
from taskmgr.api.views.unsubscribe import register_unsubscribing
from taskmgr.domain.ports.identity_provider import IdentityProvider
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
    """List the paths to start from

    A browser gets the dashboard instead.
    """
    if request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html":
        page = dashboard_page()
        page.vary.add("Accept")
        return page
    return {"name": "taskmgr", "version": __version__, "links": _LINKS}, {"Vary": "Accept"}


@root.get("/healthz")
@root.response(200, HealthOut)
def get_health() -> Any:
    """Check that the service is alive"""
    return {"status": "ok"}


@root.get("/readyz")
@root.response(200, HealthOut)
def get_readiness() -> Any:
    """Check that the service is ready: its database answers and accepts writes"""
    services().health.check()
    return {"status": "ok"}


def register_pages(app: Flask, provider: IdentityProvider | None) -> None:
    """Adds the OpenAPI document, and the pages of the documentation, of signing in and of mails."""
    errors = errors_page()
    templates = Environment(loader=FileSystemLoader(_PAGES), autoescape=True)
    provider_name = None if provider is None else provider.name
    sign_in = templates.get_template("sign-in.html").render(provider=provider_name)
    signed_in = templates.get_template("signed-in.html").render()
    welcome = templates.get_template("welcome.html").render()

    register_unsubscribing(app, templates)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(current_runtime().openapi_json, mimetype="application/json")

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

    @app.get("/sign-in")
    def sign_in_page() -> Response:
        return Response(sign_in, mimetype="text/html", headers={"Cache-Control": "no-cache"})

    @app.get("/signed-in")
    def signed_in_page() -> Response:
        return Response(signed_in, mimetype="text/html", headers={"Cache-Control": "no-cache"})

    @app.get("/welcome")
    def welcome_page() -> Response:
        return Response(welcome, mimetype="text/html", headers={"Cache-Control": "no-cache"})

    @app.get("/pages/<any('pages.js', 'sign-in.js', 'signed-in.js', 'welcome.js'):name>")
    def page_script(name: str) -> Response:
        return send_from_directory(_PAGES, name)

    @app.get("/docs/assets/<path:name>")
    def docs_asset(name: str) -> Response:
        return send_from_directory(_ASSETS, name)
