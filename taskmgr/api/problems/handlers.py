"""Registers the handlers that answer every exception with a problem."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from taskmgr.api.bulk_rows import bulk_rows
from taskmgr.api.problems.codes import CODES, ApiError
from taskmgr.api.problems.domain_errors import detail_of, extensions_of, headers_of
from taskmgr.api.problems.responses import problem_response, public_errors, public_reasons
from taskmgr.domain.model.errors import DomainError
from taskmgr.domain.services.bulk_results import BulkRefused

_CODES_BY_STATUS = {
    400: "malformed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}
_log = structlog.get_logger("taskmgr.problems")


def register(app: Flask) -> None:
    """Makes every failure of the application a problem."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(BulkRefused, _bulk_refused)
    app.register_error_handler(ApiError, _api_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _internal_error)


def _domain_error(error: DomainError) -> Response:
    if error.code not in CODES:
        return _internal_error(error)
    if error.code == "unavailable":
        _log.warning("unavailable", detail=str(error), cause=error.__cause__)
    return problem_response(error.code, detail_of(error), headers_of(error), **extensions_of(error))


def _bulk_refused(error: BulkRefused) -> Response:
    """Answers an atomic bulk in which an operation failed."""
    rows = bulk_rows(error.results, kept=False)
    if error.is_invalid:
        errors = public_errors([e.under("body") for e in error.errors])
        return problem_response("invalid", str(error), errors=errors, results=rows)
    return problem_response("refused", str(error), reasons=public_reasons(error.reasons), results=rows)


def _api_error(error: ApiError) -> Response:
    extensions = {"errors": public_errors(error.errors)} if error.errors else {}
    return problem_response(error.code, error.detail, error.headers, **extensions)


def _http_error(error: HTTPException) -> Response:
    """Answers the errors that Flask and werkzeug raise, such as for an unknown path."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    if status == HTTPStatus.NOT_FOUND:
        return problem_response("not_found", "This path does not exist.", headers)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers.get("Allow", "none")
        return problem_response("method_not_allowed", f"Allowed methods: {allowed}.", headers)
    fallback = "malformed" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    code = _CODES_BY_STATUS.get(status, fallback)
    return problem_response(code, CODES[code].meaning, headers)


def _internal_error(error: Exception) -> Response:
    _log.error("internal error", method=request.method, path=request.path, exc_info=error)
    return problem_response("internal", "An unexpected error occurred in the service.")
