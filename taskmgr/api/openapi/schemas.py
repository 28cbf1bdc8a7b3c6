"""Completes the schemas: names for enumerations, arrays for comma-separated lists, parts of tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from taskmgr.api.problems.codes import CODES
from taskmgr.api.schemas.bulk import MODES
from taskmgr.api.schemas.feed import CHANGE_INCLUDES
from taskmgr.api.schemas.problems import REFUSALS
from taskmgr.api.schemas.task_queries import FIELDS, INCLUDES
from taskmgr.api.schemas.webhooks import KIND_FILTERS
from taskmgr.domain.history.changes import ENTITIES, KINDS
from taskmgr.domain.model.inbox import Channel, NewsKind
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import Kind, Role
from taskmgr.domain.model.view import LAYOUT_KINDS, SWIMLANES
from taskmgr.domain.model.webhook import DeliveryState, Disabled
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.queries.task_query import TASK_SORTS
from taskmgr.domain.rules.rule import FIX_ACTIONS
from taskmgr.domain.rules.urgency import CAUSES

_CATEGORIES = tuple(category.value for category in Category)
# An enumeration with exactly these values gets this name, wherever it occurs.
ENUMS: dict[str, tuple[tuple[str, ...], str]] = {
    "Category": (_CATEGORIES, "What a status means, whatever its name is."),
    "CategoryFilter": (
        ("open", "closed", *_CATEGORIES),
        "A category, or `open` or `closed` for two of them.",
    ),
    "Priority": (tuple(p.value for p in Priority), "How important a task is, in ascending order."),
    "Role": (tuple(role.value for role in Role), "What a user may do."),
    "UserKind": (tuple(kind.value for kind in Kind), "Whether a user is a person or a program."),
    "Scope": (tuple(scope.value for scope in Scope), "What a token may be used for."),
    "Entity": (ENTITIES, "What an entry of the log is about."),
    "ChangeKind": (KINDS, "What was done, in an entry of the log."),
    "ChangeKindFilter": (KIND_FILTERS, "A kind of changes; `*` stands for all kinds or all of an entity."),
    "DeliveryState": (
        tuple(state.value for state in DeliveryState),
        "What has become of a delivery; a pending one is attempted again.",
    ),
    "WebhookDisabled": (tuple(each.value for each in Disabled), "Why the service has disabled a webhook."),
    "RuleCode": (REFUSALS, "The rule that refuses a command."),
    "FixAction": (FIX_ACTIONS, "What to do about a refusal."),
    "CauseCode": (CAUSES, "What raises an effective priority above the stored one."),
    "ErrorCode": (tuple(CODES), "What went wrong; `/docs/errors` explains every code."),
    "LayoutKind": (LAYOUT_KINDS, "How a view is shown."),
    "Swimlanes": (SWIMLANES, "What divides a board into rows."),
    "BulkMode": (MODES, "Whether all operations succeed or fail together, or each on its own."),
    "TaskSort": (
        tuple(sign + key for key in TASK_SORTS for sign in ("", "-")),
        "A sort key; `-` means descending order.",
    ),
    "TaskField": (FIELDS, "A key of a task."),
    "TaskInclude": (INCLUDES, "What can be added to a task."),
    "UserInclude": (("tasks",), "What can be added to a user."),
    "ChangeInclude": (CHANGE_INCLUDES, "What can be added to a page of changes."),
    "ProjectInclude": (("counts",), "What can be added to a project."),
    "DueFilter": (("any", "none"), "Whether a task has a due date."),
    "NewsKind": (tuple(kind.value for kind in NewsKind), "Why a user is told something."),
    "Channel": (tuple(channel.value for channel in Channel), "How a user gets a kind of news."),
    "BooleanText": (("true", "false"), "A boolean as text, as in a query."),
}
_NAMES = {values: name for name, (values, _) in ENUMS.items()}
_REFERENCE = "#/components/schemas/"
_WITH_VERSION = ("Task", "User", "Comment", "Project", "View", "Webhook", "Receipt")


def complete(spec: dict[str, Any], statuses: Sequence[str]) -> None:
    """Completes the schemas of the document, in the components and in the parameters."""
    schemas = spec["components"]["schemas"]
    _add_parts(schemas)
    schemas["Problem"]["properties"]["current"] = {
        "description": "With `stale`: the current state of the entity.",
        "anyOf": [{"$ref": _REFERENCE + name} for name in _WITH_VERSION],
    }
    schemas["Problem"]["properties"]["head"] = {
        "description": "With `resync_required`: the end of the feed.",
        "$ref": f"{_REFERENCE}FeedHead",
    }
    for parameter in nodes(spec["paths"]):
        if parameter.get("in") == "query":
            _type_parameter(parameter)
    for schema in schemas.values():
        _describe_defaults(schema)
    for node in nodes(spec):
        if "x-const" in node:  # apispec would drop `const`
            node["const"] = node.pop("x-const")
        _spell_out_list(node, statuses)
        _name_enumeration(node)
        _allow_null(node)
    schemas["Status"] = _enumeration(statuses, "A status of the workflow in force.")
    for name, (values, description) in ENUMS.items():
        schemas[name] = _enumeration(values, description)


def _enumeration(values: Sequence[str], description: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "enum": list(values), "description": description}
    names = [_variable(value) for value in values]
    if all(name.isidentifier() for name in names) and len(set(names)) == len(names):
        schema["x-enum-varnames"] = names  # read by generators of clients
    return schema


def _variable(value: str) -> str:
    """Returns the name for a value in generated code, where `-due_date` and `task.*` cannot be names."""
    name = re.sub(r"\W+", "_", value.removeprefix("-").replace("*", "all")).upper()
    return f"{name}_DESCENDING" if value.startswith("-") else name


def _add_parts(schemas: dict[str, Any]) -> None:
    part = {name: value for name, value in schemas["TaskRow"].items() if name != "required"}
    schemas["TaskPart"] = part | {"description": "The keys of a task that `fields` and `include` name."}
    page = schemas["TaskPage"]
    items = {"type": "array", "items": {"$ref": f"{_REFERENCE}TaskPart"}}
    schemas["TaskPartPage"] = page | {"properties": page["properties"] | {"items": items}}


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yields every JSON object of a tree, an outer one before those in it."""
    if isinstance(tree, dict):
        yield tree
    for inner in list(tree.values()) if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(inner)


def _type_parameter(parameter: dict[str, Any]) -> None:
    """Gives a parameter its type: array for a comma-separated list, boolean for `true` and `false`."""
    schema = parameter["schema"]
    list_schema = schema.pop("x-list", None)
    if list_schema is not None:
        parameter |= {"schema": {"type": "array", **list_schema}, "style": "form", "explode": False}
    if schema.get("enum") == ["true", "false"]:
        del schema["enum"]
        schema["type"] = "boolean"
        if "default" in schema:
            schema["default"] = schema["default"] == "true"


def _describe_defaults(schema: dict[str, Any]) -> None:
    """Replaces the defaults of fields by a sentence in their descriptions.

    Generators of clients treat a field with a default as one that is always present.
    """
    for field in schema.get("properties", {}).values():
        default = field.pop("default", None)
        if default:
            field["description"] = f"{field.get('description', '')} Default: `{default}`.".strip()


def _spell_out_list(node: dict[str, Any], statuses: Sequence[str]) -> None:
    """Describes a comma-separated list in a body, which is a text, by a pattern."""
    item = node.pop("x-list", {}).get("items")
    if item is not None:
        values = statuses if "x-status" in item else item.get("enum", ())
        one = item["pattern"][1:-1] if "pattern" in item else "|".join(values)
        node["pattern"] = f"^({one})(,({one}))*$"


def _name_enumeration(node: dict[str, Any]) -> None:
    """Replaces an enumeration by a reference to the one with its name."""
    values = node.get("enum", ())
    status = node.pop("x-status", None)
    name = "Status" if status else _NAMES.get(tuple(value for value in values if value is not None))
    if name is None:
        return
    node.pop("enum", None)
    kind = node.pop("type", ())
    if status == "or another":
        node["anyOf"] = [{"$ref": _REFERENCE + name}, {"type": "string"}]
    elif "null" in kind:
        node["anyOf"] = [{"$ref": _REFERENCE + name}, {"type": "null"}]
    else:
        node["$ref"] = _REFERENCE + name


def _allow_null(node: dict[str, Any]) -> None:
    """Moves null from the type to the alternatives, because few generators combine `type` and `anyOf`."""
    if "anyOf" in node and isinstance(node.get("type"), list) and "null" in node["type"]:
        del node["type"]
        node["anyOf"] = [*node["anyOf"], {"type": "null"}]
