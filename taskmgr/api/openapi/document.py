"""Puts the document together from what flask-smorest has read, the policy in force and the examples."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask
from flask_smorest import Api

from taskmgr.api.openapi import bulk, examples, operations, schemas
from taskmgr.api.openapi.headers import HEADERS
from taskmgr.api.schemas.bulk import BulkFailedOut
from taskmgr.api.schemas.problems import ProblemOut
from taskmgr.api.schemas.receipt import ReceiptOut
from taskmgr.domain.model.policy import Policy
from taskmgr.version import __version__

_DESCRIPTION = (
    "Tasks and people of an internal team, under rules that cannot be got round and that explain "
    "their refusals. Every failure is `application/problem+json`; [`/docs/errors`](/docs/errors) "
    "explains every code."
)
CONFIG = {
    "API_TITLE": "taskmgr",
    "API_VERSION": __version__,
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": _DESCRIPTION,
            "contact": {"name": "Whoever runs this service"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
    },
}
_UNREAD = {"BulkFailed": BulkFailedOut, "Problem": ProblemOut, "Receipt": ReceiptOut}  # no view names them
_UNUSED = ("ErrorSchema", "PaginationMetadataSchema")  # flask-smorest's own
_REFERENCE = re.compile(r"#/components/(\w+)/(.+)")


def naming() -> MarshmallowPlugin:
    """Names schemas in the document as their things are called: `Task`, not `TaskOut`."""
    return MarshmallowPlugin(
        schema_name_resolver=lambda schema: resolve_schema_cls(schema).__name__.removesuffix("Out")
    )


def document(app: Flask, api: Api, policy: Policy) -> dict[str, Any]:
    """Returns the whole document. Statuses are those of the policy in force."""
    for name, schema in _UNREAD.items():
        if name not in api.spec.components.schemas:
            api.spec.components.schema(name, schema=schema)
    api.spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": "A token: `tm_…`."}
    )
    # Parts of it are shared with other applications, and with each other: a deep copy would keep the latter.
    spec: dict[str, Any] = json.loads(json.dumps(api.spec.to_dict()))
    components = spec["components"]
    for name in _UNUSED:
        components["schemas"].pop(name, None)
    components |= {"responses": operations.failures(), "headers": deepcopy(HEADERS)}
    operations.complete(app, spec)
    bulk.describe(components["schemas"])
    schemas.complete(spec, policy.workflow.statuses)
    examples.add(spec, policy)
    _drop_unused(spec)
    return spec


def _drop_unused(spec: dict[str, Any]) -> None:
    """Removes the components to which nothing in the document leads."""
    used: set[tuple[str, str]] = set()
    _follow(spec["paths"], spec, used)
    for kind in ("schemas", "responses", "headers"):
        named = spec["components"][kind]
        spec["components"][kind] = {name: named[name] for name in named if (kind, name) in used}


def _follow(node: Any, spec: dict[str, Any], used: set[tuple[str, str]]) -> None:
    """Notes what a part of the document refers to, and what that refers to in turn."""
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        found = _REFERENCE.fullmatch(inner) if isinstance(inner, str) else None
        if found is None:
            _follow(inner, spec, used)
        elif found.groups() not in used:
            kind, name = found.groups()
            used.add((kind, name))
            _follow(spec["components"][kind][name], spec, used)
