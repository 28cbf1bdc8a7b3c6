"""The calls that the pages show, pasted into a shell against a service that has just been started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.docs.answers import assert_shown
from tests.docs.markdown import read
from tests.docs.session import calls, pasted
from tests.running import Service, serving


@pytest.fixture
def service() -> Iterator[Service]:
    words = ("--bind", "127.0.0.1:0", "--workers", "1")
    with TemporaryDirectory(prefix="tm-") as place, serving(Path(place), *words) as found:
        yield found


def test_the_calls_of_the_pages_answer_what_they_show(service: Service) -> None:
    for page in ("README.md", "docs/api.md"):  # the second goes on where the first has ended
        _compare(page, service)


def _compare(page: str, service: Service) -> None:
    shown = calls(read(page))
    replies = pasted(shown, base=f"http://127.0.0.1:{service.port}", token=service.token)

    for call, reply in zip(shown, replies, strict=True):
        if call.answer is None:
            assert reply.status in (200, 201), call.block.text + reply.out
        else:
            assert reply.status == call.status, call.block.text + reply.out
            assert_shown(page, call.answer, json.loads(reply.out))
