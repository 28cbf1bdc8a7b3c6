"""Takes screenshots of all pages of the dashboard, in both themes, at the widths of a desk and of a phone.

Usage: python -m tests.browser.screenshots [FOLDER], by default build/screenshots. The data are the demo's,
with a webhook, and a project with texts that are hard to show.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.browser.hard_texts import add_hard_texts
from tests.browser.people import PASSWORD, choose_password
from tests.browser.receiver import receiving
from tests.browser.watching import DESKTOP, NARROW
from tests.running import ROOT, Service, run, serving, short_folder

USER = "nora.lind"
THEMES = ("light", "dark")
WIDTHS = {"desk": DESKTOP, "phone": NARROW}
SIGNED_OUT = ("/sign-in",)
# Addresses besides those of the routes.
MORE = (
    "/board?lanes=assignee",
    "/board?project=HARD",
    "/board?project=HARD&q=nothing",
    "/list?project=HARD",
    "/people?project=HARD",
    "/tasks/HARD-1",
    "/tasks/HARD-2",
    "/board/nowhere",
)
# What stands for the names in the paths of the routes, besides the id of the webhook.
NAMES = {"key": "OPS-7", "username": "priya.nair"}


def main(folder: Path) -> None:
    """Fills a database, starts the service, and takes the screenshots."""
    folder.mkdir(parents=True, exist_ok=True)
    with short_folder() as place, receiving() as (receiver, allowing):
        settings = {"DATA_DIR": str(place / "data")}
        assert run(settings, "demo").status == 0
        assert run(settings, "users", "set-role", USER, "admin").status == 0
        link = run(settings, "users", "invite", USER).out.strip()
        with serving(place, "--bind", "127.0.0.1:0", "--workers", "1", **allowing) as service:
            choose_password(service, link)
            names = {**NAMES, "webhook": _add_webhook(service, receiver)}
            add_hard_texts(service, "HARD")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                for theme, (width, size) in itertools.product(THEMES, WIDTHS.items()):
                    page = _sign_in(browser, service, color_scheme=theme, viewport=size)
                    for path in paths(names):
                        name = re.sub(r"\W+", "-", path).strip("-")
                        _take(page, path, folder / f"{name}-{theme}-{width}.png")
                    page.context.close()
                browser.close()


def paths(names: Mapping[str, str]) -> Iterator[str]:
    """Yields an address of each page; `names` has what stands for the names in the paths of the routes."""
    yield from SIGNED_OUT
    for route in re.findall(r'path: "(/[^"]*)"', (ROOT / "web/src/routes.ts").read_text("utf-8")):
        yield re.sub(r":(\w+)", lambda name: names[name[1]], route)
    yield from MORE


def _add_webhook(service: Service, receiver: str) -> str:
    """Creates a webhook and returns its id."""
    body = {"url": receiver, "description": "The team's chat"}
    status, webhook = service.call("POST", "/api/v1/webhooks", body)
    assert status == 201, webhook
    return str(webhook["id"])


def _sign_in(browser: Browser, service: Service, **options: object) -> Page:
    context = browser.new_context(base_url=f"http://127.0.0.1:{service.port}", **options)  # type: ignore[arg-type]
    answer = context.request.post(
        "/api/v1/auth/sessions",
        data={"username": USER, "password": PASSWORD},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.ok, answer.text()
    return context.new_page()


def _take(page: Page, path: str, file: Path) -> None:
    page.goto(path)
    page.get_by_role("heading").first.wait_for()
    page.locator("main .loading").wait_for(state="hidden")
    page.wait_for_timeout(500)  # until what the page has asked for is drawn
    page.screenshot(path=file)
    print(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build/screenshots")
