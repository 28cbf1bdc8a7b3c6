"""The list: filters in the address, order, columns, live changes, keys, and changes of many tasks."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import add_user
from tests.browser.watching import Watched, accessibility_findings
from tests.running import Service

COUNT = 60


@pytest.fixture(scope="session", autouse=True)
def lily(service: Service) -> None:
    """A user, and a project with so many tasks that they need two pages."""
    add_user(service, "lily", "Lily List")
    assert service.call("POST", "/api/v1/projects", {"key": "LIS", "name": "Listed"})[0] == 201
    priorities = ("low", "medium", "high")
    operations = [
        {"op": "create", "project": "LIS", "title": f"Routine {at:02}", "priority": priorities[at % 3],
         "labels": ["lab"] if at % 2 else []}
        for at in range(COUNT)
    ]  # fmt: skip
    assert service.call("POST", "/api/v1/tasks/bulk", {"operations": operations})[0] == 200


def create(service: Service, **fields: object) -> dict[str, Any]:
    status, task = service.call("POST", "/api/v1/tasks", fields)
    assert status == 201, task
    return dict(task)


def show(watched: Watched, query: str) -> Page:
    watched.page.goto(f"/list?{query}")
    expect(watched.page.get_by_role("heading", name="List", exact=True)).to_be_visible()
    return watched.page


def rows(page: Page) -> Locator:
    return page.get_by_role("table", name="Tasks").locator("tbody tr")


def number(page: Page) -> Locator:
    return page.get_by_role("status", name="Number of tasks")


def test_filters_are_in_the_address_and_back_again(dashboard: Watched) -> None:
    page = show(dashboard, "project=LIS")
    expect(number(page)).to_have_text(f"{COUNT} tasks")
    page.get_by_role("button", name="Priority", exact=True).first.click()
    page.get_by_role("option", name="High").click()
    page.get_by_role("button", name="Done").click()
    page.wait_for_url("**/list?project=LIS&priority=high")
    expect(number(page)).to_have_text("20 tasks")

    page.reload()
    expect(page.get_by_role("button", name="Priority: High")).to_be_visible()
    page.get_by_role("searchbox").fill("routine 02")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("searchbox").fill("nothing like this")
    expect(page.get_by_role("heading", name="No task matches")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    page.wait_for_url("**/list")


def test_a_filter_that_the_service_refuses_is_explained(dashboard: Watched) -> None:
    page = show(dashboard, "priority=huge")
    expect(page.get_by_role("alert")).to_contain_text("Must be one of: low")


def test_it_sorts_and_shows_the_chosen_columns(dashboard: Watched) -> None:
    page = show(dashboard, "project=LIS")
    page.get_by_role("button", name="Title", exact=True).click()
    expect(rows(page).first).to_contain_text("Routine 00")
    expect(page.get_by_role("columnheader", name="Title")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Title", exact=True).click()
    expect(rows(page).first).to_contain_text(f"Routine {COUNT - 1}")

    page.get_by_role("button", name="Columns").click()
    page.get_by_role("option", name="Created").click()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("columnheader", name="Created")).to_be_visible()


def test_the_rest_is_read_as_one_scrolls(dashboard: Watched) -> None:
    page = show(dashboard, "project=LIS&sort=title")
    expect(rows(page).first).to_be_visible()
    rows(page).last.scroll_into_view_if_needed()
    expect(rows(page)).to_have_count(COUNT)


def test_what_others_change_appears_where_it_belongs(dashboard: Watched, service: Service) -> None:
    page = show(dashboard, "label=live&sort=title")
    expect(page.get_by_role("heading", name="No task matches")).to_be_visible()
    create(service, title="B", labels=["live"])
    first = create(service, title="A", labels=["live"])
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text(first["key"])

    service.call("PATCH", f"/api/v1/tasks/{first['id']}", {"labels": []})
    expect(rows(page)).to_have_count(1)


def test_the_keyboard_moves_selects_ranges_and_opens(dashboard: Watched) -> None:
    page = show(dashboard, "project=LIS&sort=title")
    expect(rows(page).first).to_be_visible()
    for key in ("j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(page.get_by_text("3 tasks selected")).to_be_visible()
    page.keyboard.press("k")
    expect(rows(page).nth(1).get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Routine 01")


def test_a_key_that_is_pressed_as_soon_as_the_rows_are_there_counts(dashboard: Watched) -> None:
    dashboard.page.add_init_script(
        """new MutationObserver((_, observer) => {
            if (!document.querySelector("table.list tbody tr")) return;
            observer.disconnect();
            document.dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
        }).observe(document, { childList: true, subtree: true })"""
    )
    page = show(dashboard, "project=LIS&sort=title")
    expect(rows(page).first.get_by_role("link")).to_be_focused()


def test_many_tasks_are_changed_after_seeing_what_is_refused(dashboard: Watched, service: Service) -> None:
    for title in ("One", "Two"):
        create(service, title=title, labels=["many"], assignee_id="lily")
    alone = create(service, title="Three", labels=["many"])
    page = show(dashboard, "label=many")
    page.get_by_role("checkbox", name="Select all that are shown").check()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("menuitem", name="Status…").click()
    page.get_by_role("option", name="In progress").click()
    dialog = page.get_by_role("dialog", name="Move to In progress")
    expect(dialog).to_contain_text("2 of 3 tasks would change; 1 would be refused:")
    expect(dialog).to_contain_text(f"{alone['key']} Three")
    expect(dialog).to_contain_text("A task in status in_progress needs an assignee.")
    dialog.get_by_role("button", name="Change 2 tasks").click()
    expect(rows(page).filter(has_text="In progress")).to_have_count(2)

    page.get_by_role("button", name="Undo").click()
    expect(rows(page).filter(has_text="In progress")).to_have_count(0)


def test_many_tasks_go_into_the_bin_and_come_back(dashboard: Watched, service: Service) -> None:
    for title in ("One", "Two"):
        create(service, title=title, labels=["rubbish"])
    page = show(dashboard, "label=rubbish")
    page.get_by_role("checkbox", name="Select all that are shown").check()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("menuitem", name="Move to the bin…").click()
    page.get_by_role("button", name="Change 2 tasks").click()
    expect(page.get_by_role("heading", name="No task matches")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(rows(page)).to_have_count(2)


def test_a_run_by_keyboard_alone_creates_opens_moves_and_comments(dashboard: Watched) -> None:
    page = show(dashboard, "q=keyboardish")
    expect(page.get_by_role("heading", name="No task matches")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_role("textbox", name="Task")).to_be_focused()
    page.keyboard.type("A keyboardish task @me")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("A keyboardish task")

    page.keyboard.press("s")
    expect(page.get_by_role("menu")).to_be_visible()
    page.keyboard.press("b")  # Backlog
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Status: Backlog")).to_be_visible()
    page.keyboard.press("m")
    page.keyboard.type("Done without a mouse")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("listitem", name="Comment by Admin")).to_contain_text("Done without a mouse")


def test_axe_finds_nothing_in_the_list_and_in_what_it_opens(dashboard: Watched, service: Service) -> None:
    create(
        service, title="مرحبا " + "x" * 150, labels=[f"label {at}" for at in range(20)], due_date="2026-01-01"
    )
    page = show(dashboard, "label=label+7")  # no other rows: axe looks at each one six times
    expect(rows(page)).to_have_count(1)
    rows(page).first.get_by_role("checkbox").check()
    assert accessibility_findings(page) == []
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("menuitem", name="Status…").click()
    page.get_by_role("option", name="In progress").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_be_visible()
    assert accessibility_findings(page) == []
