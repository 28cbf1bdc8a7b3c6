"""Compares the tables, links and commands of the pages with the code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from flask import Flask

from taskmgr import settings
from taskmgr.api.app import create_app
from taskmgr.api.identity.scopes import scopes_of
from taskmgr.api.problems.codes import CODES
from taskmgr.api.schemas.activity import ActivityListQuery
from taskmgr.api.schemas.task_queries import TaskListQuery
from taskmgr.cli import commands
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk import OPERATIONS
from tests.docs.markdown import (
    PAGES,
    ROOT,
    anchor,
    blocks,
    code,
    headings,
    links,
    prose,
    read,
    section,
    table,
)

# The pages of the dashboard and their files.
DASHBOARD = ("/<any(", "/assets/")
DOCS_FILES = ("/docs/assets", "/docs/docs.js", "/docs/pages.css")
API = "docs/api.md"
RUNNING = "docs/running.md"
CHECKED = (*PAGES, *sorted((ROOT / "docs" / "examples").iterdir()))


def name(page: object) -> str:
    return str(page).removeprefix(f"{ROOT}/")


@pytest.fixture
def app(services: Services) -> Flask:
    return create_app(services, settings.Settings(), secret_key="a key that signs nothing")


# --- links, paths


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: object) -> None:
    text = read(name(page))
    for link in links(text):
        if link.startswith("https://"):
            continue
        path, _, fragment = link.partition("#")
        target = (ROOT / name(page)).parent / path if path else ROOT / name(page)
        assert target.exists(), link
        if fragment:
            assert fragment in map(anchor, headings(target.read_text("utf-8"))), link


@pytest.mark.parametrize("page", CHECKED, ids=name)
def test_no_page_names_a_place_on_this_machine(page: object) -> None:
    text = read(name(page))

    assert str(ROOT) not in text
    assert not re.search(r"/(work|root|home|Users)/", text)


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = [cell for row in table(read("docs/decisions/README.md")) for cell in links(row[0])]

    assert listed == sorted(path.name for path in folder.glob("0*.md"))
    for number, file in enumerate(listed, start=1):
        text = read(f"docs/decisions/{file}")
        assert file.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        parts = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Evidence", "Consequence"]


# --- the API


def test_every_endpoint_is_in_the_table_with_its_scopes(app: Flask) -> None:
    documented = {}
    for call, scopes, _ in table(section(read(API), "Endpoints")):
        method, path = code(call)[0].split(" ")
        if "?" not in path:
            documented[method, re.sub(r"\{\w+\}", "*", f"/api/v1{path}")] = set(code(scopes))

    assert documented == dict(_endpoints(app))


def _endpoints(app: Flask) -> Iterator[tuple[tuple[str, str], set[str]]]:
    with app.app_context():
        for rule in app.url_map.iter_rules():
            scopes = scopes_of(app, rule.endpoint)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"} if scopes is not None else ():
                yield (method, re.sub(r"<[^>]+>", "*", rule.rule)), set(scopes or ())


def test_every_public_path_is_named(app: Flask) -> None:
    sentence = next(line for line in section(read(API), "Endpoints").splitlines() if "At the root" in line)
    public = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith(
            ("/api/", "/pages/", "/docs/assets", "/docs/docs.js", "/docs/pages.css", *DASHBOARD)
        )
    }

    assert {call.removeprefix("GET ") for call in code(sentence)} == public


def test_every_code_is_in_the_table() -> None:
    rows = table(section(read(API), "Errors"))

    assert [(int(status), code(name)[0], means) for status, name, means in rows] == [
        (kind.status, name, kind.meaning) for name, kind in CODES.items()
    ]


def test_every_parameter_of_the_lists_is_in_the_table() -> None:
    documented = [code(row[0])[0] for row in table(section(read(API), "Lists"))]

    assert sorted(documented) == sorted(TaskListQuery().fields)
    assert set(ActivityListQuery().fields) <= {
        *code(section(read(API), "The log")),
        *("limit", "cursor", "total"),
    }


def test_every_operation_of_a_bulk_is_in_the_table() -> None:
    rows = table(section(read(API), "Bulk"))

    assert [(code(op)[0], tuple(code(needs))) for op, needs, _ in rows] == [
        (op, kind.required) for op, kind in OPERATIONS.items()
    ]


# --- running it


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = {code(row[0])[0]: row[1] for row in table(section(read(RUNNING), "Settings"))}
    defaults = settings.Settings()

    assert tuple(rows) == settings.NAMES
    for shown, value in (
        ("DATABASE", defaults.database),
        ("BIND", defaults.bind),
        ("WORKERS", defaults.workers),
        ("TIMEZONE", defaults.time_zone),
        ("LOG_FORMAT", defaults.log_format),
        ("RATE_LIMIT", defaults.rate_limit),
        ("TRUSTED_PROXIES", defaults.trusted_proxies),
    ):
        assert rows[f"TASKMGR_{shown}"] == f"`{value}`"


def test_every_command_is_in_the_table_with_its_options() -> None:
    documented = {}
    for row in table(section(read(RUNNING), "The command line")):
        words = code(row[0])[0]
        path = " ".join(re.findall(r"(?<= )[a-z][a-z-]+(?= |$)", words.split(" [")[0].split(" --")[0]))
        documented[path] = set(re.findall(r"--[a-z]+", words))

    assert documented == {
        path: {option for p in command.params for option in p.opts if option.startswith("--")} - {"--json"}
        for path, command in _commands(commands)
    }


def _commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for word, inner in command.commands.items():
        yield from _commands(inner, f"{path} {word}".strip())


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_that_a_page_shows_is_valid(page: object) -> None:
    shown = [block.text for block in blocks(read(name(page)), "sh")]
    shown += [f"{words}\n" for words in code(prose(read(name(page)))) if words.startswith("taskmgr ")]
    for line in "".join(shown).splitlines():
        for words in re.findall(r"(?:^|[ /])taskmgr ([a-z][^|;&#]*)", line):
            if not re.search(r"[…\[]|TASKMGR_|[A-Z]{2}", words):
                _parse(shlex.split(words.replace("$name", "name")))


def _parse(words: list[str]) -> None:
    """Raises click's error if the command line is not valid."""
    command: click.Command = commands
    while isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    if words or not isinstance(command, click.Group):
        needs_words = any(isinstance(p, click.Argument) or p.required for p in command.params)
        if words or not needs_words:
            command.make_context("taskmgr", words)
