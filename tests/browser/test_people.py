"""The page of the people: who has how much to do, and giving tasks to others by pointer, menu and key."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import add_user
from tests.browser.watching import OpenPage, Watched, accessibility_findings
from tests.running import Service, wait_until

LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff" * 2
ARABIC_NAME, ARABIC_TITLE = "ليلى حداد القاضي", "طلب كابلات جديدة للمكتب"


# Of this file alone, because a column shows the first twenty tasks.
PROJECT = "PEOPLE"
PEOPLE = f"/people?project={PROJECT}"


@pytest.fixture(scope="session", autouse=True)
def project(service: Service) -> None:
    status, created = service.call("POST", "/api/v1/projects", {"key": PROJECT, "name": "People"})
    assert status == 201, created


@pytest.fixture(scope="session")
def team(service: Service) -> dict[str, str]:
    """Three people, one with a very long name, one with a name that is written from right to left."""
    names = {"pia": "Pia Berg", "wolf": LONG_NAME, "layla": ARABIC_NAME}
    return {username: add_user(service, username, name) for username, name in names.items()}


def make_task(service: Service, title: str, **fields: Any) -> dict[str, Any]:
    status, task = service.call("POST", "/api/v1/tasks", {"title": title, "project": PROJECT, **fields})
    assert status == 201, task
    return dict(task)


def column(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=name, exact=True)


def assignee(service: Service, task: dict[str, Any]) -> str | None:
    found: dict[str, Any] = service.call("GET", f"/api/v1/tasks/{task['id']}")[1]
    return found["assignee_id"]


def test_everybody_is_shown_with_their_load(
    dashboard: Watched, service: Service, team: dict[str, str]
) -> None:
    late = make_task(service, "Late", assignee_id="pia", due_date="2026-01-02")
    make_task(service, "Waiting", assignee_id="pia", blocked_by=[late["id"]])
    page = dashboard.page
    page.goto(PEOPLE)

    pia = column(page, "Pia Berg")
    expect(pia).to_contain_text("1 overdue")
    expect(pia).to_contain_text("1 blocked")
    expect(pia).to_contain_text("room for 5 more")
    expect(pia.get_by_role("link", name="Waiting")).to_be_visible()


def test_a_task_is_dragged_to_a_person(dashboard: Watched, service: Service, team: dict[str, str]) -> None:
    task = make_task(service, "Order the yellow cables")
    page = dashboard.page
    page.goto(PEOPLE)
    card = column(page, "Nobody").get_by_text("Order the yellow cables")
    expect(card).to_be_visible()

    card.drag_to(column(page, "Pia Berg").get_by_role("heading"))

    expect(column(page, "Pia Berg").get_by_text("Order the yellow cables")).to_be_visible()
    assert wait_until(lambda: page.wait_for_timeout(20) or assignee(service, task) == team["pia"])
    page.get_by_role("button", name="Undo").click()
    expect(column(page, "Nobody").get_by_text("Order the yellow cables")).to_be_visible()
    assert wait_until(lambda: page.wait_for_timeout(20) or assignee(service, task) is None)


def test_a_task_is_given_to_a_person_without_a_pointer(
    dashboard: Watched, service: Service, team: dict[str, str]
) -> None:
    task = make_task(service, "Order the orange cables")
    page = dashboard.page
    page.goto(PEOPLE)
    button = page.get_by_role("button", name=f"Assign {task['key']}")
    button.focus()
    page.keyboard.press("m")
    expect(page.get_by_role("menuitemradio", name="Nobody")).to_be_focused()

    page.keyboard.press("p")
    expect(page.get_by_role("menuitemradio", name="Pia Berg")).to_be_focused()
    page.keyboard.press("Enter")

    expect(column(page, "Pia Berg").get_by_text("Order the orange cables")).to_be_visible()
    expect(page.get_by_text(f"{task['key']} is assigned to Pia Berg").first).to_be_attached()


def test_a_task_that_somebody_else_has_taken_goes_back_and_says_why(
    open_page: OpenPage, service: Service, team: dict[str, str]
) -> None:
    make_task(service, "Order the purple cables", assignee_id="pia")
    page = open_page(as_="layla").page
    page.goto(PEOPLE)
    card = column(page, "Pia Berg").get_by_text("Order the purple cables")
    expect(card).to_be_visible()

    card.drag_to(column(page, ARABIC_NAME).get_by_role("heading"))

    expect(page.get_by_text("The task is already assigned to pia.").first).to_be_visible()
    expect(column(page, "Pia Berg").get_by_text("Order the purple cables")).to_be_visible()


def test_what_others_do_is_shown_without_loading_again(
    dashboard: Watched, service: Service, team: dict[str, str]
) -> None:
    page = dashboard.page
    page.goto(PEOPLE)
    expect(column(page, "Pia Berg")).to_be_visible()

    task = make_task(service, "Order the pink cables")
    expect(column(page, "Nobody").get_by_text("Order the pink cables")).to_be_visible()
    service.call("PUT", f"/api/v1/tasks/{task['id']}/assignee", {"assignee_id": "pia"})
    expect(column(page, "Pia Berg").get_by_text("Order the pink cables")).to_be_visible()


def test_a_viewer_sees_everything_and_moves_nothing(open_page: OpenPage, service: Service) -> None:
    add_user(service, "vera", "Vera", role="viewer")
    make_task(service, "Only to look at")
    page = open_page(as_="vera").page
    page.goto(PEOPLE)

    expect(column(page, "Nobody").get_by_text("Only to look at")).to_be_visible()
    expect(page.get_by_role("button", name="Assign")).to_have_count(0)


def test_axe_finds_nothing_with_long_names_and_text_from_right_to_left(
    dashboard: Watched, service: Service, team: dict[str, str]
) -> None:
    make_task(service, ARABIC_TITLE, assignee_id="layla", priority="high", due_date="2026-01-02")
    make_task(service, "Unbreakable" * 18, assignee_id="wolf")
    page = dashboard.page
    page.goto(PEOPLE)
    expect(column(page, ARABIC_NAME).get_by_text(ARABIC_TITLE)).to_be_visible()

    assert accessibility_findings(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.getElementById('main').scrollWidth <= innerWidth")
