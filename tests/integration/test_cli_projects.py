"""The commands for projects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services import Services
from tests.factories import SYSTEM
from tests.running import Outcome, Settings, run_here

Command = Callable[..., Outcome]


@pytest.fixture
def settings(database: Database[Any], mongodb_uri: str) -> Settings:
    return {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}


@pytest.fixture
def command(settings: Settings) -> Command:
    return lambda *words: run_here(settings, *words)


def keys(outcome: Outcome) -> list[str]:
    return [project["key"] for project in outcome.json]


def test_a_project_is_added_with_what_is_given(command: Command, services: Services) -> None:
    done = command("projects", "add", "ops", "Operations", "--description", "Servers and networks")

    assert (done.status, done.out) == (0, "Added OPS (Operations).\n")
    project = services.projects.get("OPS", by=SYSTEM)
    assert (project.name, project.description) == ("Operations", "Servers and networks")
    assert not project.is_default
    assert services.tasks.create(title="Order the cables", project="OPS", by=SYSTEM).key == "OPS-1"


def test_a_project_is_added_as_the_default(command: Command, services: Services) -> None:
    done = command("projects", "add", "OPS", "Operations", "--default")

    assert done.out == "Added OPS (Operations), which is now the default project.\n"
    assert services.projects.default(by=SYSTEM).key == "OPS"
    assert not services.projects.get("TASK", by=SYSTEM).is_default


def test_archived_projects_are_listed_on_request(command: Command) -> None:
    for key in ("WEB", "OPS", "OLD"):
        command("projects", "add", key, "A project")
    command("projects", "archive", "old")

    assert keys(command("projects", "list", "--json")) == ["OPS", "TASK", "WEB"]
    assert keys(command("projects", "list", "--archived", "--json")) == ["OLD"]
    assert keys(command("projects", "list", "--all", "--json")) == ["OLD", "OPS", "TASK", "WEB"]


def test_all_projects_and_only_the_archived_ones_are_not_listed_at_once(command: Command) -> None:
    refused = command("projects", "list", "--all", "--archived")

    assert (refused.status, refused.out) == (2, "")
    assert "give either --all or --archived" in refused.err


def test_projects_are_listed_for_people(command: Command, services: Services) -> None:
    services.tasks.create(title="Order the cables", by=SYSTEM)
    command("projects", "add", "OLD", "Old things")
    command("projects", "archive", "OLD")

    lines = command("projects", "list", "--all").out.splitlines()
    assert [re.split(r" {2,}", line) for line in lines] == [
        ["KEY", "NAME", "OPEN", "DEFAULT", "ARCHIVED"],
        ["OLD", "Old things", "0", "no", "yes"],
        ["TASK", "Tasks", "1", "yes", "no"],
    ]


def test_a_listed_project_has_the_fields_and_forms_of_the_api(command: Command) -> None:
    (project,) = command("projects", "list", "--json").json

    assert set(project) == {
        "id", "key", "name", "description", "default", "archived_at", "created_by", "created_at",
        "updated_at", "version", "counts",
    }  # fmt: skip
    assert project["counts"] == {"open": 0, "overdue": 0, "completed_30_days": 0}
    assert (project["default"], project["archived_at"]) == (True, None)


def test_more_projects_than_a_page_holds_are_all_listed(command: Command, services: Services) -> None:
    for number in range(205):
        services.projects.create(key=f"P{number}", name="A project", by=SYSTEM)

    assert len(keys(command("projects", "list", "--json"))) == 206


def test_a_project_is_archived_and_unarchived_and_the_log_says_by_whom(
    command: Command, services: Services
) -> None:
    command("projects", "add", "OPS", "Operations")

    archived = command("projects", "archive", "ops")
    assert (archived.status, archived.out) == (0, "Archived OPS (Operations).\n")
    assert services.projects.get("OPS", by=SYSTEM).is_archived

    unarchived = command("projects", "unarchive", "ops")
    assert (unarchived.status, unarchived.out) == (0, "Took OPS (Operations) out of the archive.\n")
    assert not services.projects.get("OPS", by=SYSTEM).is_archived
    log = services.activity.list(ActivityQuery(entity="project"), by=SYSTEM).items
    assert {entry.by for entry in log if entry.kind == "project.changed"} == {"system:cli"}


@pytest.mark.parametrize(
    ("word", "sentence"),
    [("archive", "is already archived"), ("unarchive", "is not archived"),
     ("set-default", "is already the default project")],
)  # fmt: skip
def test_a_change_that_makes_no_difference_says_so(
    word: str, sentence: str, command: Command, services: Services
) -> None:
    command("projects", "add", "OPS", "Operations")
    command("projects", word, "OPS")
    before = services.projects.get("OPS", by=SYSTEM)

    again = command("projects", word, "OPS")

    assert (again.status, again.out) == (0, f"OPS (Operations) {sentence}.\n")
    assert services.projects.get("OPS", by=SYSTEM) == before


def test_the_default_project_can_be_archived_once_another_is_the_default(
    command: Command, services: Services
) -> None:
    command("projects", "add", "OPS", "Operations")

    chosen = command("projects", "set-default", "ops")

    assert (chosen.status, chosen.out) == (0, "OPS (Operations) is now the default project.\n")
    assert command("projects", "archive", "TASK").status == 0
    assert services.projects.default(by=SYSTEM).key == "OPS"


def test_the_default_project_is_not_archived_and_the_message_says_what_to_do(command: Command) -> None:
    refused = command("projects", "archive", "TASK")

    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        "refused:\n  default_project: TASK is the default project, which cannot be archived."
        " Make another project the default first.\n"
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "TASK", "Again"), "project_key_taken"),
        (("add", "1", "One"), "invalid"),
        (("archive", "NONE"), "not_found"),
        (("unarchive", "?"), "not_found"),
    ],
)
def test_a_failed_command_says_why_on_standard_error(
    command: Command, words: tuple[str, ...], code: str
) -> None:
    failed = command("projects", *words)

    assert (failed.status, failed.out) == (1, "")
    assert failed.err.startswith(f"{code}:")
