"""Every failure as `application/problem+json` (RFC 9457), from one table of public codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from taskmgr.api.input import strict_json
from taskmgr.api.runtime import is_shown_all
from taskmgr.domain.model.errors import (
    AlreadyAssigned,
    DomainError,
    FieldError,
    Invalid,
    Refusal,
    Refused,
    Stale,
)
from taskmgr.domain.model.safe_text import without_secrets
from taskmgr.domain.services.bulk import UnexpectedCount

# Under this name the application keeps what dumps an entity, for `current`.
CURRENT = "taskmgr.current"
CONTENT_TYPE = "application/problem+json"
_log = structlog.get_logger("taskmgr.problems")


@dataclass(frozen=True, slots=True)
class Kind:
    """One public code: its status, its title, and what it means."""

    status: int
    title: str
    meaning: str


CODES: Mapping[str, Kind] = {
    "malformed": Kind(400, "Malformed request", "The JSON, the query or a header cannot be read."),
    "unauthenticated": Kind(401, "Not authenticated", "A valid bearer token is needed."),
    "not_permitted": Kind(403, "Not permitted", "The caller's role does not allow this."),
    "scope_missing": Kind(403, "Scope missing", "The token was not given the scope that this takes."),
    "not_found": Kind(404, "Not found", "There is no such thing, or none that you may see."),
    "method_not_allowed": Kind(405, "Method not allowed", "The header Allow lists the methods there are."),
    "request_timeout": Kind(
        408, "Request timeout", "The body did not arrive in time; the connection is closed."
    ),
    "refused": Kind(409, "Refused by the rules", "Rules stand against it; `reasons` has all of them."),
    "username_taken": Kind(409, "Username taken", "Another user has this name."),
    "email_taken": Kind(409, "E-mail address taken", "Another user has this e-mail address."),
    "already_assigned": Kind(409, "Already assigned", "Somebody else has taken the task."),
    "idempotency_in_progress": Kind(409, "Still in progress", "A request with this key is being worked on."),
    "unexpected_count": Kind(
        409, "Unexpected count", "The query matches `count` tasks, not the expected number."
    ),
    "stale": Kind(412, "Stale version", "The thing has changed since; `current` is its present state."),
    "too_large": Kind(413, "Too large", "The body is larger than this endpoint takes."),
    "transaction_too_large": Kind(
        413,
        "Too much at once",
        "The database cannot make so many changes at once; send fewer, nothing was changed.",
    ),
    "unsupported_media_type": Kind(415, "Not JSON", "A body must be JSON in UTF-8, and say so."),
    "invalid": Kind(422, "Invalid values", "`errors` lists every value that is not acceptable."),
    "idempotency_mismatch": Kind(
        422, "Key used before", "This Idempotency-Key was used for another request."
    ),
    "dependency_failed": Kind(
        424, "Dependency failed", "The operation refers to a task whose creation in the same bulk failed."
    ),
    "too_many_requests": Kind(429, "Too many requests", "Wait as long as Retry-After says, in seconds."),
    "internal": Kind(500, "Internal error", "Our mistake; the request id helps to find it."),
    "unavailable": Kind(503, "Unavailable", "The database does not answer in time; try again later."),
}
_CODE_OF_STATUS = {
    400: "malformed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}
_RETRY = {"Retry-After": "2"}  # seconds
_HEADERS = {
    "unauthenticated": {"WWW-Authenticate": 'Bearer realm="taskmgr"'},
    "unavailable": _RETRY,
    "idempotency_in_progress": _RETRY,
}
# In characters. A caller chooses the names of unknown fields and of things that are not found.
_LONGEST_DETAIL = 2_000
_LONGEST_LOCATION = 200
_UNTOLD = "A token that may read is told more."


class ApiError(Exception):
    """A failure that the API itself finds, before any service is asked."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        super().__init__(detail)


def _shown(text: str, longest: int) -> str:
    """Returns the text as an answer may show it: no secret that a caller put into it, and not endless."""
    text = without_secrets(text)
    return text if len(text) <= longest else text[:longest] + "…"


def type_uri(code: str) -> str:
    """Where the docs tell of a code: a path that stays."""
    return f"/docs/errors#{code}"


def body(code: str, detail: str, **extensions: Any) -> dict[str, Any]:
    """A problem's members, `request_id` among them."""
    kind = CODES[code]
    members = {
        "type": type_uri(code),
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": _shown(detail, _LONGEST_DETAIL),
        "request_id": g.get("request_id"),
    }
    return members | extensions


def respond(code: str, detail: str, headers: Mapping[str, str] | None = None, **extensions: Any) -> Response:
    """A whole answer for a problem."""
    response = Response(
        strict_json.dumps(body(code, detail, **extensions)),
        status=CODES[code].status,
        content_type=CONTENT_TYPE,
    )
    response.headers.update({**_HEADERS.get(code, {}), **(headers or {})})
    return response


def field_errors(errors: Sequence[FieldError]) -> list[dict[str, Any]]:
    """Mistakes in the input, in their public form."""
    return [
        {
            "location": _shown(e.location, _LONGEST_LOCATION),
            "code": e.code,
            "detail": _shown(e.detail, _LONGEST_DETAIL),
        }
        | ({} if e.allowed is None else {"allowed": list(e.allowed)})
        for e in errors
    ]


def reasons(refusals: Sequence[Refusal]) -> list[dict[str, Any]]:
    """Refusals, in their public form: the same in a refused write and in a list of transitions.

    A caller who may not read is told the codes, without the facts.
    """
    if not is_shown_all():
        return [
            {"code": refusal.code, "detail": _UNTOLD, "fix": None, "overridable": refusal.overridable}
            for refusal in refusals
        ]
    return [
        {
            "code": refusal.code,
            "detail": _shown(refusal.detail, _LONGEST_DETAIL),
            "fix": refusal.fix
            and {"action": refusal.fix.action, "text": refusal.fix.text, **refusal.fix.arguments},
            "overridable": refusal.overridable,
        }
        for refusal in refusals
    ]


def of_domain(error: DomainError) -> dict[str, Any]:
    """The problem that a service's error is, wherever it stands."""
    return body(error.code, detail_of(error), **extensions_of(error))


def detail_of(error: DomainError) -> str:
    """Returns what an error says, without the facts of what is stored if the caller may not read them."""
    tells_facts = isinstance(error, Refused | AlreadyAssigned)
    return CODES[error.code].meaning if tells_facts and not is_shown_all() else str(error)


def extensions_of(error: DomainError) -> dict[str, Any]:
    """What an error's data add to its problem."""
    if isinstance(error, Invalid):
        return {"errors": field_errors([e.under("body") for e in error.errors])}
    if isinstance(error, Refused):
        return {"reasons": reasons(error.reasons)}
    if isinstance(error, Stale):
        return {"current": current_app.extensions[CURRENT](error.current)}
    if isinstance(error, UnexpectedCount):
        return {"count": error.count}
    return {}


def register(app: Flask) -> None:
    """Makes every failure of the application a problem."""

    @app.errorhandler(DomainError)
    def domain_error(error: DomainError) -> Response:
        code = error.code
        if code not in CODES:
            return internal_error(error)
        if code == "unavailable":
            _log.warning("unavailable", detail=str(error), cause=error.__cause__)
        return respond(code, detail_of(error), **extensions_of(error))

    @app.errorhandler(ApiError)
    def api_error(error: ApiError) -> Response:
        extensions = {"errors": field_errors(error.errors)} if error.errors else {}
        return respond(error.code, error.detail, error.headers, **extensions)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return _of_http(error)

    @app.errorhandler(Exception)
    def internal_error(error: Exception) -> Response:
        _log.error("internal error", method=request.method, path=request.path, exc_info=error)
        return respond("internal", "Something went wrong on our side.")


def _of_http(error: HTTPException) -> Response:
    """Flask's own errors: a routing that fails, a body that is too large."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {k: v for k, v in error.get_headers() if k in ("Allow", "Retry-After")}
    if status == HTTPStatus.NOT_FOUND:
        return respond("not_found", "There is no such endpoint.", headers)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return respond("method_not_allowed", f"Allowed here: {headers.get('Allow', 'nothing')}.", headers)
    code = _CODE_OF_STATUS.get(
        status, "malformed" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    )
    return respond(code, CODES[code].meaning, headers)
