"""Who asks the same at once shares an answer, which is never older than their asking."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import count

import pytest

from taskmgr.infrastructure.mongo.reads.shared_call import SharedCall

PATIENCE = 10.0


class Oracle:
    """Counts up with each question, and answers it when it is let."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.asked = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def __call__(self) -> int:
        number = next(self.numbers)
        self.asked.release()
        assert self.let.acquire(timeout=PATIENCE)
        return number


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def all_wait(calls: list[Future[int]]) -> None:
    """Gives the calls time to come to where they wait; none may be answered meanwhile."""
    assert not wait(calls, timeout=0.2).done


def test_one_after_the_other_ask_each(oracle: Oracle) -> None:
    shared = SharedCall(oracle)
    oracle.let.release(2)

    assert [shared(), shared()] == [1, 2]


def test_who_comes_while_it_is_asked_shares_the_next_question(
    oracle: Oracle, pool: ThreadPoolExecutor
) -> None:
    shared = SharedCall(oracle)
    first = pool.submit(shared)
    assert oracle.asked.acquire(timeout=PATIENCE)
    later = [pool.submit(shared) for _ in range(5)]
    all_wait([first, *later])

    oracle.let.release()
    assert first.result(PATIENCE) == 1
    all_wait(later)
    oracle.let.release()

    assert [call.result(PATIENCE) for call in later] == [2] * 5
    assert next(oracle.numbers) == 3


def test_who_gets_no_answer_leaves_the_question_to_the_next(pool: ThreadPoolExecutor) -> None:
    failures = iter([True, False])

    def ask() -> str:
        if next(failures):
            raise TimeoutError
        return "here"

    shared = SharedCall(ask)
    with pytest.raises(TimeoutError):
        shared()

    assert shared() == "here"
