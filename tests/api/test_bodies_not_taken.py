"""Tests that an endpoint without a body rejects one, because it may name a version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.client import Client, mistakes
from tests.api.operations import World


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "tasks/{task}"),
        ("PUT", "tasks/{task}/blocked-by/{other}"),
        ("DELETE", "tasks/{task}/blocked-by/{blocker}"),
        ("GET", "tasks"),
    ],
)
def test_a_body_that_would_be_ignored_is_malformed(
    client: Client, world: World, nothing_changes: Callable[[], Any], method: str, path: str
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        answer = admin.open(method, world.fill(path), {"version": 77})

    assert mistakes(answer, "malformed") == [("body", "malformed")]
