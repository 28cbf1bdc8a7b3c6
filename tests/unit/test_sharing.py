"""Concurrent calls share one result, which is never older than the call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import count

import pytest

from taskmgr.infrastructure.mongo.reads.shared_call import SharedCall

PATIENCE = 10.0


class BlockingCall:
    """A call that blocks until it is released, and returns how many calls have begun."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.started = threading.Semaphore(0)
        self.released = threading.Semaphore(0)

    def __call__(self) -> int:
        number = next(self.numbers)
        self.started.release()
        assert self.released.acquire(timeout=PATIENCE)
        return number


@pytest.fixture
def blocking() -> BlockingCall:
    return BlockingCall()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def all_wait(calls: list[Future[int]]) -> None:
    """Gives the calls time to begin waiting, and checks that none returns meanwhile."""
    assert not wait(calls, timeout=0.2).done


def test_calls_one_after_the_other_are_not_shared(blocking: BlockingCall) -> None:
    shared = SharedCall(blocking)
    blocking.released.release(2)

    assert [shared(), shared()] == [1, 2]


def test_calls_during_another_share_the_next_one(blocking: BlockingCall, pool: ThreadPoolExecutor) -> None:
    shared = SharedCall(blocking)
    first = pool.submit(shared)
    assert blocking.started.acquire(timeout=PATIENCE)
    later = [pool.submit(shared) for _ in range(5)]
    all_wait([first, *later])

    blocking.released.release()
    assert first.result(PATIENCE) == 1
    all_wait(later)
    blocking.released.release()

    assert [call.result(PATIENCE) for call in later] == [2] * 5
    assert next(blocking.numbers) == 3


def test_after_a_failed_call_the_next_one_tries_again(pool: ThreadPoolExecutor) -> None:
    failures = iter([True, False])

    def fail_once() -> str:
        if next(failures):
            raise TimeoutError
        return "here"

    shared = SharedCall(fail_once)
    with pytest.raises(TimeoutError):
        shared()

    assert shared() == "here"
