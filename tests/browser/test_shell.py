"""The frame of the dashboard: its addresses, its navigation, its keys, its accessibility."""

from __future__ import annotations

import gzip
import re

import pytest
from playwright.sync_api import expect

from taskmgr.api.views.dashboard import SECTIONS
from tests.browser.people import ADMIN
from tests.browser.watching import DASHBOARD, OpenPage, Watched, accessibility_findings
from tests.browser.work import Work
from tests.running import ROOT, Service, wait_until

ROUTES = re.findall(r'path: "(/[^"]*)"', (ROOT / "web/src/routes.ts").read_text("utf-8"))


def test_the_service_knows_the_addresses_of_all_pages() -> None:
    assert ROUTES
    assert {route.split("/")[1] for route in ROUTES} == set(SECTIONS)


@pytest.mark.parametrize("route", ROUTES)
def test_no_page_loads_more_than_its_budget(route: str, dashboard: Watched) -> None:
    page = dashboard.page
    page.goto(re.sub(":[a-z]+", "TASK-1", route))
    expect(page.locator("main").get_by_role("heading").first).to_be_visible()
    loaded = page.evaluate("performance.getEntriesByType('resource').map(each => each.name)")

    assert 0 < _compressed(loaded, ".js") <= 60_000
    assert 0 < _compressed(loaded, ".css") <= 12_000


def _compressed(addresses: list[str], ending: str) -> int:
    names = [address.rpartition("/")[2] for address in addresses if address.endswith(ending)]
    return sum(len(gzip.compress((DASHBOARD.parent / "assets" / name).read_bytes())) for name in names)


def test_a_page_is_shown_after_it_was_loaded_again_and_after_going_back(dashboard: Watched) -> None:
    page = dashboard.page
    page.goto("/board?priority=high")
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Board")).to_be_visible()

    page.get_by_role("link", name="taskmgr").click()
    page.go_back()

    assert page.url.endswith("/board?priority=high")


def test_who_is_not_signed_in_comes_back_to_the_page_after_signing_in(open_page: OpenPage) -> None:
    page = open_page().page
    page.goto("/board?priority=high")
    page.wait_for_url("**/sign-in#next=*")
    page.get_by_label("Username").fill(ADMIN)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_url("**/board?priority=high")


def test_the_keys_are_listed_and_work(dashboard: Watched) -> None:
    page = dashboard.page
    page.goto("/")
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Search")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url("**/board")


def test_a_dialog_takes_the_keys_as_soon_as_it_is_drawn(dashboard: Watched) -> None:
    page = dashboard.page
    page.goto("/board")
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    page.evaluate(
        """() => new MutationObserver(() => {
            window.isModal ??= document.querySelector("dialog")?.matches(":modal");
        }).observe(document, { childList: true, subtree: true })"""
    )
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert page.evaluate("window.isModal")


def test_the_palette_finds_pages_and_tasks(dashboard: Watched, service: Service) -> None:
    service.create("Order the violet cables")
    page = dashboard.page
    page.goto("/board")
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("combobox").fill("violet")
    expect(page.get_by_role("option", name="Order the violet cables")).to_be_visible()

    page.get_by_role("dialog").get_by_role("combobox").fill("boa")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_colours_that_somebody_chooses_are_kept(dashboard: Watched) -> None:
    page = dashboard.page
    page.goto("/board")
    for name in ("Dark", "High contrast"):
        page.get_by_role("button", name="Admin: your menu").click()
        page.get_by_role("menuitemradio", name=name).click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("data-contrast", "more")


def test_axe_finds_nothing_in_the_frame_its_menu_and_its_dialogs(dashboard: Watched, work: Work) -> None:
    work.task("Order cables")
    page = dashboard.page
    page.goto(work.board)  # with one card: axe minds a button that the window cuts off
    expect(page.get_by_role("link", name="Order cables")).to_be_visible()
    assert accessibility_findings(page) == []
    page.keyboard.press("?")
    assert accessibility_findings(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Admin: your menu").click()
    assert accessibility_findings(page) == []


def test_all_tabs_of_a_browser_share_one_stream(dashboard: Watched, service: Service) -> None:
    first = dashboard.page
    streams: list[str] = []
    first.context.on("request", lambda sent: streams.append(sent.url) if "/events" in sent.url else None)
    first.goto("/board")
    expect(first.get_by_role("heading", name="Board")).to_be_visible()
    assert wait_until(lambda: first.wait_for_timeout(20) or streams)
    second = first.context.new_page()
    second.goto("/board")
    expect(second.get_by_role("heading", name="Board")).to_be_visible()
    second.wait_for_timeout(500)
    assert len(streams) == 1

    first.close()
    assert wait_until(lambda: second.wait_for_timeout(20) or len(streams) == 2)


@pytest.mark.parametrize("name", ["app.js", "../index.html", "..%2findex.html"])
def test_only_the_files_of_the_build_are_served(name: str, service: Service) -> None:
    assert service.ask("GET", f"/assets/{name}")[0] == 404
