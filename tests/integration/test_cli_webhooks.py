"""The commands for webhooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.repositories.webhooks import MongoWebhookRepository
from tests.factories import SYSTEM
from tests.outside import listening
from tests.running import Outcome, Settings, free_port, run_here

Command = Callable[..., Outcome]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def settings(database: Database[Any], mongodb_uri: str, port: int) -> Settings:
    return {
        "MONGODB_URI": mongodb_uri,
        "DATABASE": database.name,
        "SECRET_KEY": "k" * 32,
        "OUTGOING_NETWORKS": "127.0.0.1",
        "OUTGOING_PORTS": str(port),
    }


@pytest.fixture
def command(settings: Settings) -> Command:
    return lambda *words: run_here(settings, *words)


@pytest.fixture
def webhook(command: Command, port: int) -> str:
    """The id of a webhook that the command has added."""
    command("webhooks", "add", f"http://127.0.0.1:{port}/")
    return str(command("webhooks", "list", "--json").json[0]["id"])


def test_the_secret_of_a_new_webhook_is_alone_on_standard_output(command: Command, port: int) -> None:
    url = f"http://127.0.0.1:{port}/"
    words = ("--kind", "task.*", "--kind", "comment.created", "--project", "task", "--description", "x")
    done = command("webhooks", "add", url, *words)

    assert done.status == 0
    assert done.out.startswith("whsec_")
    assert len(done.out.splitlines()) == 1
    (listed,) = command("webhooks", "list", "--json").json
    shown = {name: listed[name] for name in ("url", "kinds", "project", "description", "created_by")}
    assert shown == {
        "url": url, "kinds": ["task.*", "comment.created"], "project": "TASK", "description": "x",
        "created_by": "system:cli",
    }  # fmt: skip
    assert "whsec_" not in command("webhooks", "list").out


def test_a_forbidden_url_is_refused_with_what_is_permitted(command: Command) -> None:
    done = command("webhooks", "add", "http://127.0.0.1:22/")

    assert (done.status, done.out) == (1, "")
    assert "url: The port 22 is not permitted" in done.err


def test_the_test_says_what_the_receiver_answered(command: Command, webhook: str, port: int) -> None:
    with listening(port=port):
        done = command("webhooks", "test", webhook)
        shown = command("webhooks", "test", webhook, "--json")
    failed = command("webhooks", "test", webhook)

    assert done.status == 0
    assert done.out.startswith("The receiver answered 200 after ")
    assert shown.json["response"] == "ok"
    assert (failed.status, failed.out) == (1, "The connection failed: Connection refused.\n")


def test_a_webhook_is_disabled_enabled_rotated_and_removed(
    command: Command, webhook: str, services: Services
) -> None:
    assert command("webhooks", "disable", webhook).out == f"Disabled the webhook {webhook}.\n"
    assert not services.webhooks.get(webhook, by=SYSTEM).active
    assert command("webhooks", "enable", webhook).out == f"Enabled the webhook {webhook}.\n"
    assert services.webhooks.get(webhook, by=SYSTEM).active
    assert command("webhooks", "rotate-secret", webhook).out.startswith("whsec_")
    assert services.webhooks.get(webhook, by=SYSTEM).version == 4
    assert command("webhooks", "remove", webhook).out == f"Removed the webhook {webhook}.\n"
    assert command("webhooks", "list", "--json").json == []
    assert command("webhooks", "remove", webhook).err.startswith("not_found: There is no webhook")


def test_deliveries_are_listed_and_sent_again(
    command: Command, webhook: str, database: Database[Any]
) -> None:
    MongoWebhookRepository(database).advance(webhook, 0, 9)
    replayed = command("webhooks", "replay", webhook, "--since", "3")
    assert (replayed.status, replayed.out) == (0, "The changes 4 to 9 are sent again.\n")
    assert command("webhooks", "list", "--json").json[0]["replay"] == {"since": 3, "until": 9}

    id_ = f"{webhook}:4"
    database["deliveries"].insert_one(
        {"_id": id_, "webhook_id": ObjectId(webhook), "seq": 4,
         "kind": "task.created", "state": "failed", "attempts": 10, "created_at": utc_now(),
         "last_attempt": {"at": utc_now(), "duration_ms": 3, "status": None, "response": "", "error": "No."}}
    )  # fmt: skip
    (listed,) = command("webhooks", "deliveries", webhook, "--state", "failed", "--json").json
    assert (listed["id"], listed["last_attempt"]["error"]) == (id_, "No.")
    assert "No." in command("webhooks", "deliveries", webhook).out
    assert command("webhooks", "redeliver", webhook, id_).out == f"The delivery {id_} is sent again.\n"
    (listed,) = command("webhooks", "deliveries", webhook, "--state", "pending", "--json").json
    assert (listed["attempts"], listed["last_attempt"]) == (0, None)


def test_without_a_secret_key_a_webhook_cannot_be_added(settings: Settings, port: int) -> None:
    without = {name: value for name, value in settings.items() if name != "SECRET_KEY"}
    done = run_here(without, "webhooks", "add", f"http://127.0.0.1:{port}/")

    assert done.status == 1
    assert done.err.startswith("TASKMGR_SECRET_KEY: Must be set")
    assert run_here(without, "webhooks", "list", "--json").json == []
