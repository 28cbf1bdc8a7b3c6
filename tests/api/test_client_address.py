"""Tests which address the log shows: that of the connection, or the one that trusted proxies report."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import structlog.testing

from taskmgr.settings import Settings
from tests.api.client import Client

FORWARDED = "203.0.113.9, 198.51.100.7, 192.0.2.3"
OWN = "127.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "header", "client"),
    [
        (0, FORWARDED, OWN),
        (1, FORWARDED, "192.0.2.3"),
        (2, FORWARDED, "198.51.100.7"),
        (4, FORWARDED, OWN),  # one that has passed fewer proxies has not come through them
        (1, None, OWN),
    ],
)
def test_the_client_address_is_the_one_reported_by_trusted_proxies(
    proxies: int, header: str | None, client: str, client_of: Callable[..., Client]
) -> None:
    caller = client_of(Settings(trusted_proxies=proxies))

    with structlog.testing.capture_logs() as lines:
        caller.get("/healthz", headers={} if header is None else {"X-Forwarded-For": header})

    assert [line["client"] for line in lines] == [client]


@pytest.mark.parametrize("proxies", [0, 1])
def test_a_proxy_says_neither_which_host_nor_which_path_it_is(
    proxies: int, client_of: Callable[..., Client]
) -> None:
    caller = client_of(Settings(rate_limit=0, trusted_proxies=proxies)).as_("member")
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil", "Host": "evil.example"}

    made = caller.post("tasks", {"title": "x"}, headers=headers)

    assert made.headers["Location"] == f"/api/v1/tasks/{made.json['id']}"
