"""Measures the board in Chromium (`make bench-web`): its size, its speed, and its memory after many changes.

Each time is the median of several runs, each in a new browser profile, so nothing is cached.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.people import ADMIN, choose_password, link_in, sign_in
from tests.browser.watching import WIDE
from tests.browser.work import Work
from tests.running import Service, serving, short_folder

# Cards, and the milliseconds within which their board is to be usable.
BOARDS = ((2_000, 1_000), (5_000, 2_500))
# Milliseconds until a moved card is painted.
MOVE = 50
POLICY = "[limits]\nwip = 0\nurgent = 0\n"
MOVES = 5
# Bytes that the board may load, compressed.
SIZES = (("JavaScript", ".js", 60_000), ("CSS", ".css", 12_000))
# The changes of an hour in a busy team, all of them to the same cards.
CHANGES = 3_600
CHANGED_AT_ONCE = 100

# Resolves once cards are drawn and the page has nothing more to do, with the milliseconds since its request.
USABLE = """() => new Promise((resolve) => {
  const look = () => document.querySelector("[data-card]")
    ? requestIdleCallback(() => resolve(performance.now()))
    : requestAnimationFrame(look);
  look();
})"""
# Scrolls until every page of every column has been read.
READ_ALL = """async (count) => {
  const start = performance.now();
  while (document.querySelectorAll("[data-card]").length < count) {
    for (const button of document.querySelectorAll(".column-end button")) button.click();
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - start;
}"""
# The compressed size of what the page has loaded with one ending.
LOADED = """(ending) => performance.getEntriesByType("resource")
  .filter((entry) => new URL(entry.name).pathname.endsWith(ending))
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
# The browser's own measure: from pressing a key until the next paint, in steps of eight milliseconds.
OBSERVE = """() => {
  window.durations = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") durations.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each measurement (3)")
    rounds = parser.parse_args().rounds
    print("Milliseconds")
    print(f"{'cards':>6} {'usable':>8} {'target':>8} {'all read':>9} {'card moved':>11} {'target':>8}")
    with _service() as service, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for count, target in BOARDS:
            work = _fill(service, count)
            runs = [_measure(browser, service, work, count) for _ in range(rounds)]
            usable, read, moved = (statistics.median(figures) for figures in zip(*runs, strict=True))
            print(f"{count:>6} {usable:>8.0f} {target:>8} {read:>9.0f} {moved:>11.0f} {MOVE:>8}", flush=True)
        _report_size_and_memory(browser, service, _fill(service, BOARDS[0][0]))
        browser.close()


@contextmanager
def _service() -> Iterator[Service]:
    with short_folder() as place:
        policy = Path(place) / "policy.toml"
        policy.write_text(POLICY)
        with serving(place, "--bind", "127.0.0.1:0", "--workers", "2", POLICY=str(policy)) as service:
            choose_password(service, link_in(service))
            yield service


def _fill(service: Service, count: int) -> Work:
    """Creates a project whose tasks are spread over four columns."""
    work = Work(service)
    work.tasks(count, ({"status": "backlog"}, {}, {"status": "in_progress", "assignee_id": "me"}, {}))
    return work


def _measure(browser: Browser, service: Service, work: Work, count: int) -> tuple[float, float, float]:
    with _signed_in(browser, service) as page:
        page.goto(work.board, wait_until="commit")
        usable: float = page.evaluate(USABLE)
        read: float = page.evaluate(READ_ALL, count)
        return usable, read, _move_cards(page)


@contextmanager
def _signed_in(browser: Browser, service: Service) -> Iterator[Page]:
    context = browser.new_context(base_url=f"http://127.0.0.1:{service.port}", viewport=WIDE)
    context.set_default_timeout(60_000)
    sign_in(context, ADMIN)
    yield context.new_page()
    context.close()


def _report_size_and_memory(browser: Browser, service: Service, work: Work) -> None:
    with _signed_in(browser, service) as page:
        page.goto(work.board)
        page.evaluate(USABLE)
        for name, ending, limit in SIZES:
            print(f"{name} of the board, compressed: {page.evaluate(LOADED, ending):,} bytes of {limit:,}")
        before = _heap_megabytes(page)
        _change_often(work, page)
        after = _heap_megabytes(page)
        print(f"Heap of the page before and after {CHANGES:,} changes: {before:.1f} and {after:.1f} MB")


def _change_often(work: Work, page: Page) -> None:
    """Changes the titles of the same cards again and again, and waits until the page shows the last ones."""
    ids = [task["id"] for task in work.all()][:CHANGED_AT_ONCE]
    for number in range(CHANGES // CHANGED_AT_ONCE):
        work.bulk([{"op": "change", "id": key, "title": f"Change {number} of {key}"} for key in ids])
    page.get_by_text(f"Change {number} of {ids[0]}").wait_for()


def _heap_megabytes(page: Page) -> float:
    """Returns the size of what the page still needs."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    devtools.send("Performance.enable")
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    (size,) = (each["value"] for each in metrics if each["name"] == "JSHeapUsedSize")
    return float(size) / 1e6


def _move_cards(page: Page) -> float:
    """Moves cards with the keys; returns the longest time until one was painted in its new column."""
    page.evaluate(OBSERVE)
    for _ in range(MOVES):
        page.evaluate("document.querySelector('[data-status=todo] a').focus()")
        page.keyboard.press("Alt+ArrowLeft")
        page.wait_for_timeout(500)
    durations: list[float] = page.evaluate("durations")
    return max(durations, default=16.0)


if __name__ == "__main__":
    main()
