"""Completes each operation: its name, scopes, path ids, headers and failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask

from taskmgr.api.conditional.idempotency import is_idempotent
from taskmgr.api.conditional.list_tags import has_list_etag
from taskmgr.api.identity.scopes import scopes_of
from taskmgr.api.input.parsing import JSON, MERGE_PATCH
from taskmgr.api.openapi.headers import IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, LAST_EVENT_ID, RATE, sent
from taskmgr.api.problems.codes import CODES
from taskmgr.api.problems.responses import CONTENT_TYPE
from taskmgr.api.schemas import patterns

METHODS = ("get", "post", "put", "patch", "delete")
# What stands in a path for an entity that has a key, too.
_REFERENCES = {
    "task_id": patterns.TASK,
    "blocker_id": patterns.TASK,
    "project_id": patterns.PROJECT,
    "delivery_id": patterns.DELIVERY,
}
_PROBLEM_HEADERS = {
    "unauthenticated": ("WWW-Authenticate",),
    "wrong_credentials": ("WWW-Authenticate",),
    "too_many_attempts": ("Retry-After",),
    "too_many_requests": (*RATE, "Retry-After"),
    "unavailable": ("Retry-After",),
}
# The codes of operations that do not follow from their input.
_REFUSALS = {
    "sign_in": ("wrong_credentials", "cross_site", "too_many_attempts"),
    "open_link": ("link_unusable",),
    "use_link": ("cross_site", "link_unusable"),
    "create_demo": ("database_not_empty",),
    "stream_events": ("resync_required",),
    "list_changes": ("resync_required",),
}


def failures() -> dict[str, Any]:
    """Returns the response of each error code, for the components of the document."""
    return {code: _problem_response(code) for code in CODES}


def _problem_response(code: str) -> dict[str, Any]:
    status = CODES[code].status
    meanings = [f"`{c}`: {kind.meaning}" for c, kind in CODES.items() if kind.status == status]
    return {
        "description": "\n\n".join(meanings),
        "headers": sent("X-Request-Id", *_PROBLEM_HEADERS.get(code, ())),
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def complete(app: Flask, spec: dict[str, Any]) -> None:
    """Adds to all operations what flask-smorest does not know."""
    for path, operations in spec["paths"].items():
        for method in METHODS:
            if method in operations:
                endpoint = _endpoint(app, path, method)
                tagged = _returns_version(operations[method], spec["components"]["schemas"])
                tagged = tagged or has_list_etag(app.view_functions[endpoint])
                _complete(app, operations[method], path, endpoint, tagged=tagged)
        if "patch" in operations:
            content = operations["patch"]["requestBody"]["content"]
            content[MERGE_PATCH] = content[JSON]


def _endpoint(app: Flask, path: str, method: str) -> str:
    """Returns the name of the view behind a path of the document."""
    rule, verb = path.replace("{", "<").replace("}", ">"), method.upper()
    views = {r.endpoint for r in app.url_map.iter_rules() if r.rule == rule and verb in (r.methods or ())}
    (endpoint,) = views
    return str(endpoint)


def _complete(app: Flask, operation: dict[str, Any], path: str, endpoint: str, *, tagged: bool) -> None:
    view, scopes = app.view_functions[endpoint], scopes_of(app, endpoint)
    operation["operationId"] = endpoint.rpartition(".")[2]
    operation["security"] = [] if scopes is None else [{"token": []}, {"session": []}]
    names = ", ".join(sorted(scopes or ())) or "none"
    required = "Requires no token." if scopes is None else f"Scopes: {names}."
    operation["description"] = f"{operation.get('description', '')}\n\n{required}".strip()
    path_ids = [name[1:-1] for name in path.split("/") if name.startswith("{")]
    operation["parameters"] = [
        *({"name": name, "in": "path", "required": True, "schema": _id(name)} for name in path_ids),
        *(p for p in operation.get("parameters", ()) if p["in"] != "path"),
        *_header_parameters(operation, tagged),
        *([LAST_EVENT_ID] if endpoint == "feed.stream_events" else []),
        *([IDEMPOTENCY_KEY] if is_idempotent(view) else []),
    ]
    _describe_responses(operation, tagged)
    for code in _failures(operation, path_ids, public=scopes is None):
        status = str(CODES[code].status)
        operation["responses"].setdefault(status, {"$ref": f"#/components/responses/{code}"})


def _id(name: str) -> dict[str, str]:
    return {"type": "string", "pattern": _REFERENCES.get(name, patterns.ID)}


def _header_parameters(operation: dict[str, Any], tagged: bool) -> Iterator[dict[str, Any]]:
    """Yields `If-Match` if the operation changes an existing entity, `If-None-Match` if it reads."""
    if not tagged or "201" in operation["responses"]:
        return
    yield IF_MATCH if _has_parameter(operation, "dry_run") else IF_NONE_MATCH


def _has_parameter(operation: dict[str, Any], parameter: str) -> bool:
    return parameter in {p["name"] for p in operation.get("parameters", ())}


def _returns_version(operation: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Returns True if the response is an entity with a version, which is its ETag."""
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if status.startswith("2") and {"id", "version"} <= set(schemas.get(name, {}).get("properties", ())):
            return True
    return False


def _describe_responses(operation: dict[str, Any], tagged: bool) -> None:
    responses = operation["responses"]
    for status in [s for s in responses if not s.startswith(("2", "3"))]:
        del responses[status]
    for status, response in responses.items():
        present = {
            # A deleted entity has no version any more; a binned one does.
            "ETag": tagged and not operation["operationId"].startswith("delete_"),
            "Location": (tagged and status == "201") or status == "303",
            "Dry-Run": _has_parameter(operation, "dry_run"),
            "Idempotent-Replayed": _has_parameter(operation, "Idempotency-Key"),
            "X-Request-Id": True,
            **dict.fromkeys(RATE, bool(operation["security"])),
        }
        response["headers"] = sent(*(name for name in present if present[name]))
        if _has_parameter(operation, "fields"):
            _add_alternative(response["content"][JSON], "TaskPartPage")
        elif tagged and _has_parameter(operation, "dry_run"):
            _add_alternative(response["content"][JSON], "Receipt")
    if _has_parameter(operation, "If-None-Match"):
        responses["304"] = {"description": "Not modified.", "headers": sent("ETag", "X-Request-Id", *RATE)}


def _add_alternative(content: dict[str, Any], name: str) -> None:
    """Describes a response that may instead have fewer keys: those requested, or those the caller may see."""
    content["schema"] = {"anyOf": [content["schema"], {"$ref": f"#/components/schemas/{name}"}]}


def _failures(operation: dict[str, Any], path_ids: list[str], *, public: bool) -> Iterator[str]:
    """Yields the codes with which an operation can fail, judging by its input."""
    yield "malformed"
    yield from _REFUSALS.get(operation["operationId"], ())
    if not public:
        yield from ("unauthenticated", "not_permitted", "too_many_requests")
    if path_ids or _has_parameter(operation, "user_id"):
        yield "not_found"
    if _has_parameter(operation, "dry_run"):
        yield from ("refused", "invalid")
    if _has_parameter(operation, "If-Match"):
        yield "stale"
    if "requestBody" in operation:
        yield from ("request_timeout", "too_large", "unsupported_media_type", "invalid", "not_found")
    yield from ("internal", "unavailable")
