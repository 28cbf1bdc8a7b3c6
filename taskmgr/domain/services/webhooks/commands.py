"""Manages webhooks. Only admins do, with a token that has the scope `admin`, or in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Unpack

from taskmgr.domain.history.changes import KINDS
from taskmgr.domain.history.differences import difference
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.commands import NewWebhookFields, WebhookChanges
from taskmgr.domain.model.errors import FieldError, Invalid, NotPermitted, required
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.model.webhook import (
    ALL_KINDS,
    ROTATION,
    Attempt,
    Delivery,
    DeliveryState,
    NewSecret,
    NewWebhook,
    Webhook,
    new_delivery,
    parsers,
)
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.outgoing import CallFailed, Outgoing
from taskmgr.domain.ports.store import Store
from taskmgr.domain.ports.webhooks import FormerSecret, Replay, SigningSecrets, StoredWebhook
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.current_rights import (
    require_recent_sign_in,
    touch_rights,
    with_current_rights,
)
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.versions import require_version
from taskmgr.domain.services.webhooks.messages import Messenger, may_see_tasks, secret_text
from taskmgr.domain.services.webhooks.replays import REPLAY_PARSERS, replay_of

_PARSERS = parsers(KINDS)
_DEFAULTS = {"description": "", "kinds": (ALL_KINDS,), "project": None, "active": True}
_SHORTEST = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookService:
    """Manages webhooks and their deliveries."""

    store: Store
    journal: Journal
    outgoing: Outgoing
    secrets: SigningSecrets
    messenger: Messenger
    clock: Clock
    new_id: NewId

    # --- questions

    def list(self, *, by: Actor) -> Sequence[StoredWebhook]:
        """Returns all webhooks with how far they have come, oldest first."""
        _require_right(by)
        return self.store.webhooks.find_all()

    def get(self, webhook_id: str, *, by: Actor) -> Webhook:
        """Returns a webhook. Raises `NotFound`."""
        return self._get(webhook_id, by).webhook

    def _get(self, webhook_id: str, by: Actor) -> StoredWebhook:
        _require_right(by)
        return self.store.webhooks.get(webhook_id)

    def deliveries(
        self,
        webhook_id: str,
        page_request: PageRequest = PageRequest(),
        *,
        state: DeliveryState | None = None,
        by: Actor,
    ) -> Page[Delivery]:
        """Returns a page of the deliveries of the last 30 days, the latest changes first."""
        return self.store.deliveries.find(self.get(webhook_id, by=by).id, page_request, state=state)

    # --- commands

    def create(self, *, by: Actor, **raw: Unpack[NewWebhookFields]) -> NewWebhook:
        """Creates a webhook for the changes from now on, and returns it with its secret. `url` is required.

        Raises `Invalid` for a URL that must not be called. It sees what the actor may see.
        """
        _require_right(by)  # before the host of the URL is looked up
        fields = self._checked(raw)
        if "url" not in fields:
            raise Invalid([required("url")])
        webhook_id, secret = self.new_id(), self.secrets.new()

        def command() -> Webhook:
            now = self.clock()
            actor = self._recently_authorized(by)
            webhook = Webhook(
                id=webhook_id, **{**_DEFAULTS, **fields}, disabled_because=None,
                scopes=None if actor.scopes is None else tuple(sorted(actor.scopes)),
                secret_changed_at=now, created_by=require_actor(by).id, created_at=now, updated_at=now,
                version=1,
            )  # fmt: skip
            touch_rights(self.store, actor)
            position = self.store.feed.head().seq
            self.store.webhooks.add(StoredWebhook(webhook=webhook, secret=secret, position=position))
            self.journal.record("webhook.created", None, webhook, by=by)
            return webhook

        webhook = self.store.unit_of_work.run(command)
        return NewWebhook(webhook, secret_text(self.secrets.reveal(secret)))

    def change(
        self,
        webhook_id: str,
        changes: WebhookChanges,
        *,
        by: Actor,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Webhook:
        """Changes any fields of a webhook in one command. Raises `NotFound`, `Stale` and `Invalid`."""
        _require_right(by)
        fields = self._checked(changes)
        values.parse_options(version=version, dry_run=dry_run)

        def command() -> Webhook:
            actor, before = self._recently_authorized(by), self.store.webhooks.get(webhook_id).webhook
            require_version(before, version)
            after = before.changed(fields, now=time_of_change(self.clock, before))
            if not difference(before, after)[1]:
                return before
            touch_rights(self.store, actor)
            self.store.webhooks.replace(after)
            if after.active and not before.active:  # its receiver has as much time again
                self.store.webhooks.set_failing_since(after.id, None)
            self.journal.record("webhook.changed", before, after, by=by)
            return after

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def rotate_secret(self, webhook_id: str, *, by: Actor) -> NewSecret:
        """Gives a webhook another secret and returns it. For 24 hours, the former one signs as well."""
        _require_right(by)
        secret = self.secrets.new()

        def command() -> datetime:
            actor, stored = self._recently_authorized(by), self.store.webhooks.get(webhook_id)
            before = stored.webhook
            # Later than the secret before, because the log has only what differs.
            now = max(time_of_change(self.clock, before), before.secret_changed_at + _SHORTEST)
            after = before.changed({"secret_changed_at": now}, now=now)
            touch_rights(self.store, actor)
            former = FormerSecret(secret=stored.secret, until=now + ROTATION)
            self.store.webhooks.replace_secret(after, secret, former)
            self.journal.record("webhook.changed", before, after, by=by)
            return former.until

        until = self.store.unit_of_work.run(command)
        return NewSecret(secret_text(self.secrets.reveal(secret)), until)

    def delete(self, webhook_id: str, *, by: Actor) -> Webhook:
        """Deletes a webhook and returns it; nothing more is sent to it."""

        def command() -> Webhook:
            actor, webhook = self._authorized(by), self.store.webhooks.get(webhook_id).webhook
            touch_rights(self.store, actor)
            self.store.webhooks.remove(webhook)
            at = time_of_change(self.clock, webhook)
            self.journal.record_end("webhook.deleted", webhook, at=at, by=by)
            return webhook

        return self.store.unit_of_work.run(command)

    def test(self, webhook_id: str, *, by: Actor) -> Attempt:
        """Sends a test message at once, also to a webhook that is not active, and returns what came of it."""
        return self.messenger.send_test(self._get(webhook_id, by), f"{webhook_id}:test-{self.new_id()}")

    def redeliver(self, webhook_id: str, delivery_id: str, *, by: Actor) -> Delivery:
        """Sends a delivery again, whatever has become of it; its message has the same id as before."""
        webhook = self.get(webhook_id, by=by)
        delivery = self.store.deliveries.get(webhook.id, delivery_id)
        again = new_delivery(webhook.id, delivery.seq, delivery.kind, now=self.clock())
        self.store.deliveries.restart([again])
        return again

    def replay(self, webhook_id: str, *, since: int, until: int | None = None, by: Actor) -> Replay:
        """Sends the entries of the feed after the number `since` again, up to `until` or to the present.

        Entries of the whole history can be sent, also those from before the webhook existed. If another
        replay is still running, both together are replayed.
        """
        parsed = parsing.parse_fields({"since": since, "until": until}, REPLAY_PARSERS)

        def command() -> Replay:
            self._authorized(by)
            stored = self.store.webhooks.get(webhook_id)
            replay = replay_of(stored, **parsed)
            self.store.webhooks.set_replay(stored.webhook.id, stored.replay, replay)
            return replay

        return self.store.unit_of_work.run(command)

    def _authorized(self, by: Actor) -> Actor:
        """Returns the actor with present rights. Raises `NotPermitted` or `Unauthenticated`."""
        actor = with_current_rights(self.store, by, now=self.clock())
        _require_right(actor)
        return actor

    def _recently_authorized(self, by: Actor) -> Actor:
        """Returns the same for what outlasts a session. Raises `RecentSignInRequired`, too."""
        actor = self._authorized(by)
        require_recent_sign_in(actor, now=self.clock())
        return actor

    def _checked(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the parsed fields. Raises `Invalid`, also for an unknown project or a forbidden URL."""
        fields = parsing.parse_fields(raw, _PARSERS)
        errors = []
        if fields.get("project") is not None:
            keys = self.store.projects.find_keys([fields["project"]])
            if fields["project"] not in keys:
                detail = f"There is no project {fields['project']}."
                errors.append(FieldError(location="project", code="unknown_project", detail=detail))
            fields["project"] = keys.get(fields["project"])
        if "url" in fields:
            try:
                self.outgoing.check(fields["url"])
            except CallFailed as error:
                errors.append(FieldError(location="url", code="forbidden_url", detail=str(error)))
        if errors:
            raise Invalid(errors)
        return fields


def _require_right(by: Actor) -> None:
    """Raises `NotPermitted` unless the actor manages webhooks."""
    permissions.require(by, Action.MANAGE_WEBHOOKS)
    if not permissions.manages_webhooks(by):
        raise NotPermitted(f"Webhooks require a token with the scope {Scope.ADMIN.value}.")
    if not may_see_tasks(by):
        raise NotPermitted(f"Webhooks require a token with the scope {Scope.TASKS_READ.value}.")
