"""The rule about archived projects: when it refuses, when it does not, and its fix."""

from __future__ import annotations

import pytest

from taskmgr.domain.rules import rule_book
from taskmgr.domain.rules.step import Step
from tests.factories import NOW, a_project
from tests.unit.steps import binning, creation, moving, refusal_of, refuses, restoring, step

ARCHIVED = a_project(key="OLD", name="Old work", archived_at=NOW)
ACTIVE = a_project(key="OPS")
IN_OLD = {"project": "OLD"}

CHANGES = {
    "another title": step(IN_OLD, {"title": "Other"}),
    "another status": step({**IN_OLD, "status": "todo"}, {"status": "cancelled"}),
    "an assignee": step(IN_OLD, {"assignee_id": "a"}),
    "a rank": step(IN_OLD, {"rank": "a5V"}),
    "into the bin": binning(**IN_OLD),
    "out of the bin": restoring(**IN_OLD),
    "from another project": step({"project": "OPS"}, IN_OLD),
    "new": creation(**IN_OLD),
}


@pytest.mark.parametrize("one", CHANGES.values(), ids=CHANGES.keys())
def test_nothing_changes_in_an_archived_project(one: Step) -> None:
    refusal = refusal_of(rule_book.project_archived, one, project=ARCHIVED)
    assert refusal.detail.startswith("The project OLD (Old work) is archived: ")
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("unarchive_project", {"project": "OLD"})
    assert not refusal.overridable


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("another title", "Take the project out of the archive, or move the task to another project."),
        ("from another project", "Take the project out of the archive, or choose another project."),
        ("new", "Take the project out of the archive, or choose another project."),
        ("out of the bin", "Take the project out of the archive."),
    ],
)
def test_the_fix_names_only_remedies_that_are_possible(change: str, text: str) -> None:
    refusal = refusal_of(rule_book.project_archived, CHANGES[change], project=ARCHIVED)
    assert refusal.fix is not None
    assert refusal.fix.text == text


@pytest.mark.parametrize("one", CHANGES.values(), ids=CHANGES.keys())
def test_everything_changes_in_an_active_project(one: Step) -> None:
    assert not refuses(rule_book.project_archived, one, project=ACTIVE)


def test_a_task_leaves_an_archived_project() -> None:
    assert not refuses(rule_book.project_archived, step(IN_OLD, {"project": "OPS"}), project=ACTIVE)


def test_a_task_of_a_project_that_no_longer_exists_changes() -> None:
    assert not refuses(rule_book.project_archived, moving("todo", "cancelled"))
