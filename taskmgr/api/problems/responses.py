"""Writes problems: their members, and the public forms of field errors and refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response

from taskmgr.api.input import strict_json
from taskmgr.api.problems.codes import CODES
from taskmgr.api.request_state import may_read_response, request_state
from taskmgr.domain.model.errors import FieldError, Refusal
from taskmgr.domain.model.safe_text import without_secrets

CONTENT_TYPE = "application/problem+json"
_RETRY = {"Retry-After": "2"}  # seconds
_HEADERS = {
    "unauthenticated": {"WWW-Authenticate": 'Bearer realm="taskmgr"'},
    "wrong_credentials": {"WWW-Authenticate": 'Bearer realm="taskmgr"'},
    "unavailable": _RETRY,
    "idempotency_in_progress": _RETRY,
}
# In characters: clients choose the names of unknown fields and the ids in "not found".
_MAX_DETAIL = 2_000
_MAX_LOCATION = 200
_HIDDEN_DETAIL = "Hidden, because the token lacks the scope to read."


def type_uri(code: str) -> str:
    """Returns the path of the documentation of a code. The path is stable."""
    return f"/docs/errors#{code}"


def problem_body(code: str, detail: str, **extensions: Any) -> dict[str, Any]:
    """Returns the members of a problem: those of RFC 9457, `code`, `request_id` and the extensions."""
    kind = CODES[code]
    members = {
        "type": type_uri(code),
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": _public_text(detail, _MAX_DETAIL),
        "request_id": request_state().request_id,
    }
    return members | extensions


def problem_response(
    code: str, detail: str, headers: Mapping[str, str] | None = None, **extensions: Any
) -> Response:
    """Returns the response for a problem, with the headers that its code always has."""
    response = Response(
        strict_json.dumps(problem_body(code, detail, **extensions)),
        status=CODES[code].status,
        content_type=CONTENT_TYPE,
    )
    response.headers.update({**_HEADERS.get(code, {}), **(headers or {})})
    return response


def public_errors(errors: Sequence[FieldError]) -> list[dict[str, Any]]:
    """Returns the public form of errors in the input."""
    return [
        {
            "location": _public_text(error.location, _MAX_LOCATION),
            "code": error.code,
            "detail": _public_text(error.detail, _MAX_DETAIL),
        }
        | ({} if error.allowed is None else {"allowed": list(error.allowed)})
        for error in errors
    ]


def public_reasons(refusals: Sequence[Refusal]) -> list[dict[str, Any]]:
    """Returns the public form of refusals, the same in a refused write and in a list of transitions.

    A caller who may not read gets the codes without the facts.
    """
    shown = may_read_response()
    return [_public_reason(refusal) if shown else _hidden_reason(refusal) for refusal in refusals]


def _public_reason(refusal: Refusal) -> dict[str, Any]:
    fix = refusal.fix and {"action": refusal.fix.action, "text": refusal.fix.text, **refusal.fix.arguments}
    detail = _public_text(refusal.detail, _MAX_DETAIL)
    return {"code": refusal.code, "detail": detail, "fix": fix, "overridable": refusal.overridable}


def _hidden_reason(refusal: Refusal) -> dict[str, Any]:
    return {
        "code": refusal.code,
        "detail": _HIDDEN_DETAIL,
        "fix": None,
        "overridable": refusal.overridable,
    }


def _public_text(text: str, max_length: int) -> str:
    """Returns a text without the secrets that a client may have put into it, and shortened."""
    text = without_secrets(text)
    return text if len(text) <= max_length else text[:max_length] + "…"
