"""`/webhooks`: URLs to which changes are sent, and the deliveries to them."""

from __future__ import annotations

from typing import Any, cast

from taskmgr.api.conditional.versions import etag, expected_version
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.deliveries import AttemptOut, DeliveryListQuery, DeliveryOut
from taskmgr.api.schemas.pages import items_of, page_of
from taskmgr.api.schemas.queries import WriteQuery
from taskmgr.api.schemas.webhooks import (
    NewWebhookOut,
    ReplayIn,
    ReplayOut,
    SecretOut,
    WebhookIn,
    WebhookOut,
    WebhookPatch,
    WebhookRowOut,
)
from taskmgr.api.views.responses import build_page, build_page_request, changed
from taskmgr.domain.model.commands import WebhookChanges
from taskmgr.domain.model.token import Scope

ADMIN, READ = Scope.ADMIN, Scope.TASKS_READ

webhooks = Blueprint(
    "webhooks", __name__, url_prefix="/api/v1/webhooks", description="Changes sent to other services"
)

Webhooks = items_of(WebhookRowOut, "Webhooks")
DeliveryPage = page_of(DeliveryOut, "DeliveryPage")


@webhooks.get("")
@requires_scopes(ADMIN, READ)
@webhooks.response(200, Webhooks)
def list_webhooks() -> Any:
    """List the webhooks, oldest first"""
    return services().webhooks.list(by=actor())


@webhooks.post("")
@requires_scopes(ADMIN, READ)
@webhooks.body(WebhookIn)
@webhooks.response(201, NewWebhookOut)
def create_webhook(body: dict[str, Any]) -> Any:
    """Create a webhook

    Only this response shows its secret. It gets the changes from now on that its creator may see with the
    token in use.
    """
    new = services().webhooks.create(**body, by=actor())
    return new, {"Location": f"/api/v1/webhooks/{new.webhook.id}", **etag(new.webhook)}


@webhooks.get("/<webhook_id>")
@requires_scopes(ADMIN, READ)
@webhooks.response(200, WebhookOut)
def get_webhook(webhook_id: str) -> Any:
    """Get a webhook

    The list also shows how far each webhook has come.
    """
    webhook = services().webhooks.get(webhook_id, by=actor())
    return webhook, etag(webhook)


@webhooks.patch("/<webhook_id>")
@requires_scopes(ADMIN, READ)
@webhooks.query(WriteQuery)
@webhooks.body(WebhookPatch)
@webhooks.response(200, WebhookOut)
def change_webhook(params: dict[str, Any], body: dict[str, Any], webhook_id: str) -> Any:
    """Change a webhook

    `active: true` enables it again after the service has disabled it.
    """
    version = expected_version(body.pop("version", None))
    changes = cast("WebhookChanges", body)
    webhook = services().webhooks.change(webhook_id, changes, by=actor(), version=version, **params)
    return changed(webhook, **params)


@webhooks.delete("/<webhook_id>")
@requires_scopes(ADMIN, READ)
@webhooks.response(204)
def delete_webhook(webhook_id: str) -> None:
    """Delete a webhook"""
    services().webhooks.delete(webhook_id, by=actor())


@webhooks.post("/<webhook_id>/test")
@requires_scopes(ADMIN, READ)
@webhooks.response(200, AttemptOut)
def test_webhook(webhook_id: str) -> Any:
    """Send a test message

    The response says what the receiver answered, within 15 seconds.
    """
    return services().webhooks.test(webhook_id, by=actor())


@webhooks.post("/<webhook_id>/rotate-secret")
@requires_scopes(ADMIN, READ)
@webhooks.response(200, SecretOut)
def rotate_secret(webhook_id: str) -> Any:
    """Replace the secret

    For 24 hours, messages have the signatures of both secrets. Only this response shows the new one.
    """
    return services().webhooks.rotate_secret(webhook_id, by=actor())


@webhooks.get("/<webhook_id>/deliveries")
@requires_scopes(ADMIN, READ)
@webhooks.query(DeliveryListQuery)
@webhooks.response(200, DeliveryPage)
def list_deliveries(params: dict[str, Any], webhook_id: str) -> Any:
    """List the deliveries of the last 30 days, the latest changes first"""
    list_key = ("deliveries", webhook_id, params["state"])
    page_request = build_page_request(params, list_key)
    page = services().webhooks.deliveries(webhook_id, page_request, state=params["state"], by=actor())
    return build_page(page, list_key)


@webhooks.post("/<webhook_id>/deliveries/<delivery_id>/redeliver")
@requires_scopes(ADMIN, READ)
@webhooks.response(202, DeliveryOut)
def redeliver(webhook_id: str, delivery_id: str) -> Any:
    """Send a delivery again

    Its message has the same id as before.
    """
    return services().webhooks.redeliver(webhook_id, delivery_id, by=actor())


@webhooks.post("/<webhook_id>/replay")
@requires_scopes(ADMIN, READ)
@webhooks.body(ReplayIn)
@webhooks.response(202, ReplayOut)
def replay_changes(body: dict[str, Any], webhook_id: str) -> Any:
    """Send changes of the past again

    Any part of the history, also from before the webhook existed. Messages have the same ids as before.
    """
    return services().webhooks.replay(webhook_id, **body, by=actor())
