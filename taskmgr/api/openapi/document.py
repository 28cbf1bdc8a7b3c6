"""Assembles the document from what flask-smorest has read, the policy in force and the examples."""

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
from taskmgr.api.schemas.patterns import ONE_PLACE, PLACES
from taskmgr.api.schemas.problems import ProblemOut
from taskmgr.api.schemas.receipt import ReceiptOut
from taskmgr.domain.model.policy import Policy
from taskmgr.version import __version__

_DESCRIPTION = (
    "Manages the tasks of an internal team. Every change is checked by rules, and a refusal lists all "
    "reasons and what to do about them. Every failure is `application/problem+json`; "
    "[`/docs/errors`](/docs/errors) explains every code."
)
CONFIG = {
    "API_TITLE": "taskmgr",
    "API_VERSION": __version__,
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": _DESCRIPTION,
            "contact": {"name": "The operators of this service"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
    },
}
# No view names these.
_ADDITIONAL = {"BulkFailed": BulkFailedOut, "Problem": ProblemOut, "Receipt": ReceiptOut}
_UNUSED = ("ErrorSchema", "PaginationMetadataSchema")  # flask-smorest's own
_REFERENCE = re.compile(r"#/components/(\w+)/(.+)")


def naming() -> MarshmallowPlugin:
    """Returns the plugin that names schemas in the document, without their suffix: `Task`, not `TaskOut`."""
    return MarshmallowPlugin(
        schema_name_resolver=lambda schema: resolve_schema_cls(schema).__name__.removesuffix("Out")
    )


def document(app: Flask, api: Api, policy: Policy, *, session_cookie: str) -> dict[str, Any]:
    """Returns the complete document. Its statuses are those of the policy in force."""
    for name, schema in _ADDITIONAL.items():
        if name not in api.spec.components.schemas:
            api.spec.components.schema(name, schema=schema)
    api.spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": "A token: `tm_…`."}
    )
    description = "A session of a browser. It must not be sent by pages of other sites."
    api.spec.components.security_scheme(
        "session", {"type": "apiKey", "in": "cookie", "name": session_cookie, "description": description}
    )
    # Copied through JSON, so that an object that is used in several places becomes several objects.
    spec: dict[str, Any] = json.loads(json.dumps(api.spec.to_dict()))
    components = spec["components"]
    for name in _UNUSED:
        components["schemas"].pop(name, None)
    components |= {"responses": operations.failures(), "headers": deepcopy(HEADERS)}
    operations.complete(app, spec)
    components["schemas"]["RankChange"]["properties"] |= deepcopy(PLACES)
    components["schemas"]["RankChange"]["oneOf"] = deepcopy(ONE_PLACE)
    components["schemas"]["ReadIn"]["minProperties"] = 1
    bulk.describe(components["schemas"])
    schemas.complete(spec, policy.workflow.statuses)
    examples.add(spec, policy)
    _drop_unused(spec)
    return spec


def _drop_unused(spec: dict[str, Any]) -> None:
    """Removes the components that no operation uses, directly or through other components."""
    used: set[tuple[str, str]] = set()
    _collect_references(spec["paths"], spec, used)
    for kind in ("schemas", "responses", "headers"):
        named = spec["components"][kind]
        spec["components"][kind] = {name: named[name] for name in named if (kind, name) in used}


def _collect_references(tree: Any, spec: dict[str, Any], used: set[tuple[str, str]]) -> None:
    """Adds the kind and the name of every component that a part of the document uses."""
    for text in (value for node in schemas.nodes(tree) for value in node.values() if isinstance(value, str)):
        match = _REFERENCE.fullmatch(text)
        if match is not None and (component := (match[1], match[2])) not in used:
            used.add(component)
            _collect_references(spec["components"][match[1]][match[2]], spec, used)
