"""A service and a browser for each test worker, and pages in which nothing may go wrong unnoticed.

The browser is Debian's Chromium. Without one these tests are skipped, but they fail in CI (`CI=true`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.people import ADMIN, choose_password, link_in, sign_in
from tests.browser.watching import DASHBOARD, WIDE, OpenPage, Watched, watch
from tests.browser.work import Work
from tests.needed import IN_CI
from tests.running import PATIENCE, Service, serving, short_folder

CHROMIUM = shutil.which("chromium")
TIMEOUT = 1000 * PATIENCE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None and not IN_CI:
        pytest.skip("NO BROWSER: the pages are not tested. Install the Debian package `chromium`.")
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """A service whose first user, `admin`, has the password `PASSWORD`."""
    with short_folder() as place, serving(place, "--bind", "127.0.0.1:0", "--workers", "2") as service:
        choose_password(service, link_in(service))
        yield service


@pytest.fixture
def open_page(browser: Browser, service: Service) -> Iterator[OpenPage]:
    """Opens pages, each with cookies of its own; with `as_`, somebody is signed in.

    At the end, nothing may have gone wrong in any of them.
    """
    opened: list[Watched] = []

    def open_page(*, as_: str | None = None, at: Service = service, **options: object) -> Watched:
        context = browser.new_context(base_url=f"http://127.0.0.1:{at.port}", **options)  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT)
        if as_ is not None:
            sign_in(context, as_)
        opened.append(watch(context.new_page()))
        return opened[-1]

    yield open_page
    for watched in opened:
        watched.page.context.close()
    assert [mistake for watched in opened for mistake in watched.mistakes] == []


@pytest.fixture
def dashboard(open_page: OpenPage) -> Watched:
    """A page in which the first user is signed in. Skipped where the dashboard could not be built."""
    if not DASHBOARD.exists() and not IN_CI:
        pytest.skip("NO DASHBOARD: it could not be built, see `make install`.")
    return open_page(as_=ADMIN, viewport=WIDE)


@pytest.fixture
def work(service: Service) -> Work:
    """A project of the test's own."""
    return Work(service)
