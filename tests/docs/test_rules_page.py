"""Compares `docs/rules.md` with the rule book: every rule is documented, with a real example."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from taskmgr.domain.model.policy import DEFAULT_POLICY, DEFAULT_WORKFLOW
from taskmgr.domain.model.workflow import Category, Workflow
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules.permissions import TABLE, Extent
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH, MAX_SUBTASK_LEVELS
from taskmgr.domain.rules.rule import FIX_ACTIONS
from taskmgr.domain.rules.rule_book import RULES
from taskmgr.domain.services.tasks.facts import MAX_NAMED
from taskmgr.infrastructure.files.policy_file import load_policy_file
from tests.docs import refusals
from tests.docs.answers import assert_shown
from tests.docs.markdown import DOCS, Block, blocks, code, headings, read, section, table
from tests.docs.refusals import Scene, Team, policy_of, shown
from tests.factories import Clock

PAGE = "docs/rules.md"
SUPPORT_DESK = DOCS / "examples" / "support-desk.toml"
SCENES = (*refusals.OF_TASKS, *refusals.OF_PROJECTS, *refusals.OF_USERS, *refusals.PROBLEMS)
WORDS = {Extent.NOTHING: "–", Extent.OWN: "own", Extent.CREATED: "created", Extent.ANY: "yes"}


def test_the_page_lists_the_rules_in_the_order_of_the_rule_book() -> None:
    codes = [rule.__name__ for rule in RULES]

    assert [heading.strip("`") for heading in headings(section(read(PAGE), "Refusals"))] == [
        *codes,
        "default_project",
        "last_admin",
    ]
    assert [scene.__name__ for scene in refusals.OF_TASKS] == codes


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_the_example_of_a_refusal_is_the_real_one(scene: Scene, store: Store, clock: Clock) -> None:
    response = shown(scene, Team(store, clock, policy_of(scene)))
    heading = f"### `{scene.__name__}`\n"
    part = section(read(PAGE), f"`{scene.__name__}`")

    assert response["code"] == scene.__name__
    if "overridable" in response:
        assert ("Can be overridden." in part) is response["overridable"]
        fix = response["fix"] and response["fix"]["action"]
        named = set(code(part.split("overridden.")[1].split("```")[0])) & set(FIX_ACTIONS)
        assert fix in named or (fix is None and not named)
    assert_shown(PAGE, _block_after(heading), response)


def test_the_row_of_the_transitions_is_the_real_one(store: Store, clock: Clock) -> None:
    response = shown(refusals.checked_beforehand, Team(store, clock))

    assert_shown(PAGE, _block_after("## Checking beforehand\n"), response)


def _block_after(heading: str) -> Block:
    """Returns the first block after a heading of the page."""
    return next(block for block in blocks(read(PAGE)) if heading in block.before)


def test_the_page_names_every_fix_action() -> None:
    assert set(FIX_ACTIONS) <= set(code(section(read(PAGE), "Refusals")))


def test_the_workflow_is_the_default_one() -> None:
    rows = table(section(read(PAGE), "The workflow"))

    assert [(code(start)[0], category, tuple(code(to))) for start, category, to in rows] == [
        (name, category.value, DEFAULT_WORKFLOW.transitions[name])
        for name, category in DEFAULT_WORKFLOW.categories.items()
    ]


def test_the_table_of_rights_is_the_one_in_force() -> None:
    rows = table(section(read(PAGE), "Who may do what"))

    assert [row[1:] for row in rows] == [[WORDS[r] for r in reaches.values()] for reaches in TABLE.values()]


def test_the_limits_are_the_ones_in_force() -> None:
    text = read(PAGE)
    defaults = {row[0].strip("`"): row[2] for row in table(section(text, "A policy of your own"))}

    assert defaults["limits.wip"] == str(DEFAULT_POLICY.wip_limit)
    assert defaults["limits.urgent"] == str(DEFAULT_POLICY.urgent_limit)
    assert f"limit ({DEFAULT_POLICY.wip_limit})" in section(text, "`wip_limit_reached`")
    assert f"limit ({DEFAULT_POLICY.urgent_limit})" in section(text, "`urgent_limit_reached`")
    assert f"more than {MAX_SUBTASK_LEVELS} levels" in section(text, "`too_deep`")
    assert f"more than {MAX_CHAIN_LENGTH} tasks" in section(text, "`chain_too_long`")
    assert f"{MAX_CHAIN_LENGTH} tasks in a row" in section(text, "Effective priority")
    assert f"At most {MAX_NAMED} are named" in section(text, "`blocked_by_unfinished_tasks`")


def test_the_support_desk_is_a_policy(tmp_path: Path) -> None:
    (block,) = blocks(read(PAGE), "toml")
    shown = tmp_path / "policy.toml"
    shown.write_text(block.text, "utf-8")

    policy = load_policy_file(shown)

    assert policy == load_policy_file(SUPPORT_DESK)
    assert (policy.wip_limit, policy.urgent_limit) == (8, 0)
    assert policy.workflow.initial == "new"
    assert policy.workflow.categories["closed"] is Category.COMPLETED
    assert _has_path(policy.workflow, "new", "triaged", "working", "waiting", "working", "solved", "closed")


def _has_path(workflow: Workflow, *statuses: str) -> bool:
    return all(workflow.leads(start, to) for start, to in pairwise(statuses))


def test_the_page_documents_no_other_rules() -> None:
    others = {scene.__name__ for scene in (*refusals.OF_PROJECTS, *refusals.OF_USERS, *refusals.PROBLEMS)}
    known = {rule.__name__ for rule in RULES} | others
    named = {code(heading)[0] for heading in headings(read(PAGE)) if re.fullmatch(r"`\w+`", heading)}

    assert named == known
