"""`taskmgr tokens`: bearer tokens for people and programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from taskmgr.cli import access
from taskmgr.cli.output import Record, as_json, record, show_json, show_table
from taskmgr.domain.model.token import Scope

if TYPE_CHECKING:
    from taskmgr.domain.model.user import Actor
    from taskmgr.domain.services import Services

SCOPES = [scope.value for scope in Scope]
FIELDS = ("id", "user_id", "name", "scopes", "created_at", "expires_at", "last_used_at")
_COLUMNS = ("id", "user", "name", "scopes", "expires_at", "last_used_at")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Span(click.ParamType[timedelta]):
    """A span of time such as 12h, 30d or 8w."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", value)
        if found is None:
            self.fail(f"{value!r} is no span: write 12h, 30d or 8w.", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


@click.group()
def tokens() -> None:
    """Create, list and revoke tokens."""


@tokens.command()
@click.option("--user", "username", metavar="NAME", required=True, help="Who the token speaks for.")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="How far it goes; repeat it."
)
@click.option("--expires", type=Span(), help="After 12h, 30d or 8w; never by default.")
def create(username: str, name: str, scopes: tuple[str, ...], expires: timedelta | None) -> None:
    """Make a token and print it, this once, alone on standard output.

    Without --scope it goes as far as its user's role.
    """
    from taskmgr.domain.model.clock import utc_now

    given: dict[str, Any] = {"name": name}
    if scopes:
        given["scopes"] = scopes
    if expires is not None:
        given["expires_at"] = utc_now() + expires
    with access.services() as (services, by):
        owner = access.user_named(services, username, by=by)
        made = services.tokens.create(by=by, user_id=owner.id, **given)
    click.echo(made.text)


@tokens.command("list")
@click.option("--user", "username", metavar="NAME", help="Only this user's tokens.")
@as_json
def list_tokens(username: str | None, as_json: bool) -> None:
    """List tokens, without their secrets."""
    with access.services() as (services, by):
        records = list(_records(services, username, by))
    if as_json:
        show_json([{name: each[name] for name in FIELDS} for each in records])
    else:
        show_table(records, _COLUMNS)


def _records(services: Services, username: str | None, by: Actor) -> Iterator[Record]:
    named = username and access.user_named(services, username, by=by)
    for user in [named] if named else services.users.iterate(by=by):
        for token in services.tokens.list(user.id, by=by):
            yield {**record(token, FIELDS), "user": user.username}


@tokens.command()
@click.argument("token", metavar="ID")
def revoke(token: str) -> None:
    """Make a token worthless, named by its id or by the token itself."""
    with access.services() as (services, by):
        revoked = services.tokens.revoke(token, by=by)
    click.echo(f"The token {revoked.id} is revoked.")
