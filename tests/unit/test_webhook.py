"""Webhooks and deliveries by themselves: values, selected kinds, schedule, and the size of messages."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from taskmgr.domain.history.changes import KINDS, TASK_KINDS
from taskmgr.domain.model.errors import FieldError, Invalid
from taskmgr.domain.model.parsing import parse_fields
from taskmgr.domain.model.webhook import (
    DELAYS,
    Attempt,
    DeliveryState,
    Disabled,
    new_delivery,
    parsers,
    selected_kinds,
)
from taskmgr.domain.services.webhooks.payload import MAX_BYTES, encode
from tests.factories import NOW, a_webhook

PARSERS = parsers(KINDS)
OK, FAILED = Attempt(at=NOW, duration_ms=1, status=204), Attempt(at=NOW, duration_ms=1, error="No.")


def mistake(name: str, value: object) -> FieldError:
    with pytest.raises(Invalid) as caught:
        parse_fields({name: value}, PARSERS)
    (error,) = caught.value.errors
    return error


# --- values


def test_kinds_may_be_single_ones_all_of_an_entity_or_all() -> None:
    kinds = ["task.*", "comment.created", "task.*", "*"]

    assert parse_fields({"kinds": kinds}, PARSERS) == {"kinds": ("task.*", "comment.created", "*")}


@pytest.mark.parametrize(
    ("kinds", "location", "code"),
    [
        ([], "kinds", "blank"),
        ("task.*", "kinds", "wrong_type"),
        (["task.*", "task"], "kinds.1", "not_allowed"),
        (["tasks.*"], "kinds.0", "not_allowed"),
        ([None], "kinds.0", "not_allowed"),
        (["*"] * 2_000, "kinds", "too_many"),
    ],
)
def test_unknown_kinds_are_named(kinds: object, location: str, code: str) -> None:
    error = mistake("kinds", kinds)

    assert (error.location, error.code) == (location, code)


def test_every_kind_can_be_selected() -> None:
    assert parse_fields({"kinds": list(KINDS)}, PARSERS) == {"kinds": KINDS}


@pytest.mark.parametrize(
    ("kinds", "selected"),
    [
        (["*"], None),
        (["task.*", "*"], None),
        (["task.*"], TASK_KINDS),
        (["comment.created"], ("comment.created",)),
        (["comment.created", "user.*"], ("user.created", "user.changed", "comment.created")),
    ],
)
def test_a_selection_is_spelled_out_in_known_kinds(
    kinds: list[str], selected: tuple[str, ...] | None
) -> None:
    assert selected_kinds(kinds, KINDS) == selected


def test_whoever_enables_a_webhook_removes_the_reason_why_it_was_disabled() -> None:
    webhook = a_webhook().disabled(Disabled.GONE, now=NOW)
    enabled = webhook.changed({"active": True}, now=NOW)

    assert (webhook.active, webhook.disabled_because, webhook.version) == (False, Disabled.GONE, 2)
    assert (enabled.active, enabled.disabled_because, enabled.version) == (True, None, 3)
    assert webhook.changed({"description": "x"}, now=NOW).disabled_because is Disabled.GONE


# --- deliveries


DELIVERY = new_delivery("0123456789abcdef01234567", 7, "task.created", now=NOW)


def test_a_delivery_is_due_at_once_and_over_after_a_success() -> None:
    assert (DELIVERY.id, DELIVERY.next_attempt_at) == ("0123456789abcdef01234567:7", NOW)
    done = DELIVERY.after(OK, jitter=0.3)

    assert (done.state, done.attempts, done.next_attempt_at) == (DeliveryState.DELIVERED, 1, None)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_each_failure_waits_longer_plus_at_most_a_fifth(jitter: float) -> None:
    delivery, waits = DELIVERY, []
    while delivery.state is DeliveryState.PENDING:
        delivery = delivery.after(FAILED, jitter=jitter)
        waits.append(delivery.next_attempt_at and delivery.next_attempt_at - NOW)

    assert waits == [*(delay * (1 + 0.2 * jitter) for delay in DELAYS), None]
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, 10)


def test_a_receiver_that_is_gone_is_not_called_again() -> None:
    assert DELIVERY.after(replace(FAILED, status=410), jitter=0).state is DeliveryState.FAILED


@pytest.mark.parametrize(
    ("demanded", "wait"),
    [(timedelta(seconds=1), DELAYS[0]), (timedelta(hours=1),) * 2, (timedelta(days=9), timedelta(hours=24))],
)
def test_a_demanded_wait_counts_if_it_is_longer_and_at_most_a_day(
    demanded: timedelta, wait: timedelta
) -> None:
    delivery = DELIVERY.after(replace(FAILED, status=503, retry_after=NOW + demanded), jitter=0)

    assert delivery.next_attempt_at == NOW + wait


# --- the size of messages


def test_as_few_texts_as_possible_are_left_out_the_longest_first() -> None:
    change = {
        "before": {"description": "a" * 9_000},
        "after": {"description": "b" * 11_000, "title": "x" * 200},
    }
    body = encode({"type": "task.edited", "data": {"change": change, "task": {"description": "b" * 10_000}}})
    data = json.loads(body)["data"]

    assert len(body) < MAX_BYTES
    assert data["left_out"] == ["change.after.description"]
    assert data["change"]["after"] == {"title": "x" * 200}


def test_a_message_of_less_than_20_kb_is_whole() -> None:
    message = {"type": "x", "data": {"text": "é" * 9_900}}

    assert json.loads(encode(message)) == message


def test_the_limit_counts_bytes() -> None:
    assert "left_out" in json.loads(encode({"type": "x", "data": {"text": "é" * 10_000}}))["data"]
