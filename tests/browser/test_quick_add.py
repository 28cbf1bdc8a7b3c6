"""Creating a task from one line, wherever one is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import add_user
from tests.browser.watching import OpenPage, Watched, accessibility_findings
from tests.running import Service


@pytest.fixture(scope="session", autouse=True)
def quinn(service: Service) -> None:
    add_user(service, "quinn", "Quinn Quick")
    assert service.call("POST", "/api/v1/projects", {"key": "QUI", "name": "Quick"})[0] == 201


@pytest.fixture
def page(dashboard: Watched) -> Page:
    return ready(dashboard)


def ready(watched: Watched, path: str = "/board") -> Page:
    watched.page.goto(path)
    expect(watched.page.get_by_role("heading", level=1)).to_be_visible()
    watched.page.keyboard.press("c")
    expect(watched.page.get_by_role("textbox", name="Task")).to_be_focused()
    return watched.page


def test_a_line_becomes_a_task_as_the_preview_shows(page: Page, service: Service) -> None:
    page.get_by_role("textbox", name="Task").fill("Order <b>cables</b> !high @quinn #lab +QUI 2027-03-31")
    preview = page.get_by_role("status", name="What will be created")
    for part in ("QUI", "Order <b>cables</b>", "high", "Quinn Quick", "lab", "Mar 31, 2027"):
        expect(preview).to_contain_text(part)
    page.keyboard.press("Enter")

    created = page.get_by_role("status", name="Messages")
    expect(created).to_contain_text("is created: Order <b>cables</b>")
    key = created.get_by_role("link").inner_text()
    task = service.call("GET", f"/api/v1/tasks/{key}?include=assignee")[1]
    assert (task["title"], task["priority"], task["labels"]) == ("Order <b>cables</b>", "high", ["lab"])
    assert (task["project"], task["due_date"]) == ("QUI", "2027-03-31")
    assert task["assignee"]["username"] == "quinn"


def test_it_is_taken_back(page: Page, service: Service) -> None:
    page.get_by_role("textbox", name="Task").fill("A mistake")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("status", name="Messages")).to_contain_text("is in the bin")
    titles = [task["title"] for task in service.call("GET", "/api/v1/tasks?bin=true")[1]["items"]]
    assert "A mistake" in titles


def test_the_project_is_the_one_that_is_shown(dashboard: Watched) -> None:
    page = ready(dashboard, "/board?project=QUI")
    page.get_by_role("textbox", name="Task").fill("Here")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status", name="Messages").get_by_role("link")).to_contain_text("QUI-")


def test_a_refusal_says_why_keeps_the_line_and_asks_for_the_reason(page: Page) -> None:
    field = page.get_by_role("textbox", name="Task")
    field.fill("Put out the fire !urgent")
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_have_text("An urgent task needs a due date, or a reason why it has none.")
    expect(field).to_have_value("Put out the fire !urgent")

    page.get_by_role("textbox", name="Reason").fill("It burns")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status", name="Messages")).to_contain_text("is created")


def test_a_mistake_in_a_field_is_shown_in_place(page: Page) -> None:
    page.get_by_role("textbox", name="Task").fill("x" * 201)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("title: Must have")


def test_a_line_that_was_not_sent_is_still_there_later(page: Page) -> None:
    page.get_by_role("textbox", name="Task").fill("Half a thought")
    page.keyboard.press("Escape")
    page.reload()
    page.get_by_role("button", name="New task (c)").click()
    expect(page.get_by_role("textbox", name="Task")).to_have_value("Half a thought")


def test_viewers_are_not_offered_what_they_may_not_do(open_page: OpenPage, service: Service) -> None:
    add_user(service, "viola", "Viola Viewer", role="viewer")
    page = open_page(as_="viola").page
    page.goto("/board")
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    expect(page.get_by_role("button", name="New task")).to_have_count(0)


def test_axe_finds_nothing(page: Page) -> None:
    page.get_by_role("textbox", name="Task").fill("Cables !urgent @quinn #lab @nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert accessibility_findings(page) == []
