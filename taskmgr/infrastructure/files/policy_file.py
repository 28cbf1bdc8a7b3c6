"""A team's policy, from a TOML file: every mistake is one line that names the key.

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

What the file leaves out is as in the default policy; a workflow is given whole or not at all.
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
_MOST_LIMIT = 10_000
_KEYS: Mapping[str, frozenset[str]] = {
    "": frozenset({"limits", "rules", "workflow"}),
    "limits": frozenset({"wip", "urgent"}),
    "rules": frozenset({"four_eyes"}),
    "workflow": frozenset({"initial", "statuses"}),
}
_STATUS_KEYS = frozenset({"category", "leads_to"})


def load_policy_file(path: Path) -> Policy:
    """The policy in a file. Raises `CannotStart` with all mistakes, a line each."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CannotStart(f"TASKMGR_POLICY: {path} cannot be read: {error}") from error
    mistakes = list(_mistakes(given))
    if mistakes:
        raise CannotStart("\n".join([f"The policy {path} is not usable:", *mistakes]))
    return _policy(given)


def _policy(given: Mapping[str, Any]) -> Policy:
    limits, rules = given.get("limits", {}), given.get("rules", {})
    policy = replace(
        DEFAULT_POLICY,
        wip_limit=limits.get("wip", DEFAULT_POLICY.wip_limit),
        urgent_limit=limits.get("urgent", DEFAULT_POLICY.urgent_limit),
        four_eyes=rules.get("four_eyes", DEFAULT_POLICY.four_eyes),
    )
    if "workflow" not in given:
        return policy
    return replace(policy, workflow=_workflow(given["workflow"]))


def _workflow(given: Mapping[str, Any]) -> Workflow:
    statuses = given["statuses"]
    return Workflow(
        initial=given["initial"],
        categories={name: Category(status["category"]) for name, status in statuses.items()},
        transitions={name: tuple(status.get("leads_to", ())) for name, status in statuses.items()},
    )


def _mistakes(given: Mapping[str, Any]) -> Iterator[str]:
    """Every mistake in the file, in the file's own terms."""
    tables = {"": given, **{name: given.get(name, {}) for name in ("limits", "rules", "workflow")}}
    for name, table in tables.items():
        if not isinstance(table, dict):
            yield f"{name}: Must be a table."
        else:
            yield from _unknown(name, table, _KEYS[name])
    yield from _bad_limits(tables["limits"])
    four_eyes = tables["rules"].get("four_eyes", False) if isinstance(tables["rules"], dict) else False
    if not isinstance(four_eyes, bool):
        yield "rules.four_eyes: Must be true or false."
    if isinstance(tables["workflow"], dict) and "workflow" in given:
        yield from _bad_workflow(tables["workflow"])


def _unknown(place: str, table: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    for key in table.keys() - known:
        name = f"{place}.{key}" if place else key
        yield f"{name}: There is no such key; there are: {', '.join(sorted(known))}."


def _bad_limits(table: object) -> Iterator[str]:
    for key, value in table.items() if isinstance(table, dict) else ():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if key in _KEYS["limits"] and not (whole and 0 <= value <= _MOST_LIMIT):
            yield f"limits.{key}: Must be a whole number from 0 (no limit) to {_MOST_LIMIT}."


def _bad_workflow(table: Mapping[str, Any]) -> Iterator[str]:
    statuses = table.get("statuses")
    if not isinstance(statuses, dict) or not statuses:
        yield "workflow.statuses: Must be a table of statuses."
        return
    shape = [line for name, status in statuses.items() for line in _bad_status(name, status, statuses)]
    yield from shape
    initial = table.get("initial")
    if not isinstance(initial, str) or initial not in statuses:
        yield f"workflow.initial: Must be one of the statuses: {', '.join(statuses)}."
    elif not shape:
        yield from _bad_graph(_workflow(table))


def _bad_status(name: str, status: object, statuses: Mapping[str, Any]) -> Iterator[str]:
    place = f"workflow.statuses.{name}"
    if not _STATUS_NAME.fullmatch(name):
        yield f"{place}: A status's name is 1 to 40 of a-z, 0-9 and _, a letter first."
    if not isinstance(status, dict):
        yield f"{place}: Must be a table with category and leads_to."
        return
    yield from _unknown(place, status, _STATUS_KEYS)
    categories = [category.value for category in Category]
    if status.get("category") not in categories:
        yield f"{place}.category: Must be one of: {', '.join(categories)}."
    leads_to = status.get("leads_to", [])
    if not isinstance(leads_to, list) or len(set(map(str, leads_to))) < len(leads_to):
        yield f"{place}.leads_to: Must be a list of statuses, each once."
        return
    for other in leads_to:
        if not isinstance(other, str) or other not in statuses or other == name:
            yield f"{place}.leads_to: {other!r} is not another status of this workflow."


def _bad_graph(workflow: Workflow) -> Iterator[str]:
    """What is wrong with a workflow whose parts are right by themselves."""
    if workflow.category(workflow.initial) is not Category.UNSTARTED:
        yield "workflow.initial: Must be a status of the category unstarted."
    for category in (Category.COMPLETED, Category.CANCELLED):
        if not workflow.in_category(category):
            yield f"workflow.statuses: At least one must have the category {category.value}."
    reachable = workflow.reachable()
    for name in workflow.statuses:
        if name not in reachable:
            yield f"workflow.statuses.{name}: No way leads here from {workflow.initial}."
