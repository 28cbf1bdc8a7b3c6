"""Requests are counted by token, in windows of a minute."""

from __future__ import annotations

from taskmgr.api.identity.rate_limit import WINDOW, Counter


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_begins_with_the_first_request_and_ends_a_minute_later() -> None:
    time = Time()
    counter = Counter(2, clock=time)

    assert counter.count("a") == (1, 60)
    time.now += 30.5
    assert [counter.count("a"), counter.count("a")] == [(0, 30), (-1, 30)]
    time.now += WINDOW - 30.5
    assert counter.count("a") == (1, 60)


def test_tokens_have_windows_of_their_own() -> None:
    time = Time()
    counter = Counter(1, clock=time)

    assert [counter.count("a")[0], counter.count("a")[0], counter.count("b")[0]] == [0, -1, 0]


def test_windows_that_have_ended_are_forgotten_when_there_are_many() -> None:
    time = Time()
    counter = Counter(1, clock=time)
    for number in range(10_000):
        counter.count(str(number))
    time.now += WINDOW
    counter.count("another")

    assert len(counter._windows) == 1
