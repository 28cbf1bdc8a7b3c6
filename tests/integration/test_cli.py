"""The commands for users and tokens, and what the command line does with wrong use and refusals."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest
from pymongo.database import Database

import taskmgr.cli
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services import Services
from tests.running import COMMAND, Outcome, Settings, environment, run, run_here

Command = Callable[..., Outcome]


@pytest.fixture
def settings(database: Database[Any], mongodb_uri: str) -> Settings:
    return {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}


@pytest.fixture
def command(settings: Settings) -> Command:
    return lambda *words: run_here(settings, *words)


@pytest.fixture
def admin(make_user: Callable[..., User]) -> User:
    return make_user("admin", role=Role.ADMIN)


# --- users


def test_a_user_is_added_with_what_is_given(command: Command, services: Services) -> None:
    done = command(
        "users", "add", "Ada", "--name", "Ada Lovelace", "--role", "manager", "--email", "ada@x.org"
    )

    user = services.tasks.store.users.get_by_username("ada")
    assert (done.status, done.out) == (0, "Added ada with the role manager.\n")
    assert (user.name, user.role, user.email, user.kind.value) == (
        "Ada Lovelace",
        Role.MANAGER,
        "ada@x.org",
        "person",
    )


def test_a_program_is_added_as_a_service(command: Command) -> None:
    added = command("users", "add", "ci-bot", "--service", "--json")

    assert (added.json["kind"], added.json["role"], added.json["name"]) == ("service", "member", "ci-bot")


def test_users_are_listed_for_people_and_for_programs(command: Command, admin: User) -> None:
    command("users", "add", "zoe", "--email", "zoe@example.com")

    assert [user["username"] for user in command("users", "list", "--json").json] == ["admin", "zoe"]
    lines = command("users", "list").out.splitlines()
    assert lines[0].split() == ["USERNAME", "NAME", "EMAIL", "ROLE", "KIND", "ACTIVE"]
    assert lines[2].split() == ["zoe", "zoe", "zoe@example.com", "member", "person", "yes"]


def test_a_listed_user_has_the_fields_and_forms_of_the_api(command: Command, admin: User) -> None:
    (user,) = command("users", "list", "--json").json

    assert user["id"] == admin.id
    assert set(user) == {
        "id", "username", "name", "email", "role", "kind", "active", "created_at", "updated_at", "version",
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", user["created_at"])


def test_more_users_than_a_page_holds_are_all_listed(
    command: Command, make_user: Callable[..., User]
) -> None:
    for number in range(205):
        make_user(f"user-{number:03}")

    assert len(command("users", "list", "--json").json) == 205


def test_a_role_is_changed_and_the_log_says_by_whom(
    command: Command, admin: User, services: Services
) -> None:
    command("users", "add", "ada")

    done = command("users", "set-role", "ADA", "viewer")

    assert (done.status, done.out) == (0, "ada now has the role viewer.\n")
    newest = services.activity.list(by=services.system("tests")).items[0]
    assert (newest.by, dict(newest.after)) == ("system:cli", {"role": "viewer"})


def test_a_user_is_shut_out_and_let_in_again(command: Command, admin: User, services: Services) -> None:
    command("users", "add", "ada")

    assert command("users", "deactivate", "ada").status == 0
    assert not services.tasks.store.users.get_by_username("ada").active
    assert command("users", "activate", "ada").status == 0
    assert services.tasks.store.users.get_by_username("ada").active


# --- tokens


def test_a_token_is_printed_alone_and_works(command: Command, admin: User, services: Services) -> None:
    done = command("tokens", "create", "--user", "admin")

    assert re.fullmatch(r"tm_[0-9a-f]{24}_[\w-]{43}\n", done.out)
    identity = services.tokens.identify(done.out.strip())
    assert identity is not None
    assert (identity.user.username, identity.actor.scopes) == ("admin", None)


def test_a_token_goes_only_as_far_and_as_long_as_it_is_told_to(command: Command, admin: User) -> None:
    command("tokens", "create", "--user", "admin", "--scope", "tasks:read", "--scope", "users:read",
            "--expires", "30d", "--name", "the board")  # fmt: skip

    (token,) = command("tokens", "list", "--json").json
    assert token["scopes"] == ["tasks:read", "users:read"]
    assert token["name"] == "the board"
    assert token["expires_at"] > token["created_at"]
    assert set(token) == {"id", "user_id", "name", "scopes", "created_at", "expires_at", "last_used_at"}


@pytest.mark.parametrize("span", ["30", "0d", "d", "30m", "-1d", "99999d"])
def test_a_span_that_is_none_is_wrong_usage(command: Command, span: str) -> None:
    assert command("tokens", "create", "--user", "admin", f"--expires={span}").status == 2


def test_tokens_are_listed_by_user_and_without_their_secrets(command: Command, admin: User) -> None:
    command("users", "add", "ada")
    secret = command("tokens", "create", "--user", "ada").out.strip().split("_", 2)[2]
    command("tokens", "create", "--user", "admin")

    all_tokens = command("tokens", "list").out
    assert "ada" in all_tokens
    assert "admin" in all_tokens
    assert secret not in all_tokens
    assert len(command("tokens", "list", "--user", "ada", "--json").json) == 1


def test_a_revoked_token_is_worthless(command: Command, admin: User, services: Services) -> None:
    token = command("tokens", "create", "--user", "admin").out.strip()
    (listed,) = command("tokens", "list", "--json").json

    assert command("tokens", "revoke", listed["id"]).status == 0
    assert services.tokens.identify(token) is None


def test_tokens_made_and_revoked_by_the_command_line_are_logged(
    command: Command, admin: User, services: Services
) -> None:
    command("tokens", "create", "--user", "admin")
    (listed,) = command("tokens", "list", "--json").json
    command("tokens", "revoke", listed["id"])
    page = services.activity.list(ActivityQuery(entity="token"), by=Actor.of(admin))
    assert [(entry.kind, entry.by) for entry in page.items] == [
        ("token.revoked", "system:cli"), ("token.created", "system:cli"),
    ]  # fmt: skip


def test_a_token_is_revoked_by_itself_and_never_shown(
    command: Command, admin: User, services: Services
) -> None:
    token = command("tokens", "create", "--user", "admin").out.strip()
    secret = token.split("_", 2)[2]

    misplaced = [
        command("tokens", "revoke", f"x{token}"), command("tokens", "revoke", token, token),
        command(token), command(f"--{token}"), command("users", "activate", token),
        command("tokens", "create", "--user", token), command("users", "set-role", "admin", token),
    ]  # fmt: skip
    revoked = command("tokens", "revoke", token)

    assert all(done.status in (1, 2) for done in misplaced)
    assert (revoked.status, revoked.out) == (0, f"Revoked the token {token.split('_')[1]}.\n")
    assert services.tokens.identify(token) is None
    assert not [done for done in (*misplaced, revoked) if secret in done.out + done.err]


@pytest.mark.parametrize(
    "words",
    [
        ("\x1b[31m",), ("--\x1b[31m",), ("users", "set-role", "ada", "\x1b[31m"),
        ("users", "set-role", "\x1b[31m", "admin"), ("users", "add", "\x1b[31m\x9b1m"),
        ("tokens", "revoke", "\x1b[31m"), ("tokens", "create", "--user", "a", "--expires", "\x9b1m"),
        ("serve", "--bind", "\x1b[31m\x9b1m"), ("db", "map-status", "\x9b1m", "\x1b[31m"),
    ],
)  # fmt: skip
def test_no_argument_reaches_the_terminal_as_a_command(command: Command, words: tuple[str, ...]) -> None:
    done = command(*words)

    assert done.status in (1, 2)
    assert not set("\x1b\x9b") & set(done.out + done.err)


def test_a_token_goes_through_a_pipe(settings: Settings, admin: User) -> None:
    script = f"printf '<%s>' $({COMMAND} tokens create --user admin)"

    piped = subprocess.run(
        ["bash", "-c", script], env=environment(settings), capture_output=True, text=True, check=True
    )

    assert re.fullmatch(r"<tm_[0-9a-f]{24}_[\w-]{43}>", piped.stdout)


# --- errors


def test_a_refusal_shows_its_code_and_every_reason(command: Command, admin: User) -> None:
    refused = command("users", "deactivate", "admin")

    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        "refused:\n  last_admin: This is the last active admin: make another user an admin first.\n"
    )


def test_invalid_values_are_all_shown_at_once(command: Command) -> None:
    invalid = command("users", "add", "x", "--email", "nowhere")

    assert invalid.status == 1
    assert [line.split(":")[0] for line in invalid.err.splitlines()] == ["invalid", "  username", "  email"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("users", "set-role", "nobody", "admin"), "not_found"),
        (("users", "add", "admin"), "username_taken"),
        (("tokens", "create", "--user", "nobody"), "not_found"),
        (("tokens", "revoke", "nothing"), "not_found"),
    ],
)
def test_a_failed_command_says_why_on_standard_error(
    command: Command, admin: User, words: tuple[str, ...], code: str
) -> None:
    failed = command(*words)

    assert (failed.status, failed.out) == (1, "")
    assert failed.err.startswith(f"{code}: ")


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("users", "set-role", "ada", "emperor"),
        ("tokens", "create"),
        ("tokens", "create", "--user", "ada", "--scope", "everything"),
        ("serve", "--workers", "0"),
        ("serve", "--bind", "nowhere"),
        ("serve", "--bind", "127.0.0.1:65536"),
    ],
)
def test_wrong_usage_ends_with_status_2(command: Command, words: tuple[str, ...]) -> None:
    wrong = command(*words)

    assert (wrong.status, wrong.out) == (2, "")
    assert "Usage: taskmgr" in wrong.err


@pytest.mark.parametrize("words", [("users", "list"), ("doctor",), ("db", "status"), ("demo",)])
def test_all_mistakes_in_the_settings_are_named(words: tuple[str, ...]) -> None:
    outcome = run_here({"BIND": "nowhere", "WORKERS": "many", "COLOUR": "red"}, *words)

    assert outcome.status == 1
    text = outcome.out + outcome.err
    assert all(name in text for name in ("TASKMGR_BIND", "TASKMGR_WORKERS", "TASKMGR_COLOUR"))


def test_a_database_that_needs_a_migration_is_refused_in_a_line(settings: Settings) -> None:
    refused = run_here({**settings, "DATABASE": "nothing-yet"}, "users", "list")

    assert (refused.status, refused.err) == (
        1,
        "The database is not up to date. Run `taskmgr db migrate` once.\n",
    )


# --- the program as such


def test_the_program_says_which_release_it_is_and_what_it_can() -> None:
    assert run({}, "--version").out == f"taskmgr, version {taskmgr.__version__}\n"
    help_text = run({}, "--help").out
    names = ("serve", "db", "users", "tokens", "projects", "doctor", "demo")
    assert all(f"\n  {name} " in help_text for name in names)


def test_the_help_loads_nothing_heavy_and_nothing_that_serve_must_patch_first() -> None:
    heavy = ("ssl", "socket", "pymongo", "mongoengine", "flask", "gevent", "gunicorn", "rich", "structlog")
    script = f"import sys, taskmgr.cli; print([name for name in {heavy} if name in sys.modules])"

    loaded = subprocess.run(
        [sys.executable, "-c", script], env=environment({}), capture_output=True, text=True
    )

    assert loaded.stdout == "[]\n"


def test_on_a_terminal_there_are_tables(settings: Settings, admin: User) -> None:
    controller, terminal = pty.openpty()
    with os.fdopen(controller, "rb", buffering=0) as screen:
        subprocess.run([COMMAND, "users", "list"], env=environment(settings), stdout=terminal, check=True)
        os.close(terminal)
        shown = screen.read(10_000).decode()

    assert "─" in shown
    assert "admin" in shown


# --- what the database refuses


def test_a_write_that_the_database_refuses_is_told_without_what_was_written(
    command: Command, database: Database[Any]
) -> None:
    database.command("collMod", "users", validator={"username": {"$ne": "hunter2"}})
    try:
        done = command("users", "add", "hunter2")
    finally:
        database.command("collMod", "users", validator={})

    assert (done.status, done.out) == (1, "")
    assert done.err == "The database reported an error: pymongo.errors.WriteError [code 121]\n"


@click.command("fail")
def fail() -> None:
    raise ValueError("hunter2")


def test_a_crash_shows_where_it_happened_without_the_exceptions_text(command: Command) -> None:
    taskmgr.cli.commands.add_command(fail)
    try:
        done = command("fail")
    finally:
        del taskmgr.cli.commands.commands["fail"]

    assert done.status == 1
    assert done.err.startswith("Traceback (most recent call last):\n")
    assert done.err.endswith("\nValueError\n")
    assert ", in fail\n" in done.err
