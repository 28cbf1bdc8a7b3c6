"""Builds the application: blueprints, error handlers, hooks and CORS."""

from __future__ import annotations

from collections.abc import Callable
from threading import Semaphore

from flask import Flask
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from taskmgr.api import cors, hooks, openapi, runtime
from taskmgr.api.conditional.cursors import Cursors
from taskmgr.api.conditional.list_tags import list_etag_salt
from taskmgr.api.events.hub import FeedHub
from taskmgr.api.events.minder import StreamMinder
from taskmgr.api.events.stream import Source
from taskmgr.api.identity.callers import Callers
from taskmgr.api.identity.cookies import Cookies
from taskmgr.api.identity.origins import OwnOrigin
from taskmgr.api.input import strict_json
from taskmgr.api.input.limits import DEFAULT_LIMITS
from taskmgr.api.overload import Overload
from taskmgr.api.problems import handlers
from taskmgr.api.runtime import Runtime
from taskmgr.api.views.accounts import accounts
from taskmgr.api.views.activity import activity
from taskmgr.api.views.bulk import bulk
from taskmgr.api.views.comments import comments
from taskmgr.api.views.dashboard import register_dashboard
from taskmgr.api.views.demo import demo
from taskmgr.api.views.feed import feed
from taskmgr.api.views.inbox import inbox
from taskmgr.api.views.labels import labels
from taskmgr.api.views.projects import projects
from taskmgr.api.views.root import register_pages, root
from taskmgr.api.views.sign_in import auth
from taskmgr.api.views.stats import stats
from taskmgr.api.views.tasks import tasks
from taskmgr.api.views.tokens import tokens
from taskmgr.api.views.users import users
from taskmgr.api.views.views import views
from taskmgr.api.views.webhooks import webhooks
from taskmgr.api.views.workflow import workflow
from taskmgr.domain.services import Services
from taskmgr.settings import Settings

_BLUEPRINTS = (
    tasks, bulk, comments, projects, users, inbox, activity, feed, stats, labels, workflow, tokens, auth,
    accounts, views, webhooks, demo, root,
)  # fmt: skip

# How many streams may read from the database at once, because what they need is no longer in memory.
_MAX_READERS = 4


def create_app(
    services: Services,
    settings: Settings,
    *,
    secret_key: str,
    trace_id: Callable[[], str | None] | None = None,
) -> Flask:
    """Returns the WSGI application over the services. It connects to nothing.

    `secret_key` signs cursors and the cookies of known browsers. `trace_id` returns the id of the current
    trace, for the log.
    """
    app = Flask("taskmgr", static_folder=None)
    app.url_map.merge_slashes = False  # `//tasks` is an unknown path, not another spelling
    app.config.from_mapping(openapi.CONFIG, MAX_CONTENT_LENGTH=DEFAULT_LIMITS.max_body_bytes)
    app.json = strict_json.OrjsonProvider(app)
    cors.register(app, settings)  # first, because hooks after a request run in the reverse order
    overload = Overload()
    cookies, own_origin = Cookies(settings, secret_key), OwnOrigin(settings.public_url)
    hooks.register(app, Callers(services, cookies, own_origin), settings, trace_id)
    api = Api(app, spec_kwargs={"marshmallow_plugin": openapi.naming()})
    handlers.register(app)  # after flask-smorest has registered its own
    for blueprint in _BLUEPRINTS:
        api.register_blueprint(blueprint)
    register_pages(app, services.accounts.provider)
    register_dashboard(app)
    with app.app_context():
        document = openapi.document(app, api, services.policy, session_cookie=cookies.session_name)
    runtime.install(
        app,
        Runtime(
            services=services,
            cursors=Cursors(secret_key),
            streams=_streams(services),
            overload=overload,
            cookies=cookies,
            own_origin=own_origin,
            openapi_json=strict_json.dumps(document),
            list_etag_salt=list_etag_salt(services.policy),
        ),
    )
    app.wsgi_app = overload.guard(app.wsgi_app)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)  # type: ignore[method-assign]
    return app


def _streams(services: Services) -> StreamMinder:
    store = services.feed.store
    hub = FeedHub(store.feed, store.feed_streams)
    source = Source(services.feed, hub, readers=Semaphore(_MAX_READERS))
    return StreamMinder(source, services.tokens, services.sessions)
