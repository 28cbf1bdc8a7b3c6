"""A team's policy from TOML: what it changes, and every mistake as one line that names the key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.model.workflow import Category, Workflow
from taskmgr.infrastructure.files.policy_file import load_policy_file

Load = Callable[[str], Policy]

SUPPORT = """
[workflow]
initial = "new"

[workflow.statuses.new]
category = "unstarted"
leads_to = ["working", "rejected"]

[workflow.statuses.working]
category = "started"
leads_to = ["solved", "new"]

[workflow.statuses.solved]
category = "completed"

[workflow.statuses.rejected]
category = "cancelled"
leads_to = []
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a policy from the text of its file."""

    def from_text(text: str) -> Policy:
        path = tmp_path / "policy.toml"
        path.write_text(text, "utf-8")
        return load_policy_file(path)

    return from_text


def mistakes(load: Load, text: str) -> list[str]:
    with pytest.raises(CannotStart) as caught:
        load(text)
    first, *lines = str(caught.value).splitlines()
    assert first.endswith("is not usable:")
    return lines


def with_status(name: str, body: str) -> str:
    return f"{SUPPORT}\n[workflow.statuses.{name}]\n{body}\n"


def test_an_empty_file_is_the_default_policy(load: Load) -> None:
    assert load("") == DEFAULT_POLICY


def test_missing_keys_are_as_in_the_default_policy(load: Load) -> None:
    assert load("[limits]\nwip = 2\n") == replace(DEFAULT_POLICY, wip_limit=2)


def test_limits_and_switches_are_read(load: Load) -> None:
    policy = load("[limits]\nwip = 0\nurgent = 10000\n[rules]\nfour_eyes = true\n")
    assert (policy.wip_limit, policy.urgent_limit, policy.four_eyes) == (0, 10_000, True)


def test_a_workflow_replaces_the_default_one(load: Load) -> None:
    assert load(SUPPORT) == replace(
        DEFAULT_POLICY,
        workflow=Workflow(
            initial="new",
            categories={
                "new": Category.UNSTARTED,
                "working": Category.STARTED,
                "solved": Category.COMPLETED,
                "rejected": Category.CANCELLED,
            },
            transitions={
                "new": ("working", "rejected"),
                "working": ("solved", "new"),
                "solved": (),
                "rejected": (),
            },
        ),
    )


def test_the_order_of_the_statuses_is_that_of_the_file(load: Load) -> None:
    assert load(SUPPORT).workflow.statuses == ("new", "working", "solved", "rejected")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("limits = 5", "limits"),
        ("limits = []", "limits"),
        ("rules = true", "rules"),
        ("workflow = 'mine'", "workflow"),
        ("[limits]\nwip = -1", "limits.wip"),
        ("[limits]\nwip = 10001", "limits.wip"),
        ("[limits]\nwip = 2.0", "limits.wip"),
        ("[limits]\nwip = true", "limits.wip"),
        ("[limits]\nurgent = '3'", "limits.urgent"),
        ("[limits]\nmost = 5", "limits.most"),
        ("[rules]\nfour_eyes = 1", "rules.four_eyes"),
        ("[rules]\nfour_eyes = 'yes'", "rules.four_eyes"),
        ("[rules]\nsix_eyes = true", "rules.six_eyes"),
        ("[colours]\nurgent = 'red'", "colours"),
        ("wip = 5", "wip"),
        ("[workflow]", "workflow.statuses"),
        ("[workflow]\ninitial = 'new'", "workflow.statuses"),
        ("[workflow]\nstatuses = ['new']", "workflow.statuses"),
        ("[workflow.statuses]", "workflow.statuses"),
        (SUPPORT.replace('initial = "new"', ""), "workflow.initial"),
        (SUPPORT.replace('initial = "new"', "initial = 1"), "workflow.initial"),
        (SUPPORT.replace('initial = "new"', "initial = ['new']"), "workflow.initial"),
        (SUPPORT.replace('initial = "new"', 'initial = "old"'), "workflow.initial"),
        (SUPPORT.replace('initial = "new"', 'initial = "working"'), "workflow.initial"),
        (SUPPORT.replace('initial = "new"', 'initial = "new"\nfirst = "new"'), "workflow.first"),
        (SUPPORT.replace('"unstarted"', '"waiting"'), "workflow.statuses.new.category"),
        (SUPPORT.replace('"unstarted"', "['unstarted']"), "workflow.statuses.new.category"),
        (with_status("late", "leads_to = ['new']"), "workflow.statuses.late.category"),
        (SUPPORT.replace('["solved", "new"]', '"solved"'), "workflow.statuses.working.leads_to"),
        (SUPPORT.replace('"solved", "new"', '"solved", "gone"'), "workflow.statuses.working.leads_to"),
        (SUPPORT.replace('"solved", "new"', '"solved", "working"'), "workflow.statuses.working.leads_to"),
        (SUPPORT.replace('"solved", "new"', '"solved", "solved"'), "workflow.statuses.working.leads_to"),
        (SUPPORT.replace('"solved", "new"', '"solved", 1'), "workflow.statuses.working.leads_to"),
        (SUPPORT.replace("leads_to = []", "colour = 'red'"), "workflow.statuses.rejected.colour"),
        (SUPPORT.replace('"cancelled"', '"completed"'), "workflow.statuses"),
        (with_status("lost", "category = 'started'\nleads_to = ['new']"), "workflow.statuses.lost"),
        (with_status("'Not Now'", "category = 'started'"), "workflow.statuses.Not Now"),
        (with_status("x" * 41, "category = 'started'"), f"workflow.statuses.{'x' * 41}"),
    ],
)
def test_a_mistake_names_its_key(load: Load, text: str, key: str) -> None:
    lines = mistakes(load, text)
    assert key in [line.partition(":")[0] for line in lines]
    assert all(line.endswith(".") for line in lines)


def test_a_status_that_is_not_a_table_is_reported(load: Load) -> None:
    text = "[workflow]\ninitial = 'new'\n[workflow.statuses]\nnew = 1\n"
    assert mistakes(load, text) == ["workflow.statuses.new: Must be a table with category and leads_to."]


def test_all_mistakes_are_reported_at_once(load: Load) -> None:
    text = "[limits]\nwip = -1\nurgent = -1\n[rules]\nfour_eyes = 1\n[workflow.statuses.new]\n"
    assert [line.partition(":")[0] for line in mistakes(load, text)] == [
        "limits.wip",
        "limits.urgent",
        "rules.four_eyes",
        "workflow.statuses.new.category",
        "workflow.initial",
    ]


def test_invalid_toml_is_reported_with_its_place(load: Load) -> None:
    with pytest.raises(CannotStart, match=r"^TASKMGR_POLICY: .+line 2"):
        load("[limits]\nwip = many\n")


def test_a_file_that_is_not_text_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CannotStart, match=r"^TASKMGR_POLICY: .+cannot be read"):
        load_policy_file(path)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"^TASKMGR_POLICY: .+cannot be read"):
        load_policy_file(tmp_path / "policy.toml")
