"""`taskmgr tokens`: creates, lists and revokes bearer tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from taskmgr.cli.output import Record, as_json, record, show, show_json, show_table
from taskmgr.cli.services import find_user, open_services
from taskmgr.domain.model.token import Scope

if TYPE_CHECKING:
    from taskmgr.domain.model.user import Actor
    from taskmgr.domain.services import Services

_SCOPES = [scope.value for scope in Scope]
_FIELDS = ("id", "user_id", "name", "scopes", "created_at", "expires_at", "last_used_at")
_COLUMNS = ("id", "user", "name", "scopes", "expires_at", "last_used_at")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Duration(click.ParamType[timedelta]):
    """An option's value such as 12h, 30d or 8w."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        match = re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", value)
        if match is None:
            self.fail(f"{value!r} is not a duration such as 12h, 30d or 8w.", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


@click.group()
def tokens() -> None:
    """Create, list and revoke tokens."""


@tokens.command()
@click.option("--user", "username", metavar="NAME", required=True, help="User that the token belongs to.")
@click.option("--name", default="command line", show_default=True, help="Name of the token.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(_SCOPES),
    help="What the token may be used for; may be given several times.  [default: everything]",
)  # fmt: skip
@click.option("--expires", type=Duration(), help="Lifetime: 12h, 30d or 8w.  [default: unlimited]")
def create(username: str, name: str, scopes: tuple[str, ...], expires: timedelta | None) -> None:
    """Create a token and print it, alone on standard output. It cannot be shown again.

    A token never permits more than its user's role does.
    """
    from taskmgr.domain.model.clock import utc_now

    values: dict[str, Any] = {"name": name}
    if scopes:
        values["scopes"] = scopes
    if expires is not None:
        values["expires_at"] = utc_now() + expires
    with open_services() as (services, by):
        user = find_user(services, username, by=by)
        token = services.tokens.create(by=by, user_id=user.id, **values)
    click.echo(token.text)


@tokens.command("list")
@click.option("--user", "username", metavar="NAME", help="List only the tokens of this user.")
@as_json
def list_tokens(username: str | None, as_json: bool) -> None:
    """List tokens, without their secrets."""
    with open_services() as (services, by):
        records = list(_records(services, username, by))
    if as_json:
        show_json([{name: each[name] for name in _FIELDS} for each in records])
    else:
        show_table(records, _COLUMNS)


def _records(services: Services, username: str | None, by: Actor) -> Iterator[Record]:
    users = [find_user(services, username, by=by)] if username else services.users.iterate(by=by)
    for user in users:
        for token in services.tokens.list(user.id, by=by):
            yield {**record(token, _FIELDS), "user": user.username}


@tokens.command()
@click.argument("token", metavar="ID")
def revoke(token: str) -> None:
    """Revoke a token, given by its ID or by the token itself."""
    with open_services() as (services, by):
        revoked = services.tokens.revoke(token, by=by)
    show(f"Revoked the token {revoked.id}.")
