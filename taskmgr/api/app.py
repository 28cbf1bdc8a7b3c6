"""The application: one function puts blueprints, errors, identity and headers together."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import structlog
from flask import Flask, Request, Response
from flask_cors import CORS
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from taskmgr.api import bulk_results, openapi, problems, runtime
from taskmgr.api.conditional import versions
from taskmgr.api.conditional.cursors import Cursors
from taskmgr.api.conditional.list_tags import seal
from taskmgr.api.conditional.versions import expected_version
from taskmgr.api.identity.bearer import Identities
from taskmgr.api.identity.rate_limit import RateLimit
from taskmgr.api.input import strict_json
from taskmgr.api.input.blueprint import RECEIPT
from taskmgr.api.input.endpoint import Endpoint, endpoint_of
from taskmgr.api.input.limits import USUAL, end_store_deadline, start_store_deadline
from taskmgr.api.input.parsing import refuse_body, refuse_query
from taskmgr.api.runtime import is_shown_all, notes, this_request
from taskmgr.api.schemas.base import Out
from taskmgr.api.schemas.comments import CommentOut
from taskmgr.api.schemas.tasks import TaskOut
from taskmgr.api.schemas.users import UserOut
from taskmgr.api.views.activity import activity
from taskmgr.api.views.bulk import bulk
from taskmgr.api.views.comments import comments
from taskmgr.api.views.labels import labels
from taskmgr.api.views.root import register_pages, root
from taskmgr.api.views.stats import stats
from taskmgr.api.views.tasks import tasks
from taskmgr.api.views.tokens import tokens
from taskmgr.api.views.users import users
from taskmgr.api.views.workflow import workflow
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.services import Services
from taskmgr.settings import Settings

EXPOSED = (
    "ETag", "Location", "Retry-After", "X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining",
    "RateLimit-Reset", "Dry-Run", "Idempotent-Replayed",
)  # fmt: skip
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))
_SCHEMAS: dict[type, Out] = {Task: TaskOut(), User: UserOut(), Comment: CommentOut()}
_access = structlog.get_logger("taskmgr.access")


class _Application(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Nothing in here is async, and Flask would look at every hook and view anew with every request."""
        return func


def create_app(services: Services, settings: Settings, *, secret_key: str) -> Flask:
    """The WSGI application over the services. Connects nowhere; `secret_key` signs cursors."""
    app = _Application("taskmgr", static_folder=None)
    app.url_map.merge_slashes = False  # a path with one too many leads nowhere, not elsewhere
    app.config.from_mapping(openapi.CONFIG, MAX_CONTENT_LENGTH=USUAL.body_bytes)
    app.json = strict_json.OrjsonProvider(app)
    app.extensions[runtime.EXTENSION] = services
    app.extensions[f"{runtime.EXTENSION}.cursors"] = Cursors(secret_key)
    seal(app, services.policy)
    _allow_origins(app, settings)  # before the rest, so that it comes after what the rest answers instead
    _surround(app, services, settings)
    api = Api(app, spec_kwargs={"marshmallow_plugin": openapi.naming()})
    app.extensions[problems.CURRENT] = _current
    problems.register(app)
    bulk_results.register(app)
    for blueprint in (tasks, bulk, comments, users, activity, stats, labels, workflow, tokens, root):
        api.register_blueprint(blueprint)
    register_pages(app)
    with app.app_context():
        document = openapi.document(app, api, services.policy)
    app.extensions[f"{runtime.EXTENSION}.openapi"] = strict_json.dumps(document)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)  # type: ignore[method-assign]
    return app


def _current(entity: object) -> object:
    """The present representation of what a stale precondition was about."""
    return (_SCHEMAS[type(entity)] if is_shown_all() else RECEIPT).dump(entity)


def _surround(app: Flask, services: Services, settings: Settings) -> None:
    """What happens before and after every view, in this order: of two mistakes the earlier is answered."""
    identities = Identities(services.tokens)
    rate_limit = RateLimit(settings.rate_limit)

    @app.before_request
    def judge() -> None:
        asked, noted = this_request(), notes()
        endpoint = endpoint_of(app, asked)
        _begin(asked, noted, endpoint)
        start_store_deadline()
        if endpoint.reach is not None:
            noted.judge_caller = partial(identities.require, endpoint.reach, asked, noted)
            noted.judge_caller()
            expected_version()
        _refuse_what_is_not_taken(asked, endpoint)
        if endpoint.reach is not None:
            rate_limit.count(noted)

    @app.after_request
    def finish(response: Response) -> Response:
        asked, noted = this_request(), notes()
        if noted.endpoint.versioned and versions.names_versions(asked) and "ETag" in response.headers:
            response = versions.judged(asked, response)
        for name, value in _headers(asked, noted, response):
            response.headers.add(name, value)
        _tell(asked, noted, response)
        return response

    @app.teardown_request
    def release(_: BaseException | None) -> None:
        end_store_deadline()


def _begin(asked: Request, noted: Any, endpoint: Endpoint) -> None:
    noted.began = time.perf_counter()
    noted.endpoint = endpoint
    given = asked.environ.get("HTTP_X_REQUEST_ID", "")
    noted.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _refuse_what_is_not_taken(asked: Request, endpoint: Endpoint) -> None:
    if asked.query_string and not endpoint.takes_query:
        refuse_query(asked)
    if not endpoint.takes_body:
        refuse_body(asked)


def _headers(asked: Request, noted: Any, response: Response) -> Iterator[tuple[str, str]]:
    """What every answer says."""
    yield from noted.get("rate", ())
    yield "X-Request-Id", noted.request_id
    yield from _ALWAYS
    if asked.path.startswith("/api/"):
        yield "Cache-Control", "no-cache, private" if "ETag" in response.headers else "no-store"
    elif asked.path.startswith("/docs"):
        yield "Content-Security-Policy", _DOCS_POLICY


def _tell(asked: Request, noted: Any, response: Response) -> None:
    """The request's line in the log."""
    _access.info(
        "request",
        request_id=noted.request_id,
        method=asked.method,
        path=asked.path,
        status=response.status_code,
        milliseconds=round((time.perf_counter() - noted.began) * 1000, 1),
        by=noted.identity.actor.id if "identity" in noted else None,
        client=asked.remote_addr,
    )


def _allow_origins(app: Flask, settings: Settings) -> None:
    """CORS for the origins in the settings, and for none by default; never with credentials."""
    if not settings.cors_origins:
        return
    CORS(
        app,
        # Compiled, and to the very end: the library takes a text with a dot escaped for a pattern, and
        # looks only whether an origin begins like it.
        origins=[
            origin if origin == "*" else re.compile(re.escape(origin) + r"\Z", re.IGNORECASE)
            for origin in settings.cors_origins
        ],
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "If-Match",
            "If-None-Match",
            "Idempotency-Key",
            "X-Request-Id",
        ],
        expose_headers=list(EXPOSED),
        supports_credentials=False,
        vary_header=False,
        max_age=600,
    )

    @app.after_request
    def vary(response: Response) -> Response:
        """For caches: an answer without leave is one to some origin, too."""
        response.vary.add("Origin")
        return response
