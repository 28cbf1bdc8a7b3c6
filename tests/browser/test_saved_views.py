"""The page of the saved views: saving what the board shows, opening it again, sharing, and deleting."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import add_user
from tests.browser.watching import OpenPage, Watched, accessibility_findings
from tests.running import Service


@pytest.fixture(scope="session")
def vivi(service: Service) -> str:
    """A user with views of her own."""
    add_user(service, "vivi", "Vivi")
    return "vivi"


def save_view(page: Page, name: str, *, shared: bool = False) -> None:
    """Saves what the board shows."""
    page.get_by_role("button", name="Save view").click()
    dialog = page.get_by_role("dialog", name="Save this view")
    dialog.get_by_label("Name").fill(name)
    if shared:
        dialog.get_by_label("Everybody sees it").check()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"The view “{name}” is saved.")).to_be_visible()


def open_board(page: Page, query: str) -> None:
    page.goto(f"/board?{query}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_without_views_the_page_says_how_to_save_one(open_page: OpenPage, service: Service) -> None:
    add_user(service, "novi", "Novi")
    for view in service.call("GET", "/api/v1/views?limit=200")[1]["items"]:  # other tests have shared some
        assert service.call("DELETE", f"/api/v1/views/{view['id']}")[0] == 200
    page = open_page(as_="novi").page
    page.goto("/views")

    expect(page.get_by_role("heading", name="No saved views yet")).to_be_visible()
    assert accessibility_findings(page) == []


def test_what_the_board_shows_is_saved_and_opened_again(open_page: OpenPage, vivi: str) -> None:
    page = open_page(as_=vivi).page
    query = "priority=high,urgent&assignee=me&label=a&label=b&sort=due_date&lanes=priority"
    open_board(page, query)
    save_view(page, "My urgent work")

    page.get_by_role("button", name="All views").click()
    page.get_by_role("link", name="My urgent work").click()

    page.wait_for_url(f"**/board?{query}")


def test_the_columns_of_the_list_are_saved_and_shown_again(open_page: OpenPage, vivi: str) -> None:
    page = open_page(as_=vivi).page
    page.goto("/list?project=TASK&category=open")
    page.get_by_role("button", name="Columns").click()
    for column in ("Labels", "Assignee", "Priority", "Changed"):
        page.get_by_role("option", name=column).click()
    page.get_by_role("button", name="Done").click()
    save_view(page, "When it is due")

    page.goto("/views")
    expect(page.get_by_text("Columns: status, due date")).to_be_visible()
    page.get_by_role("link", name="When it is due").click()

    page.wait_for_url("**/list?project=TASK&category=open&columns=status,due_date")
    page.get_by_role("button", name="Columns").click()
    expect(page.get_by_role("option", selected=True)).to_have_text(["Status", "Due"])


def test_people_in_a_view_are_named_in_its_address(open_page: OpenPage, vivi: str) -> None:
    page = open_page(as_=vivi).page
    open_board(page, "assignee=vivi,none")
    save_view(page, "By name")
    page.goto("/views")

    expect(page.get_by_text("Assignee: Vivi, none")).to_be_visible()
    expect(page.get_by_role("link", name="By name")).to_have_attribute("href", "/board?assignee=vivi,none")


def test_a_name_that_is_taken_is_refused_and_the_dialog_stays(open_page: OpenPage, vivi: str) -> None:
    page = open_page(as_=vivi).page
    open_board(page, "q=cake")
    save_view(page, "Twice")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search pages").fill("Save this view")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Save this view")
    dialog.get_by_label("Name").fill("TWICE")
    dialog.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Another view of this user has the name")).to_be_visible()
    expect(dialog).to_be_visible()


def test_a_view_is_renamed_shared_and_deleted_and_brought_back(
    open_page: OpenPage, dashboard: Watched, vivi: str
) -> None:
    page, other = open_page(as_=vivi).page, dashboard.page
    open_board(page, "q=tea")
    save_view(page, "Tea")
    page.goto("/views")
    other.goto("/views")

    choose(page, "Tea", "Rename")
    page.get_by_role("textbox", name="Name").fill("Tea and cake")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("link", name="Tea and cake")).to_be_visible()
    choose(page, "Tea and cake", "Share")
    expect(page.get_by_text("Everybody sees “Tea and cake” now.")).to_be_visible()
    other.reload()
    expect(other.get_by_role("region", name="Shared by others")).to_contain_text("Tea and cake")

    choose(page, "Tea and cake", "Delete")
    expect(page.get_by_role("link", name="Tea and cake")).to_have_count(0)
    expect(other.get_by_role("link", name="Tea and cake")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Tea and cake")).to_be_visible()


def choose(page: Page, view: str, item: str) -> None:
    page.get_by_role("button", name=f"Change the view {view}", exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def test_axe_finds_nothing_with_long_names_and_text_from_right_to_left(
    dashboard: Watched, service: Service, vivi: str
) -> None:
    views: list[dict[str, Any]] = [
        {"name": "x" * 100, "filters": {"q": "long"}, "shared": True},
        {"name": "مهامي المتأخرة", "filters": {"overdue": "true"}, "layout": {"kind": "list"}},
    ]
    for view in views:
        assert service.call("POST", "/api/v1/views", view)[0] == 201
    page = dashboard.page
    page.goto("/views")
    expect(page.get_by_role("link", name="مهامي المتأخرة")).to_be_visible()

    assert accessibility_findings(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.getElementById('main').scrollWidth <= innerWidth")
