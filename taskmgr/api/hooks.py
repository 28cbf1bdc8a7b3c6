"""Runs before and after every view: authentication, limits, preconditions, headers and the access log."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial

import structlog
from flask import Flask, Request, Response

from taskmgr.api.conditional.versions import apply_preconditions, expected_version, has_preconditions
from taskmgr.api.identity.callers import Callers
from taskmgr.api.identity.rate_limit import RateLimit
from taskmgr.api.input.endpoint import Endpoint, endpoint_of
from taskmgr.api.input.limits import end_store_deadline, start_store_deadline
from taskmgr.api.input.parsing import reject_body, reject_query
from taskmgr.api.request_state import RequestState, begin, current_request, request_state
from taskmgr.metrics import instruments
from taskmgr.settings import Settings

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGES_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_SECURITY_HEADERS = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MAX_USER_AGENT = 200  # characters in the log
_access = structlog.get_logger("taskmgr.access")


def register(
    app: Flask, callers: Callers, settings: Settings, trace_id: Callable[[], str | None] | None = None
) -> None:
    """Adds the hooks. The order of the checks decides which of two errors is reported."""
    rate_limit = RateLimit(settings.rate_limit)

    @app.before_request
    def check_request() -> None:
        request = current_request()
        endpoint = endpoint_of(app, request)
        state = RequestState(_request_id(request), time.perf_counter(), endpoint)
        begin(state)
        start_store_deadline()
        if endpoint.required_scopes is not None:
            state.authorize = partial(callers.authorize, endpoint.required_scopes, request, state)
            state.authorize()
            expected_version()
        _reject_undeclared_input(request, endpoint)
        if endpoint.required_scopes is not None:
            rate_limit.count(state)

    @app.after_request
    def complete_response(response: Response) -> Response:
        request, state = current_request(), request_state()
        if state.endpoint.has_version and "ETag" in response.headers and has_preconditions(request):
            response = apply_preconditions(request, response)
        for name, value in _headers(request, state, response):
            response.headers.add(name, value)
        seconds = time.perf_counter() - state.started
        _measure(request, state, response, seconds)
        _log_request(request, state, response, seconds, trace_id and trace_id())
        return response

    @app.teardown_request
    def release(_: BaseException | None) -> None:
        end_store_deadline()


def _request_id(request: Request) -> str:
    """Returns the client's own id for the request if it is acceptable, or a new one."""
    request_id: str = request.environ.get("HTTP_X_REQUEST_ID", "")
    return request_id if _REQUEST_ID.fullmatch(request_id) else secrets.token_hex(8)


def _reject_undeclared_input(request: Request, endpoint: Endpoint) -> None:
    if request.query_string and not endpoint.has_query:
        reject_query(request)
    if not endpoint.has_body:
        reject_body(request)


def _headers(request: Request, state: RequestState, response: Response) -> Iterator[tuple[str, str]]:
    """Yields the headers that do not depend on the view."""
    yield from state.rate_limit_headers
    yield "X-Request-Id", state.request_id
    yield from _SECURITY_HEADERS
    if request.path.startswith("/api/"):
        yield "Cache-Control", "no-cache, private" if "ETag" in response.headers else "no-store"
    elif request.path.startswith("/docs"):
        yield "Content-Security-Policy", _DOCS_POLICY
    elif response.mimetype == "text/html":
        yield "Content-Security-Policy", _PAGES_POLICY


def _measure(request: Request, state: RequestState, response: Response, seconds: float) -> None:
    route = request.url_rule.rule if request.url_rule else instruments.NO_ROUTE
    method = request.method if request.method in _METHODS else instruments.OTHER_METHOD
    instruments.REQUESTS.labels(method, route, str(response.status_code)).inc()
    instruments.DURATIONS.labels(method, route).observe(seconds)
    for code in state.refusals:
        instruments.REFUSALS.labels(code).inc()
    instruments.collect_tally()


def _log_request(
    request: Request, state: RequestState, response: Response, seconds: float, trace_id: str | None
) -> None:
    more: dict[str, object] = {"refusals": sorted(set(state.refusals))} if state.refusals else {}
    if trace_id:
        more["trace_id"] = trace_id
    _access.info(
        "request",
        request_id=state.request_id,
        method=request.method,
        path=request.path,
        route=request.url_rule and request.url_rule.rule,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
        by=state.identity.actor.id if state.identity is not None else None,
        client=request.remote_addr,
        user_agent=request.environ.get("HTTP_USER_AGENT", "")[:_MAX_USER_AGENT],
        **more,
    )
