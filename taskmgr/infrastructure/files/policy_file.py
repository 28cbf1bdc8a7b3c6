"""Reads a team's policy from a TOML file, and describes each mistake in one line that begins with the key.

    [limits]
    wip = 5          # started tasks per assignee; 0 is no limit
    urgent = 3       # open urgent tasks per assignee; 0 is no limit

    [rules]
    four_eyes = false

    [workflow]
    initial = "new"

    [workflow.statuses.new]
    category = "unstarted"
    leads_to = ["solved", "rejected"]

Whatever the file leaves out is as in the default policy, except that a workflow must be complete.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.model.workflow import Category, Workflow

_STATUS_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MAX_LIMIT = 10_000
_KEYS: Mapping[str, frozenset[str]] = {
    "": frozenset({"limits", "rules", "workflow"}),
    "limits": frozenset({"wip", "urgent"}),
    "rules": frozenset({"four_eyes"}),
    "workflow": frozenset({"initial", "statuses"}),
}
_STATUS_KEYS = frozenset({"category", "leads_to"})


def load_policy_file(path: Path) -> Policy:
    """Returns the policy in a file. Raises `CannotStart` with a line for each mistake."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CannotStart(f"TASKMGR_POLICY: {path} cannot be read: {error}") from error
    mistakes = list(_find_mistakes(document))
    if mistakes:
        raise CannotStart("\n".join([f"The policy {path} is not usable:", *mistakes]))
    return _build_policy(document)


def _build_policy(document: Mapping[str, Any]) -> Policy:
    limits, rules = document.get("limits", {}), document.get("rules", {})
    policy = replace(
        DEFAULT_POLICY,
        wip_limit=limits.get("wip", DEFAULT_POLICY.wip_limit),
        urgent_limit=limits.get("urgent", DEFAULT_POLICY.urgent_limit),
        four_eyes=rules.get("four_eyes", DEFAULT_POLICY.four_eyes),
    )
    if "workflow" not in document:
        return policy
    return replace(policy, workflow=_build_workflow(document["workflow"]))


def _build_workflow(table: Mapping[str, Any]) -> Workflow:
    statuses = table["statuses"]
    return Workflow(
        initial=table["initial"],
        categories={name: Category(status["category"]) for name, status in statuses.items()},
        transitions={name: tuple(status.get("leads_to", ())) for name, status in statuses.items()},
    )


def _find_mistakes(document: Mapping[str, Any]) -> Iterator[str]:
    tables = {"": document, **{name: document.get(name, {}) for name in ("limits", "rules", "workflow")}}
    for name, table in tables.items():
        if not isinstance(table, dict):
            yield f"{name}: Must be a table."
        else:
            yield from _check_keys(name, table, _KEYS[name])
    yield from _check_limits(tables["limits"])
    four_eyes = tables["rules"].get("four_eyes", False) if isinstance(tables["rules"], dict) else False
    if not isinstance(four_eyes, bool):
        yield "rules.four_eyes: Must be true or false."
    if isinstance(tables["workflow"], dict) and "workflow" in document:
        yield from _check_workflow(tables["workflow"])


def _check_keys(location: str, table: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    for key in table.keys() - known:
        name = f"{location}.{key}" if location else key
        yield f"{name}: Unknown key. The keys are: {', '.join(sorted(known))}."


def _check_limits(table: object) -> Iterator[str]:
    for key, value in table.items() if isinstance(table, dict) else ():
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        if key in _KEYS["limits"] and not (is_integer and 0 <= value <= _MAX_LIMIT):
            yield f"limits.{key}: Must be a whole number from 0 (no limit) to {_MAX_LIMIT}."


def _check_workflow(table: Mapping[str, Any]) -> Iterator[str]:
    statuses = table.get("statuses")
    if not isinstance(statuses, dict) or not statuses:
        yield "workflow.statuses: Must be a table of statuses."
        return
    mistakes = [line for name, status in statuses.items() for line in _check_status(name, status, statuses)]
    yield from mistakes
    initial = table.get("initial")
    if not isinstance(initial, str) or initial not in statuses:
        yield f"workflow.initial: Must be one of the statuses: {', '.join(statuses)}."
    elif not mistakes:
        yield from _check_graph(_build_workflow(table))


def _check_status(name: str, status: object, statuses: Mapping[str, Any]) -> Iterator[str]:
    location = f"workflow.statuses.{name}"
    if not _STATUS_NAME.fullmatch(name):
        yield f"{location}: Must be 1 to 40 of a-z, 0-9 and _, beginning with a letter."
    if not isinstance(status, dict):
        yield f"{location}: Must be a table with category and leads_to."
        return
    yield from _check_keys(location, status, _STATUS_KEYS)
    categories = [category.value for category in Category]
    if status.get("category") not in categories:
        yield f"{location}.category: Must be one of: {', '.join(categories)}."
    leads_to = status.get("leads_to", [])
    if not isinstance(leads_to, list) or len(set(map(str, leads_to))) < len(leads_to):
        yield f"{location}.leads_to: Must be a list of statuses without duplicates."
        return
    for other in leads_to:
        if not isinstance(other, str) or other not in statuses or other == name:
            yield f"{location}.leads_to: {other!r} is not another status of this workflow."


def _check_graph(workflow: Workflow) -> Iterator[str]:
    """Yields the mistakes of a workflow whose statuses are valid one by one."""
    if workflow.category(workflow.initial) is not Category.UNSTARTED:
        yield "workflow.initial: Must be a status of the category unstarted."
    for category in (Category.COMPLETED, Category.CANCELLED):
        if not workflow.in_category(category):
            yield f"workflow.statuses: At least one must have the category {category.value}."
    reachable = workflow.reachable()
    for name in workflow.statuses:
        if name not in reachable:
            yield f"workflow.statuses.{name}: Cannot be reached from {workflow.initial}."
