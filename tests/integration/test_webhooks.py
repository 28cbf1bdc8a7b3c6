"""Webhooks on MongoDB: how they are managed, and what is delivered, to real receivers."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from pymongo.database import Database
from standardwebhooks.webhooks import Webhook as Judge
from standardwebhooks.webhooks import WebhookVerificationError

from taskmgr.api.app import create_app
from taskmgr.background.jobs import build_jobs
from taskmgr.background.webhooks import WebhookJob
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.model.errors import Invalid, NotFound, NotPermitted
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.model.webhook import DELAYS, MAX_FAILING, DeliveryState, Disabled, new_delivery
from taskmgr.domain.ports.outgoing import Reply
from taskmgr.domain.ports.store import Store
from taskmgr.domain.ports.webhooks import StoredWebhook
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.outside.client import GuardedClient
from taskmgr.settings import Settings
from tests.api.client import Client
from tests.factories import SYSTEM, Clock, a_webhook
from tests.feeds import fill_feed
from tests.forbidden_urls import FORBIDDEN
from tests.outside import OK, Machine, ManyReceivers, accepting, listening
from tests.running import PATIENCE, wait_until

PORTS = range(1, 65_536)
HERE = GuardedClient(networks=[ip_network("127.0.0.1/32")], ports=PORTS, seconds=5.0)
KEY = "the secret key of these tests, which is long enough"


@pytest.fixture
def clock() -> Clock:
    """Begins now, because the judge refuses old timestamps."""
    return Clock(utc_now())


@pytest.fixture
def services(store: Store, clock: Clock) -> Services:
    return build_services(store, clock=clock, outgoing=HERE, secret_key=lambda: KEY)


@dataclass
class Delivering:
    """Follows the feed for the webhooks, one step after the other, until nothing is left to do."""

    services: Services
    database: Database[Any]
    uri: str

    def __post_init__(self) -> None:
        (self.job,) = (job for job in build_jobs(self.services, Settings()) if isinstance(job, WebhookJob))

    def __call__(self) -> None:
        fill_feed(self.uri, self.database)
        while self.job.step() == 0:
            pass


@pytest.fixture
def deliver(services: Services, database: Database[Any], mongodb_uri: str) -> Delivering:
    return Delivering(services, database, mongodb_uri)


def verified(machine: Machine, secret: str) -> list[dict[str, Any]]:
    """The messages that a receiver got, each verified by the judge."""
    return [_verified(request, secret) for request in machine.requests]


def _verified(request: bytes, secret: str) -> dict[str, Any]:
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
    Judge(secret).verify(body, headers)
    return {"id": headers["webhook-id"], **json.loads(body)}


def states(services: Services, webhook_id: str) -> list[tuple[str, int, int]]:
    """The deliveries, oldest first: state, number of attempts, status of the last answer."""
    page = services.webhooks.deliveries(webhook_id, PageRequest(limit=200), by=SYSTEM)
    return [
        (each.state.value, each.attempts, (each.last_attempt and each.last_attempt.status) or 0)
        for each in reversed(page.items)
    ]


# --- delivering


def test_each_change_from_now_on_is_delivered_once_and_signed(
    services: Services, deliver: Delivering, database: Database[Any]
) -> None:
    services.tasks.create(title="Before", by=SYSTEM)
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), by=SYSTEM)
        task = services.tasks.create(title="After", by=SYSTEM)
        services.tasks.change(task.id, {"title": "Later"}, by=SYSTEM)
        for _ in range(3):
            deliver()

    messages = verified(machine, new.secret)
    assert sorted(message["type"] for message in messages) == [
        "task.created",
        "task.edited",
        "webhook.created",
    ]
    assert sorted(message["seq"] for message in messages) == [2, 3, 4]
    assert {message["id"] for message in messages} == {f"{new.webhook.id}:{seq}" for seq in (2, 3, 4)}
    assert states(services, new.webhook.id) == [("delivered", 1, 200)] * 3
    with pytest.raises(WebhookVerificationError):
        verified(machine, services.webhooks.create(url=machine.url(), by=SYSTEM).secret)


def test_the_message_shows_the_entry_and_the_entity_as_the_api_does(
    services: Services, deliver: Delivering
) -> None:
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["*"], by=SYSTEM)
        user = services.users.create(username="ada", name="Ada", email="ada@example.org", by=SYSTEM)
        project = services.projects.create(key="OPS", name="Ops", by=SYSTEM)
        task = services.tasks.create(title="Größe", project="OPS", due_date="2027-01-31", by=SYSTEM)
        comment = services.comments.create(task.id, text="Soon.", by=SYSTEM)
        deliver()
    data = {message["type"]: message["data"] for message in verified(machine, new.secret)}

    app = create_app(services, Settings(rate_limit=0), secret_key=KEY)
    api = Client(app, services).as_("admin")
    entries = {entry["kind"]: entry for entry in api.get("activity").json["items"]}
    for kind, path in {
        "user.created": f"users/{user.id}",
        "project.created": f"projects/{project.id}",
        "task.created": f"tasks/{task.id}",
        "comment.created": f"tasks/{task.id}/comments/{comment.id}",
    }.items():
        assert data[kind]["change"] == entries[kind]
        assert data[kind][kind.partition(".")[0]] == api.get(path).json
    assert data["webhook.created"].keys() == {"change"}


def test_what_does_not_exist_any_more_is_null_and_a_task_in_the_bin_is_shown(
    services: Services, deliver: Delivering
) -> None:
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*", "comment.*"], by=SYSTEM)
        task = services.tasks.create(title="x", by=SYSTEM)
        comment = services.comments.create(task.id, text="Soon.", by=SYSTEM)
        services.comments.delete(task.id, comment.id, by=SYSTEM)
        services.tasks.bin(task.id, by=SYSTEM)
        deliver()
    data = {message["type"]: message["data"] for message in verified(machine, new.secret)}

    assert data["comment.created"]["comment"] is None
    assert data["comment.created"]["change"]["after"]["text"] == "Soon."
    assert data["task.binned"]["task"]["deleted_at"] is not None


def test_a_message_is_shorter_than_20_kb_and_names_the_texts_that_it_leaves_out(
    services: Services, deliver: Delivering
) -> None:
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        task = services.tasks.create(title="x", description="é" * 20_000, by=SYSTEM)
        services.tasks.change(task.id, {"description": "短" * 20_000}, by=SYSTEM)
        services.tasks.change(task.id, {"description": "Short."}, by=SYSTEM)
        deliver()
    bodies = [request.partition(b"\r\n\r\n")[2] for request in machine.requests]
    data = {message["seq"]: message["data"] for message in verified(machine, new.secret)}

    assert max(map(len, bodies)) < 20_000
    assert [data[seq].get("left_out") for seq in sorted(data)] == [
        ["change.after.description"],
        ["change.after.description", "change.before.description"],
        ["change.before.description"],
    ]
    assert "description" not in data[min(data)]["change"]["after"]
    assert data[min(data)]["task"]["description"] == "Short."


def test_only_the_selected_kinds_and_the_project_are_delivered(
    services: Services, deliver: Delivering
) -> None:
    services.projects.create(key="OPS", name="Ops", by=SYSTEM)
    deliver()
    with listening() as machine, listening() as other:
        selected = {"kinds": ["task.created", "comment.*"], "project": "ops"}
        services.webhooks.create(url=machine.url(), by=SYSTEM, **selected)
        services.webhooks.create(url=other.url(), active=False, by=SYSTEM)
        task = services.tasks.create(title="x", project="OPS", by=SYSTEM)
        services.tasks.change(task.id, {"title": "y"}, by=SYSTEM)
        services.comments.create(task.id, text="z", by=SYSTEM)
        services.tasks.create(title="elsewhere", by=SYSTEM)
        deliver()
    kinds = sorted(json.loads(request.partition(b"\r\n\r\n")[2])["type"] for request in machine.requests)

    assert kinds == ["comment.created", "task.created"]
    assert other.requests == []


def test_a_webhook_sees_no_more_than_its_creator_with_their_token(
    services: Services, deliver: Delivering, make_user: Callable[..., User]
) -> None:
    admin = make_user("admin", role=Role.ADMIN)
    token = services.tokens.create(user_id=admin.id, name="x", scopes=["admin", "tasks:read"], by=SYSTEM)
    identity = services.tokens.identify(token.text)
    assert identity is not None
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), by=identity.actor)
        make_user("ada", email="ada@example.org")
        services.tasks.create(title="x", by=SYSTEM)
        deliver()
        kinds = sorted(message["type"] for message in verified(machine, new.secret))
        assert kinds == ["task.created", "webhook.created"]

        # A demoted creator sees what their role may: neither webhooks nor other people's tokens.
        make_user("other", role=Role.ADMIN)
        services.users.change(admin.id, {"role": "member"}, by=SYSTEM)
        services.webhooks.change(new.webhook.id, {"description": "x"}, by=SYSTEM)
        services.tasks.create(title="y", by=SYSTEM)
        deliver()
        assert [message["type"] for message in verified(machine, new.secret)[2:]] == ["task.created"]

        services.users.change(admin.id, {"active": False}, by=SYSTEM)
        services.tasks.create(title="z", by=SYSTEM)
        deliver()
        assert len(machine.requests) == 3
    webhook = services.webhooks.get(new.webhook.id, by=SYSTEM)
    assert (webhook.active, webhook.disabled_because) == (False, Disabled.CREATOR_INACTIVE)


def test_after_a_restored_backup_a_webhook_goes_on_from_the_end_of_the_shorter_feed(
    services: Services, deliver: Delivering, database: Database[Any]
) -> None:
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        services.tasks.create(title="x", by=SYSTEM)
        for number in range(5):  # skipped, because the webhook is not for them
            services.users.create(username=f"user{number}", name="x", by=SYSTEM)
        deliver()
        assert len(machine.requests) == 1

        # The feed of the backup ends after the webhook's creation, but the webhook's position is later.
        kept = database["feed"].find_one({"_id": 1})["entry"]
        database["feed"].delete_many({"_id": {"$gt": 1}})
        database["activity"].delete_many({"_id": {"$ne": kept}})
        database["deliveries"].delete_many({})
        deliver()
        services.tasks.create(title="after the backup", by=SYSTEM)
        deliver()
    seqs = [message["seq"] for message in verified(machine, new.secret)]

    assert seqs == [2, 2]


# --- failures


def answering(status: int, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} x\r\n{headers}Content-Length: 4\r\n\r\nbody".encode()


def test_a_failed_delivery_is_attempted_again_by_the_schedule_until_it_has_failed(
    services: Services, deliver: Delivering, clock: Clock
) -> None:
    deliver()
    with listening(answering(500)) as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        services.tasks.create(title="x", by=SYSTEM)
        deliver()
        for number, delay in enumerate(DELAYS, start=1):
            (delivery,) = services.webhooks.deliveries(new.webhook.id, by=SYSTEM).items
            assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, number)
            assert delivery.next_attempt_at is not None
            assert delay <= delivery.next_attempt_at - clock.now <= 1.21 * delay
            clock.now = delivery.next_attempt_at - timedelta(milliseconds=1)
            deliver()
            assert len(machine.requests) == number
            clock.advance(milliseconds=1)
            deliver()
    (delivery,) = services.webhooks.deliveries(new.webhook.id, by=SYSTEM).items

    assert (delivery.state, delivery.attempts, delivery.next_attempt_at) == (DeliveryState.FAILED, 10, None)
    assert delivery.last_attempt is not None
    assert (delivery.last_attempt.status, delivery.last_attempt.response) == (500, "body")
    assert len({_header(request, "webhook-id") for request in machine.requests}) == 1
    assert len({_header(request, "webhook-timestamp") for request in machine.requests}) == 10


def _header(request: bytes, name: str) -> str:
    return next(line.partition(": ")[2] for line in request.decode().splitlines() if line.startswith(name))


@pytest.mark.parametrize(("demanded", "expected"), [("3600", 3600), ("1", 5), ("999999", 86_400)])
def test_a_receiver_can_demand_a_longer_wait(
    services: Services, deliver: Delivering, clock: Clock, demanded: str, expected: int
) -> None:
    deliver()
    with listening(answering(503, f"Retry-After: {demanded}\r\n")) as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        services.tasks.create(title="x", by=SYSTEM)
        deliver()
    (delivery,) = services.webhooks.deliveries(new.webhook.id, by=SYSTEM).items

    assert delivery.next_attempt_at is not None
    assert expected <= (delivery.next_attempt_at - clock.now).total_seconds() <= expected + 1.1


@pytest.mark.parametrize("status", [301, 307, 404])
def test_whatever_is_not_a_success_is_a_failure(services: Services, deliver: Delivering, status: int) -> None:
    deliver()
    with (
        listening() as elsewhere,
        listening(answering(status, f"Location: {elsewhere.url()}\r\n")) as machine,
    ):
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        services.tasks.create(title="x", by=SYSTEM)
        deliver()

    assert states(services, new.webhook.id) == [("pending", 1, status)]
    assert elsewhere.connections == 0


def test_an_error_of_our_own_is_a_failed_attempt_and_holds_up_nothing_else(
    store: Store, database: Database[Any], mongodb_uri: str, clock: Clock
) -> None:
    class Broken(ManyReceivers):
        def post(self, url: str, _body: bytes, _headers: Mapping[str, str]) -> Reply:
            if "broken" in url:
                raise ZeroDivisionError
            return super().post(url, _body, _headers)

    services = build_services(store, clock=clock, outgoing=Broken(), secret_key=lambda: KEY)
    deliver = Delivering(services, database, mongodb_uri)
    webhooks = [
        services.webhooks.create(url=f"https://{host}.example.org/", kinds=["task.*"], by=SYSTEM).webhook
        for host in ("broken", "working")
    ]
    services.tasks.create(title="x", by=SYSTEM)
    deliver()

    assert [states(services, webhook.id) for webhook in webhooks] == [
        [("pending", 1, 0)],
        [("delivered", 1, 200)],
    ]


def test_a_receiver_that_is_gone_disables_its_webhook_at_once(
    services: Services, deliver: Delivering
) -> None:
    deliver()
    with listening(answering(410)) as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        services.tasks.create(title="x", by=SYSTEM)
        deliver()
        services.tasks.create(title="y", by=SYSTEM)
        deliver()

    webhook = services.webhooks.get(new.webhook.id, by=SYSTEM)
    assert len(machine.requests) == 1
    assert (webhook.active, webhook.disabled_because) == (False, Disabled.GONE)
    (entry,) = services.activity.list(ActivityQuery(kinds=("webhook.changed",)), by=SYSTEM).items
    assert entry.by == "system:webhooks"
    assert dict(entry.after) == {"active": False, "disabled_because": "gone"}


def test_after_five_days_of_failures_only_a_webhook_is_disabled_until_it_is_enabled_again(
    services: Services, deliver: Delivering, clock: Clock
) -> None:
    deliver()
    with listening(answering(500)) as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        for _ in range(5):
            services.tasks.create(title="x", by=SYSTEM)
            deliver()
            clock.advance(hours=23)
            assert services.webhooks.get(new.webhook.id, by=SYSTEM).active
        clock.advance(hours=6)
        services.tasks.create(title="x", by=SYSTEM)
        deliver()
        webhook = services.webhooks.get(new.webhook.id, by=SYSTEM)
        assert clock.now - webhook.created_at >= MAX_FAILING
        assert (webhook.active, webhook.disabled_because) == (False, Disabled.FAILING)
        port = machine.port

    services.tasks.create(title="while it is disabled", by=SYSTEM)
    deliver()
    with listening(port=port) as machine:
        deliver()
        assert machine.requests == []
        services.webhooks.change(new.webhook.id, {"active": True}, by=SYSTEM)
        clock.advance(hours=30)
        deliver()
    assert services.webhooks.get(new.webhook.id, by=SYSTEM).active
    assert {state for state, *_ in states(services, new.webhook.id)} == {"delivered"}
    assert len(states(services, new.webhook.id)) == 7


def test_one_success_begins_the_five_days_anew(
    services: Services, deliver: Delivering, database: Database[Any], clock: Clock
) -> None:
    deliver()
    answers = iter([500, 200, 500, 500])
    with listening(lambda connection: connection.sendall(answering(next(answers)))) as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["user.*"], by=SYSTEM)
        for number, days in enumerate((0, 3, 3, 0)):
            services.users.create(username=f"user{number}", name="x", by=SYSTEM)
            deliver()
            database["deliveries"].delete_many({"state": "pending"})  # so that each has one attempt
            clock.advance(days=days)

    assert len(machine.requests) == 4
    assert services.webhooks.get(new.webhook.id, by=SYSTEM).active


# --- what people do


def test_a_rotated_secret_signs_at_once_and_the_former_one_for_a_day(
    services: Services, deliver: Delivering, clock: Clock
) -> None:
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        rotated = services.webhooks.rotate_secret(new.webhook.id, by=SYSTEM)
        services.tasks.create(title="x", by=SYSTEM)
        deliver()
        assert len(verified(machine, new.secret)) == len(verified(machine, rotated.secret)) == 1
        assert rotated.former_until == clock.now + timedelta(hours=24, milliseconds=1)

        clock.advance(hours=24, milliseconds=1)
        attempt = services.webhooks.test(new.webhook.id, by=SYSTEM)
    assert attempt.is_success
    assert len(_header(machine.requests[1], "webhook-signature").split()) == 1
    (entry,) = services.activity.list(ActivityQuery(kinds=("webhook.changed",)), by=SYSTEM).items
    assert list(entry.after) == ["secret_changed_at"]


def test_a_test_message_is_signed_and_reported_and_is_no_delivery(services: Services) -> None:
    with listening(answering(401)) as machine:
        new = services.webhooks.create(url=machine.url(), active=False, by=SYSTEM)
        attempt = services.webhooks.test(new.webhook.id, by=SYSTEM)
    (message,) = verified(machine, new.secret)

    assert (attempt.status, attempt.response, attempt.is_success) == (401, "body", False)
    assert (message["type"], message["seq"], message["data"]) == ("webhook.test", None, {})
    assert services.webhooks.deliveries(new.webhook.id, by=SYSTEM).items == []
    assert services.webhooks.test(new.webhook.id, by=SYSTEM).error == (
        "The connection failed: Connection refused."
    )


def test_a_delivery_is_sent_again_with_the_same_id(services: Services, deliver: Delivering) -> None:
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        services.tasks.create(title="x", by=SYSTEM)
        deliver()
        (delivery,) = services.webhooks.deliveries(new.webhook.id, by=SYSTEM).items
        services.webhooks.redeliver(new.webhook.id, delivery.id, by=SYSTEM)
        deliver()
    first, second = verified(machine, new.secret)

    assert first["id"] == second["id"] == delivery.id
    with pytest.raises(NotFound):
        services.webhooks.redeliver(new.webhook.id, "unknown", by=SYSTEM)
    other = services.webhooks.create(url=machine.url(), by=SYSTEM).webhook
    with pytest.raises(NotFound):
        services.webhooks.redeliver(other.id, delivery.id, by=SYSTEM)


def test_any_part_of_the_history_can_be_replayed_also_from_before_the_webhook(
    services: Services, deliver: Delivering
) -> None:
    for number in range(250):  # more than one part
        services.tasks.create(title=f"{number}", by=SYSTEM)
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        services.webhooks.replay(new.webhook.id, since=10, until=240, by=SYSTEM)
        services.tasks.create(title="new", by=SYSTEM)
        deliver()
        seqs = sorted(message["seq"] for message in verified(machine, new.secret))
        assert seqs == [*range(11, 241), 252]
        (stored,) = services.webhooks.list(by=SYSTEM)
        assert (stored.replay, stored.position) == (None, 252)

        services.webhooks.replay(new.webhook.id, since=238, by=SYSTEM)
        deliver()
    again = sorted(message["seq"] for message in verified(machine, new.secret)[231:])
    assert again == [*range(239, 251), 252]
    with pytest.raises(Invalid, match="since"):
        services.webhooks.replay(new.webhook.id, since=252, by=SYSTEM)


def test_a_deleted_webhook_gets_nothing_more(services: Services, deliver: Delivering) -> None:
    deliver()
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), by=SYSTEM)
        services.webhooks.delete(new.webhook.id, by=SYSTEM)
        services.tasks.create(title="x", by=SYSTEM)
        deliver()

    assert machine.requests == []
    with pytest.raises(NotFound):
        services.webhooks.get(new.webhook.id, by=SYSTEM)
    (entry,) = services.activity.list(ActivityQuery(kinds=("webhook.deleted",)), by=SYSTEM).items
    assert (entry.before["url"], dict(entry.after)) == (machine.url(), {})


# --- rights and secrets


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.MANAGER])
def test_only_admins_manage_webhooks(services: Services, make_user: Callable[..., User], role: Role) -> None:
    by = Actor.of(make_user("somebody", role=role))
    with listening() as machine, pytest.raises(NotPermitted, match="Only an admin may manage webhooks"):
        services.webhooks.create(url=machine.url(), by=by)


def test_nothing_is_looked_up_for_who_may_not_manage_webhooks(services: Services, manager: Actor) -> None:
    with pytest.raises(NotPermitted):  # and not what is wrong with the URL
        services.webhooks.create(url="http://10.0.0.1/", by=manager)
    with pytest.raises(NotPermitted):
        services.webhooks.change("0" * 24, {"url": "http://10.0.0.1/"}, by=manager)


def test_the_log_of_webhooks_is_hidden_from_everybody_else(
    services: Services, manager: Actor, admin: Actor
) -> None:
    with listening() as machine:
        services.webhooks.create(url=machine.url(), by=SYSTEM)

    def kinds(by: Actor) -> set[str]:
        return {entry.kind for entry in services.activity.list(by=by).items}

    assert "webhook.created" not in kinds(manager)
    assert "webhook.created" in kinds(admin)


def test_no_secret_is_stored(services: Services, database: Database[Any]) -> None:
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), by=SYSTEM)
        rotated = services.webhooks.rotate_secret(new.webhook.id, by=SYSTEM)
    stored = repr([list(database[name].find()) for name in database.list_collection_names()])

    for shown in (new.secret, rotated.secret):
        plain = shown.removeprefix("whsec_")
        assert plain not in stored
        assert repr(base64.b64decode(plain))[2:-1] not in stored
        assert shown not in repr([new, rotated])


def test_another_secret_key_is_reported_instead_of_signed_with(
    services: Services, store: Store, clock: Clock
) -> None:
    others = build_services(store, clock=clock, outgoing=HERE, secret_key=lambda: "another key " * 3)
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), by=SYSTEM)
        attempt = others.webhooks.test(new.webhook.id, by=SYSTEM)
        assert attempt.error is not None
        assert "TASKMGR_SECRET_KEY has changed" in attempt.error
        assert machine.connections == 0
        rotated = others.webhooks.rotate_secret(new.webhook.id, by=SYSTEM)
        clock.advance(hours=24, milliseconds=1)
        assert others.webhooks.test(new.webhook.id, by=SYSTEM).is_success
    assert rotated.secret != new.secret
    assert len(_header(machine.requests[0], "webhook-signature").split()) == 1


# --- forbidden URLs


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://127.0.0.9/", "http://[::1]/", "http://127.1/"])
def test_a_forbidden_url_is_refused_when_it_is_stored_and_changed(services: Services, url: str) -> None:
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), by=SYSTEM)
    for attempt in (
        lambda: services.webhooks.create(url=url, by=SYSTEM),
        lambda: services.webhooks.change(new.webhook.id, {"url": url}, by=SYSTEM),
    ):
        with pytest.raises(Invalid) as caught:
            attempt()
        assert [(error.location, error.code) for error in caught.value.errors] == [("url", "forbidden_url")]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_url_that_became_forbidden_is_refused_when_it_is_tested_and_delivered(
    services: Services, store: Store, deliver: Delivering, clock: Clock, url: str
) -> None:
    """It may have been stored by a service with other settings."""
    webhook = a_webhook(url=url or "x", created_by=SYSTEM.id)
    secret = services.webhooks.secrets.new()
    store.webhooks.add(StoredWebhook(webhook=webhook, secret=secret, position=0))
    store.deliveries.add([new_delivery(webhook.id, 1, "task.created", now=clock.now)])
    services.tasks.create(title="x", by=SYSTEM)
    deliver()
    (delivery,) = services.webhooks.deliveries(webhook.id, by=SYSTEM).items
    tested = services.webhooks.test(webhook.id, by=SYSTEM)

    assert delivery.last_attempt is not None
    assert delivery.attempts == 1
    assert delivery.last_attempt.error == tested.error
    assert tested.status is None
    assert tested.error


def test_what_is_being_sent_when_the_work_ends_is_recorded(
    services: Services, deliver: Delivering, database: Database[Any]
) -> None:
    deliver()
    may_end = threading.Event()
    with listening(lambda connection: (may_end.wait(), connection.sendall(OK))) as machine:
        webhook = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM).webhook
        services.tasks.create(title="Plan", by=SYSTEM)
        fill_feed(deliver.uri, database)
        assert wait_until(lambda: deliver.job.step() == 0 and machine.requests)
        assert states(services, webhook.id) == [("pending", 0, 0)]

        threading.Timer(0.5, may_end.set).start()  # while the job waits for the call
        deliver.job.close()

    assert states(services, webhook.id) == [("delivered", 1, 200)]


# --- fairness


def test_a_dead_receiver_holds_up_nobody(
    store: Store, clock: Clock, database: Database[Any], mongodb_uri: str
) -> None:
    patient, may_end = replace(HERE, seconds=PATIENCE), threading.Event()
    services = build_services(store, clock=clock, outgoing=patient, secret_key=lambda: KEY)
    deliver = Delivering(services, database, mongodb_uri)
    deliver()
    with accepting(lambda _connection: may_end.wait()) as dead, listening() as alive:
        for _ in range(20):  # twenty times as many calls as there are in all, if each got four
            services.webhooks.create(url=dead.url(), kinds=["task.*"], by=SYSTEM)
        new = services.webhooks.create(url=alive.url(), kinds=["task.*"], by=SYSTEM)
        for number in range(30):
            services.tasks.create(title=f"{number}", by=SYSTEM)
        fill_feed(deliver.uri, database)

        def all_arrived() -> bool:
            deliver.job.step()
            return len(alive.requests) == 30

        # Before the first call of the dead receiver ends.
        assert wait_until(all_arrived, seconds=PATIENCE / 2)
        may_end.set()
        deliver.job.close()

    assert len(verified(alive, new.secret)) == 30


def test_two_processes_at_once_deliver_each_change_once(
    services: Services, deliver: Delivering, database: Database[Any], clock: Clock
) -> None:
    """As after a lost lease: claims and the position keep them apart."""
    deliver()
    rival = build_services(mongo_store(database), clock=clock, outgoing=HERE, secret_key=lambda: KEY)
    jobs = [deliver.job, Delivering(rival, database, deliver.uri).job]
    with listening() as machine:
        new = services.webhooks.create(url=machine.url(), kinds=["task.*"], by=SYSTEM)
        for number in range(60):
            services.tasks.create(title=f"{number}", by=SYSTEM)
        fill_feed(deliver.uri, database)

        def work(job: WebhookJob) -> None:
            while job.step() == 0 or len(machine.requests) < 60:
                pass

        threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    received = Counter(message["id"] for message in verified(machine, new.secret))

    assert len(received) == 60
    assert set(received.values()) == {1}
    assert states(services, new.webhook.id) == [("delivered", 1, 200)] * 60
