"""`taskmgr webhooks`: adds, lists, tests and removes webhooks, and sends changes to them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from taskmgr.cli.output import Record, as_json, record, show, show_json, show_table
from taskmgr.cli.services import open_services
from taskmgr.domain.model.webhook import DeliveryState

if TYPE_CHECKING:
    from taskmgr.domain.model.commands import NewWebhookFields, WebhookChanges
    from taskmgr.domain.ports.webhooks import StoredWebhook

_FIELDS = (
    "id", "url", "description", "kinds", "project", "active", "disabled_because", "scopes",
    "secret_changed_at", "created_by", "created_at", "updated_at", "version",
)  # fmt: skip
_COLUMNS = ("id", "url", "kinds", "project", "active", "failing_since")
_DELIVERY = ("id", "seq", "kind", "state", "attempts", "created_at", "next_attempt_at")
_ATTEMPT = ("at", "duration_ms", "status", "response", "error")
_DELIVERY_COLUMNS = ("id", "kind", "state", "attempts", "next_attempt_at", "status", "error")


@click.group()
def webhooks() -> None:
    """Add, list, test and remove webhooks, to which changes are sent."""


@webhooks.command("list")
@as_json
def list_webhooks(as_json: bool) -> None:
    """List all webhooks, oldest first."""
    with open_services() as (services, by):
        records = [_record(each) for each in services.webhooks.list(by=by)]
    if as_json:
        show_json(records)
    else:
        show_table(records, _COLUMNS)


def _record(stored: StoredWebhook) -> Record:
    replay = stored.replay
    return {
        **record(stored.webhook, _FIELDS),
        **record(stored, ("position", "failing_since")),
        "replay": None if replay is None else {"since": replay.after, "until": replay.until},
    }


@webhooks.command()
@click.argument("url")
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND",
    help="Kind of changes, such as task.created or task.*; may be given several times.  [default: all]",
)  # fmt: skip
@click.option("--project", metavar="KEY", help="Only changes of this project.")
@click.option("--description", help="What the webhook is for.")
def add(url: str, kinds: tuple[str, ...], project: str | None, description: str | None) -> None:
    """Add a webhook and print its secret, alone on standard output. It cannot be shown again."""
    fields: NewWebhookFields = {"url": url, "project": project, "description": description}
    if kinds:
        fields["kinds"] = kinds
    with open_services() as (services, by):
        new = services.webhooks.create(**fields, by=by)
    click.echo(f"Added the webhook {new.webhook.id}. Its secret, shown only once:", err=True)
    click.echo(new.secret)


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
def enable(webhook_id: str) -> None:
    """Send changes again, from where the webhook has stopped."""
    _change(webhook_id, {"active": True})
    show(f"Enabled the webhook {webhook_id}.")


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
def disable(webhook_id: str) -> None:
    """Send nothing until the webhook is enabled again."""
    _change(webhook_id, {"active": False})
    show(f"Disabled the webhook {webhook_id}.")


def _change(webhook_id: str, changes: WebhookChanges) -> None:
    with open_services() as (services, by):
        services.webhooks.change(webhook_id, changes, by=by)


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
def remove(webhook_id: str) -> None:
    """Remove a webhook."""
    with open_services() as (services, by):
        services.webhooks.delete(webhook_id, by=by)
    show(f"Removed the webhook {webhook_id}.")


@webhooks.command("rotate-secret")
@click.argument("webhook_id", metavar="ID")
def rotate_secret(webhook_id: str) -> None:
    """Replace the secret and print the new one. For 24 hours, both sign."""
    with open_services() as (services, by):
        new = services.webhooks.rotate_secret(webhook_id, by=by)
    click.echo(new.secret)


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
@as_json
def test(webhook_id: str, as_json: bool) -> None:
    """Send a test message. The exit status is 1 if the receiver does not accept it."""
    with open_services() as (services, by):
        attempt = services.webhooks.test(webhook_id, by=by)
    if as_json:
        show_json(record(attempt, _ATTEMPT))
    else:
        answer = attempt.error or f"The receiver answered {attempt.status} after {attempt.duration_ms} ms."
        show(answer)
    if not attempt.is_success:
        raise SystemExit(1)


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
@click.option(
    "--state", type=click.Choice([state.value for state in DeliveryState]), help="Only in this state."
)
@as_json
def deliveries(webhook_id: str, state: str | None, as_json: bool) -> None:
    """List the latest 200 deliveries of the last 30 days, the latest changes first."""
    from taskmgr.domain.queries.pages import MAX_LIMIT, PageRequest

    selected = None if state is None else DeliveryState(state)
    with open_services() as (services, by):
        request = PageRequest(limit=MAX_LIMIT)
        page = services.webhooks.deliveries(webhook_id, request, state=selected, by=by)
    records = [
        {
            **record(each, _DELIVERY),
            "last_attempt": record(each.last_attempt, _ATTEMPT) if each.last_attempt else None,
        }
        for each in page.items
    ]
    if as_json:
        show_json(records)
    else:
        nothing = dict.fromkeys(_ATTEMPT)
        show_table([{**each, **(each["last_attempt"] or nothing)} for each in records], _DELIVERY_COLUMNS)


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
@click.argument("delivery_id", metavar="DELIVERY")
def redeliver(webhook_id: str, delivery_id: str) -> None:
    """Send a delivery again."""
    with open_services() as (services, by):
        delivery = services.webhooks.redeliver(webhook_id, delivery_id, by=by)
    show(f"The delivery {delivery.id} is sent again.")


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
@click.option("--since", type=int, required=True, help="The number after which changes are sent again.")
@click.option("--until", type=int, help="The number of the last one.  [default: the present]")
def replay(webhook_id: str, since: int, until: int | None) -> None:
    """Send changes of the past again; --since 0 begins with the first of all."""
    with open_services() as (services, by):
        replay = services.webhooks.replay(webhook_id, since=since, until=until, by=by)
    show(f"The changes {replay.after + 1} to {replay.until} are sent again.")
