"""The OpenAPI document: what flask-smorest knows of the views, with our errors, scopes and statuses."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask
from flask_smorest import Api

from taskmgr.api import bulk_document, problems
from taskmgr.api.conditional import is_conditional
from taskmgr.api.idempotency import is_idempotent
from taskmgr.api.identity import scopes_of
from taskmgr.api.parsing import JSON, MERGE_PATCH
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.problems import ProblemOut
from taskmgr.domain.policy import Policy
from taskmgr.version import __version__

_METHODS = ("get", "post", "put", "patch", "delete")
_DESCRIPTION = (
    "Tasks and people of an internal team, under rules that cannot be got round and that explain "
    "their refusals. Every failure is `application/problem+json`; `/docs/errors` lists the codes."
)
_HEADERS = {
    "ETag": "Of one thing its version, quoted; of a list what tells whether it has changed.",
    "Location": "Where the new thing is.",
    "Dry-Run": "`true` where nothing was kept.",
    "X-Request-Id": "The request's id: the caller's own, or a new one.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Send the same key again to get the first answer again; kept for 24 hours.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The version that the caller has seen, as an ETag; or `*` for any.",
    "schema": {"type": "string", "pattern": '^((W/)?"[1-9][0-9]{0,18}"|[*])$', "examples": ['"7"']},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what the caller has: the answer is 304 if that is the present state.",
    "schema": {"type": "string", "examples": ['"7"']},
}
CONFIG = {
    "API_TITLE": "taskmgr",
    "API_VERSION": __version__,
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {"description": _DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/"}],
    },
}


def naming() -> MarshmallowPlugin:
    """Names schemas in the document as their things are called: `Task`, not `TaskOut`."""
    return MarshmallowPlugin(
        schema_name_resolver=lambda schema: resolve_schema_cls(schema).__name__.removesuffix("Out")
    )


def document(app: Flask, api: Api, policy: Policy) -> dict[str, Any]:
    """The whole document. Statuses are those of the policy in force."""
    if "Problem" not in api.spec.components.schemas:
        api.spec.components.schema("Problem", schema=ProblemOut)
    api.spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": "A token: `tm_…`."}
    )
    spec: dict[str, Any] = deepcopy(api.spec.to_dict())  # parts of it are shared between applications
    for unused in ("ErrorSchema", "PaginationMetadataSchema"):  # smorest's own, which we do not use
        spec["components"]["schemas"].pop(unused, None)
    spec["components"]["responses"] = {code: _problem_response(code) for code in problems.CODES}
    for path, operations in spec["paths"].items():
        for method in _METHODS:
            if method in operations:
                endpoint = _endpoint(app, path, method)
                tagged = _is_tagged(operations[method], spec["components"]["schemas"])
                tagged = tagged or is_conditional(app.view_functions[endpoint])
                _complete(app, operations[method], path, endpoint, tagged=tagged)
        if "patch" in operations:
            content = operations["patch"]["requestBody"]["content"]
            content[MERGE_PATCH] = content[JSON]
    del spec["components"]["schemas"]["TaskInList"]["required"]  # `fields` picks
    bulk_document.describe(spec["components"]["schemas"])
    _fill_in_statuses(spec, list(policy.workflow.statuses))
    _spell_out_lists(spec)
    return spec


def _endpoint(app: Flask, path: str, method: str) -> str:
    """The name of the view behind a path of the document."""
    rule, verb = path.replace("{", "<").replace("}", ">"), method.upper()
    views = {r.endpoint for r in app.url_map.iter_rules() if r.rule == rule and verb in (r.methods or ())}
    (endpoint,) = views
    return str(endpoint)


def _complete(app: Flask, operation: dict[str, Any], path: str, endpoint: str, *, tagged: bool) -> None:
    """Adds what smorest does not know: id, scopes, path ids, headers and failures."""
    operation["operationId"] = endpoint.rpartition(".")[2]
    scopes = scopes_of(endpoint)
    if scopes is not None:
        operation["security"] = [{"token": []}]
        named = ", ".join(sorted(scopes)) or "none"
        operation["description"] = f"{operation.get('description', '')}\n\nScopes: {named}.".strip()
    path_ids = [name[1:-1] for name in path.split("/") if name.startswith("{")]
    operation["parameters"] = [
        *({"name": name, "in": "path", "required": True, "schema": _id()} for name in path_ids),
        *(p for p in operation.get("parameters", ()) if p["in"] != "path"),
        *_header_parameters(operation, tagged),
        *([_IDEMPOTENCY_KEY] if is_idempotent(app.view_functions[endpoint]) else []),
    ]
    _describe_answers(operation, tagged)
    for code in _failures(operation, path_ids, public=scopes is None):
        status = str(problems.CODES[code].status)
        reference = {"$ref": f"#/components/responses/{code}"}
        operation["responses"].setdefault(status, reference)


def _id() -> dict[str, str]:
    return {"type": "string", "pattern": patterns.ID}


def _header_parameters(operation: dict[str, Any], tagged: bool) -> Iterator[dict[str, Any]]:
    """`If-Match` on what changes one thing that there is, `If-None-Match` on what reads one."""
    if not tagged or "201" in operation["responses"]:
        return
    if _takes(operation, "dry_run"):
        yield _IF_MATCH
    else:
        yield _IF_NONE_MATCH


def _takes(operation: dict[str, Any], parameter: str) -> bool:
    return parameter in {p["name"] for p in operation.get("parameters", ())}


def _is_tagged(operation: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether the answer is one thing with a version, which is its ETag."""
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if status.startswith("2") and {"id", "version"} <= set(schemas.get(name, {}).get("properties", ())):
            return True
    return False


def _describe_answers(operation: dict[str, Any], tagged: bool) -> None:
    responses = operation["responses"]
    for status in [s for s in responses if not s.startswith("2")]:
        del responses[status]
    for status, response in responses.items():
        sent = {
            # What is deleted has no version any more; what is binned has.
            "ETag": tagged and not operation["operationId"].startswith("delete_"),
            "Location": tagged and status == "201",
            "Dry-Run": _takes(operation, "dry_run"),
            "X-Request-Id": True,
        }
        response["headers"] = {
            name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in sent if sent[name]
        }
    if _takes(operation, "If-None-Match"):
        responses["304"] = {"description": "Not modified."}


def _failures(operation: dict[str, Any], path_ids: list[str], *, public: bool) -> Iterator[str]:
    """The codes with which an operation can fail, by what it takes."""
    yield "malformed"
    if not public:
        yield from ("unauthenticated", "not_permitted", "too_many_requests")
    if path_ids or _takes(operation, "user_id"):
        yield "not_found"
    if _takes(operation, "dry_run"):
        yield from ("refused", "invalid")
    if _takes(operation, "If-Match"):
        yield "stale"
    if "requestBody" in operation:
        yield from ("request_timeout", "too_large", "unsupported_media_type", "invalid", "not_found")
    yield from ("internal", "unavailable")


def _problem_response(code: str) -> dict[str, Any]:
    kind = problems.CODES[code]
    same = [f"`{c}`: {k.meaning}" for c, k in problems.CODES.items() if k.status == kind.status]
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": " ".join(same), "content": {problems.CONTENT_TYPE: {"schema": schema}}}


def _fill_in_statuses(node: Any, statuses: list[str]) -> None:
    """Where a schema says that something is a status, the names there are."""
    if isinstance(node, dict):
        if node.pop("x-status", False):
            nullable = "null" in node.get("type", ())
            node["enum"] = [*statuses, None] if nullable else statuses
        for inner in list(node.values()):
            _fill_in_statuses(inner, statuses)
    elif isinstance(node, list):
        for inner in node:
            _fill_in_statuses(inner, statuses)


def _spell_out_lists(node: Any) -> None:
    """Where a parameter takes a comma list, it is an array in OpenAPI's own terms; in a body, a pattern."""
    if isinstance(node, dict):
        listed = node["schema"].pop("x-list", None) if node.get("in") == "query" else None
        if listed is not None:
            node |= {"schema": {"type": "array", **listed}, "style": "form", "explode": False}
        item = node.pop("x-list", {}).get("items")
        if item is not None:
            one = item["pattern"][1:-1] if "pattern" in item else "|".join(item["enum"])
            node["pattern"] = f"^({one})(,({one}))*$"
        for inner in node.values():
            _spell_out_lists(inner)
    elif isinstance(node, list):
        for inner in node:
            _spell_out_lists(inner)
