"""Tests the slow hash of passwords: its parameters, and that other work goes on meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

from argon2 import extract_parameters

from taskmgr.domain.model.errors import Unavailable
from taskmgr.infrastructure.password_hashes import Argon2Hashes

PASSWORD = "correct horse battery"


def test_a_hash_has_the_parameters_that_owasp_recommends_and_a_salt() -> None:
    hashes = Argon2Hashes()
    one, two = hashes.make(PASSWORD), hashes.make(PASSWORD)

    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != two
    assert hashes.matches(PASSWORD, one)
    assert not hashes.matches(PASSWORD + "x", one)


def test_without_a_hash_nothing_matches() -> None:
    assert not Argon2Hashes(memory=8, passes=1).matches("", None)


class _Counting:
    """A hasher that counts what it is told to do."""

    def __init__(self, hasher: Any) -> None:
        self.work: list[str] = []
        self._hasher = hasher

    def __getattr__(self, name: str) -> Any:
        self.work.append(name)
        return getattr(self._hasher, name)


def test_the_first_comparison_without_a_hash_takes_as_long_as_any_other() -> None:
    hashes = Argon2Hashes()
    hashes._hasher = counting = _Counting(hashes._hasher)  # type: ignore[assignment]

    for stored in (None, None, hashes._hasher._hasher.hash("x")):
        counting.work.clear()
        hashes.matches(PASSWORD, stored)
        assert counting.work == ["verify"]


def test_what_stands_in_for_a_missing_hash_costs_the_same() -> None:
    hashes = Argon2Hashes()

    assert extract_parameters(hashes._decoy) == extract_parameters(hashes.make(PASSWORD))


def test_a_hash_with_smaller_parameters_is_outdated_and_still_matches() -> None:
    old = Argon2Hashes(memory=8, passes=1).make(PASSWORD)

    assert Argon2Hashes().is_outdated(old)
    assert not Argon2Hashes().is_outdated(Argon2Hashes().make(PASSWORD))
    assert Argon2Hashes().matches(PASSWORD, old)


class _Held:
    """A hasher that stays busy until it is released, and counts how many are busy at once."""

    def __init__(self) -> None:
        self.busy, self.most, self.release = 0, 0, threading.Event()
        self._lock = threading.Lock()

    def hash(self, _: str) -> str:
        with self._lock:
            self.busy += 1
            self.most = max(self.most, self.busy)
        self.release.wait(10)
        with self._lock:
            self.busy -= 1
        return "x"


def test_at_most_two_run_at_once_and_nobody_waits_forever() -> None:
    hashes, held = Argon2Hashes(wait=0.1), _Held()
    hashes._hasher = held  # type: ignore[assignment]
    results: list[Any] = []

    def make() -> None:
        try:
            results.append(hashes.make(PASSWORD))
        except Unavailable as error:
            results.append(error.code)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads[2:]:
        thread.join(5)
    held.release.set()
    for thread in threads:
        thread.join(5)

    assert held.most == 2
    assert sorted(results) == ["unavailable", "unavailable", "x", "x"]


UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import gevent, time
from taskmgr.infrastructure.password_hashes import Argon2Hashes
hashes, ticks = Argon2Hashes(passes=20), []
def tick():
    while True:
        ticks.append(time.monotonic()); gevent.sleep(0.005)
ticker = gevent.spawn(tick)
gevent.joinall([gevent.spawn(hashes.make, "x") for _ in range(4)])
print(len(ticks))
"""


def test_under_gevent_other_requests_go_on_meanwhile() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT], capture_output=True, text=True, check=True, timeout=60
    )

    assert int(shown.stdout) > 20
