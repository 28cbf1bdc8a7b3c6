"""The application: one function puts blueprints, errors, identity and headers together."""

from __future__ import annotations

import re
import secrets
import time
from contextlib import ExitStack

import structlog
from flask import Flask, Request, Response, current_app, g, request
from flask_cors import CORS
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from taskmgr.api import context, openapi, preconditions, problems, strict_json
from taskmgr.api.blueprint import takes
from taskmgr.api.conditional import is_conditional, seal
from taskmgr.api.cursors import Cursors
from taskmgr.api.identity import Identities
from taskmgr.api.limits import USUAL, allowance
from taskmgr.api.parsing import refuse_body, refuse_query
from taskmgr.api.rate_limit import limit_rate
from taskmgr.api.schemas.base import Out
from taskmgr.api.schemas.comments import CommentOut
from taskmgr.api.schemas.tasks import TaskOut
from taskmgr.api.schemas.users import UserOut
from taskmgr.api.views.activity import activity
from taskmgr.api.views.bulk import bulk
from taskmgr.api.views.comments import comments
from taskmgr.api.views.root import register_pages, root
from taskmgr.api.views.stats import stats
from taskmgr.api.views.tasks import tasks
from taskmgr.api.views.tokens import tokens
from taskmgr.api.views.users import users
from taskmgr.api.views.workflow import workflow
from taskmgr.domain.comment import Comment
from taskmgr.domain.services import Services
from taskmgr.domain.task import Task
from taskmgr.domain.user import User
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
_SCHEMAS: dict[type, Out] = {Task: TaskOut(), User: UserOut(), Comment: CommentOut()}
_access = structlog.get_logger("taskmgr.access")


def create_app(services: Services, settings: Settings, *, secret_key: str) -> Flask:
    """The WSGI application over the services. Connects nowhere; `secret_key` signs cursors."""
    app = Flask("taskmgr", static_folder=None)
    app.url_map.merge_slashes = False  # a path with one too many leads nowhere, not elsewhere
    app.config.from_mapping(openapi.CONFIG, MAX_CONTENT_LENGTH=USUAL.body_bytes)
    app.json = strict_json.OrjsonProvider(app)
    app.extensions[context.EXTENSION] = services
    app.extensions[f"{context.EXTENSION}.cursors"] = Cursors(secret_key)
    seal(app, services.policy)
    _surround(app, services)
    limit_rate(app, settings.rate_limit)
    api = Api(app, spec_kwargs={"marshmallow_plugin": openapi.naming()})
    app.extensions[problems.CURRENT] = _current
    problems.register(app)
    for blueprint in (tasks, bulk, comments, users, activity, stats, workflow, tokens, root):
        api.register_blueprint(blueprint)
    register_pages(app)
    with app.app_context():
        document = openapi.document(app, api, services.policy)
    app.extensions[f"{context.EXTENSION}.openapi"] = strict_json.dumps(document)
    _allow_origins(app, settings)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)  # type: ignore[method-assign]
    return app


def _current(entity: object) -> object:
    """The present representation of what a stale precondition was about."""
    return _SCHEMAS[type(entity)].dump(entity)


def _surround(app: Flask, services: Services) -> None:
    """What happens before and after every view, in this order."""
    identities = Identities(services.tokens)

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        g.began = time.perf_counter()
        g.held = ExitStack()
        g.held.enter_context(services.health.deadline(allowance().seconds))

    app.before_request(identities.require)

    @app.before_request
    def refuse_what_is_not_taken() -> None:
        preconditions.require_readable()
        asked = request._get_current_object()  # type: ignore[attr-defined]
        if asked.endpoint and asked.method != "OPTIONS":
            view = app.view_functions[asked.endpoint]
            if asked.query_string and not takes(view, "query"):
                refuse_query()
            if not takes(view, "json"):
                refuse_body()

    @app.after_request
    def finish(response: Response) -> Response:
        asked = request._get_current_object()  # type: ignore[attr-defined]
        if _names_versions(asked) and "ETag" in response.headers:
            response = preconditions.judged(response)
        _set_headers(asked, response)
        _access.info(
            "request",
            request_id=g.request_id,
            method=asked.method,
            path=asked.path,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.began) * 1000, 1),
            by=g.identity.actor.id if "identity" in g else None,
            client=asked.remote_addr,
        )
        return response

    @app.teardown_request
    def release(_: BaseException | None) -> None:
        held = g.pop("held", None)
        if held is not None:
            held.close()


def _names_versions(asked: Request) -> bool:
    """Whether this is a question about one thing (a list judges for itself) that names versions of it."""
    named = "HTTP_IF_NONE_MATCH" in asked.environ or "HTTP_IF_MATCH" in asked.environ
    if not named or asked.method not in ("GET", "HEAD") or "identity" not in g:
        return False
    return not is_conditional(current_app.view_functions[str(asked.endpoint)])


def _set_headers(asked: Request, response: Response) -> None:
    more = [
        ("X-Request-Id", g.request_id),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ]
    if asked.path.startswith("/api/"):
        kept = "no-cache, private" if "ETag" in response.headers else "no-store"
        more.append(("Cache-Control", kept))
    elif asked.path.startswith("/docs"):
        more.append(("Content-Security-Policy", _DOCS_POLICY))
    response.headers.extend(more)


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
