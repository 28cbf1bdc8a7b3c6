"""Hypothesis strategies for commands. Tasks are named by numbers; the machine replaces these by ids."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.stateful.book import CATEGORY, PRIORITIES

Draw = Any

MAX_TASKS = 8
NAMES = ("admin", "manager", "ada", "bertha", "viewer", "clara")
SYSTEM = "system"
PROJECTS = ("TASK", "OPS", "WEB")
NOBODY_KNOWN = "nobody known"  # replaced by an unknown id

# Repeated values are drawn more often.
actors = st.sampled_from([*NAMES, SYSTEM, "manager", "ada", "ada", "bertha", SYSTEM])
members = st.sampled_from(["ada", "ada", "bertha", "clara"])
tasks = st.sampled_from([*range(MAX_TASKS)] * 3 + [NOBODY_KNOWN])
known_tasks = st.integers(0, MAX_TASKS - 1)
users = st.sampled_from([*NAMES, "ada", "bertha", "ada"])

_reasons = st.sampled_from([None, "So it was agreed", "So it was agreed"])
_due_dates = st.sampled_from(
    [
        None,
        None,
        "2026-03-10",
        "2026-03-12",
        "2026-04-01",
        "2026-03-09T12:00:00.000Z",
        "2026-03-12T06:30:00.000Z",
    ]
)
_statuses = st.sampled_from([*CATEGORY, *CATEGORY, "in_progress", "completed", "lost"])
_priorities = st.sampled_from([*PRIORITIES, "urgent", "urgent"])
_assignees = st.sampled_from([*NAMES, "ada", "ada", None, NOBODY_KNOWN])
_related = st.lists(tasks, max_size=3, unique=True)
_parents = st.one_of(st.none(), tasks)

# The version that the caller states, relative to the current one; None states no version.
_versions = st.sampled_from([None] * 8 + [0, 0, -1, 1])
_overrides = st.sampled_from([False] * 4 + [True])

_FIELDS = {
    "title": st.sampled_from(["Write", "Read", "Write", "Read", " "]),
    "description": st.sampled_from(["Why", "", None]),
    "labels": st.sampled_from([[], ["late"], ["late", "new"], ["new", "late"], None]),
    "status": _statuses,
    "priority": _priorities,
    "due_date": _due_dates,
    "assignee_id": _assignees,
    "parent_id": _parents,
    "blocked_by": st.one_of(_related, _related, st.none()),
    "project": st.sampled_from([*PROJECTS, *PROJECTS, "NONE"]),
}
_USER_FIELDS = {
    "name": st.sampled_from(["Ada", "Bertha"]),
    "email": st.sampled_from([None, "ada@example.org", "Ada@Example.org", "bertha@example.org"]),
    "role": st.sampled_from(["viewer", "member", "member", "manager", "admin"]),
    "active": st.booleans(),
    "username": st.sampled_from(["ada", "ada", "dora"]),
}


_OWN_FIELDS = {name: _USER_FIELDS[name] for name in ("name", "email")}
_OF_AN_ADMIN = [{"role": "member"}, {"active": False}, {"username": "ada"}, {"email": "Ada@example.org"}]
_NEW_USERS = [{"username": name, "name": "Clara"} for name in ("clara", "ada")]


@st.composite
def _some(draw: Draw, fields: dict[str, st.SearchStrategy[Any]], maximum: int) -> dict[str, Any]:
    """Draws values for one to `maximum` of the fields."""
    names = draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=maximum, unique=True))
    return {name: draw(fields[name]) for name in names}


@st.composite
def options(draw: Draw) -> dict[str, Any]:
    """Draws the options of a command on a task."""
    return {"reason": draw(_reasons), "version": draw(_versions), "override": draw(_overrides)}


@st.composite
def creations(draw: Draw) -> dict[str, Any]:
    fields = draw(_some({n: s for n, s in _FIELDS.items() if n != "title"}, 4))
    create_options = {"reason": draw(_reasons), "override": draw(_overrides)}
    return {"op": "create", "title": draw(_FIELDS["title"]), **fields, **create_options}


@st.composite
def changes(draw: Draw) -> dict[str, Any]:
    """Draws a change of several fields at once."""
    return {"op": "change", "id": draw(tasks), **draw(_some(_FIELDS, 4)), **draw(options())}


@st.composite
def moves(draw: Draw) -> dict[str, Any]:
    return {"op": "status", "id": draw(tasks), "status": draw(_statuses), **draw(options())}


@st.composite
def rankings(draw: Draw) -> dict[str, Any]:
    return {"op": "priority", "id": draw(tasks), "priority": draw(_priorities), **draw(options())}


@st.composite
def assignments(draw: Draw) -> dict[str, Any]:
    return {"op": "assign", "id": draw(tasks), "assignee_id": draw(_assignees), **draw(options())}


@st.composite
def relations(draw: Draw) -> dict[str, Any]:
    """Draws a command that adds or removes a blocker, or changes the parent."""
    op = draw(st.sampled_from(["block", "block", "unblock", "change"]))
    other = {"parent_id": draw(_parents)} if op == "change" else {"blocker_id": draw(tasks)}
    return {"op": op, "id": draw(tasks), **other, **draw(options())}


@st.composite
def binnings(draw: Draw) -> dict[str, Any]:
    return {"op": "bin", "id": draw(tasks), "version": draw(_versions)}


@st.composite
def restorings(draw: Draw) -> dict[str, Any]:
    return {"op": "restore", "id": draw(tasks), **draw(options())}


_PROJECT_FIELDS = {
    "name": st.sampled_from(["Operations", "Website"]),
    "archived": st.booleans(),
    "is_default": st.just(True),
}
projects = st.sampled_from([*PROJECTS, *PROJECTS, "NONE"])
project_commands = st.one_of(
    st.fixed_dictionaries({"op": st.just("create"), "key": st.sampled_from(PROJECTS), "fields": st.just({})}),
    st.fixed_dictionaries(
        {"op": st.just("change"), "key": projects, "fields": _some(_PROJECT_FIELDS, 2), "version": _versions}
    ),
)
commands = st.one_of(
    changes(), moves(), rankings(), assignments(), relations(), binnings(), restorings(), creations()
)
reasons = _reasons
able = st.sampled_from([SYSTEM, SYSTEM, "manager", "admin"])
hours = st.sampled_from([0] * 6 + [1, 20, 90])
rarely = st.sampled_from([False] * 5 + [True])
numbers = st.integers(0, 999)

user_commands = st.one_of(
    st.fixed_dictionaries(
        {"op": st.just("change"), "user": users, "fields": _some(_USER_FIELDS, 2), "version": _versions}
    ),
    st.fixed_dictionaries(
        {"op": st.just("admin"), "place": known_tasks, "fields": st.sampled_from(_OF_AN_ADMIN)}
    ),
    st.fixed_dictionaries(
        {"op": st.just("own"), "user": users, "fields": _some(_OWN_FIELDS, 2), "version": _versions}
    ),
    st.fixed_dictionaries({"op": st.just("create"), "fields": st.sampled_from(_NEW_USERS)}),
)
