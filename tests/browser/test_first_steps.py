"""The first minutes with a new service: from the printed link to a board with cards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import ADMIN, PASSWORD, add_user, choose_password, link_in
from tests.browser.watching import WIDE, OpenPage, accessibility_findings
from tests.running import Service, serving, short_folder

FILL = "Fill with the demo"


@pytest.fixture
def new_service() -> Iterator[Service]:
    """A service that nobody has used yet."""
    with short_folder() as place, serving(place, "--bind", "127.0.0.1:0", "--workers", "2") as service:
        yield service


def test_the_printed_link_leads_to_an_empty_board_that_can_be_filled(
    open_page: OpenPage, new_service: Service
) -> None:
    page = open_page(at=new_service, viewport=WIDE).page
    page.goto(link_in(new_service))
    page.get_by_label("Password, of at least").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button").click()

    expect(page.get_by_role("heading", name="There are no tasks here yet")).to_be_visible()
    assert accessibility_findings(page) == []
    page.get_by_role("button", name=FILL).click()

    expect(page.get_by_text("8 users and 67 tasks were created.").last).to_be_visible()
    expect(page.get_by_role("button", name=FILL)).to_have_count(0)
    expect(page.get_by_role("link", name="Show invoices as PDF")).to_be_visible()
    _expect_projects(page, "Billing", "Operations", "Customer portal")


def _expect_projects(page: Page, *names: str) -> None:
    for name in names:
        expect(page.get_by_role("navigation", name="Projects").get_by_text(name)).to_be_visible()


def test_only_admins_are_offered_the_demo_and_a_late_click_is_explained(
    open_page: OpenPage, new_service: Service
) -> None:
    choose_password(new_service, link_in(new_service))
    add_user(new_service, "mia", "Mia", role="manager")
    member, admin = (open_page(as_=name, at=new_service).page for name in ("mia", ADMIN))
    for page in (member, admin):
        page.goto("/board")
        expect(page.get_by_role("button", name="Create the first one")).to_be_visible()
    expect(member.get_by_role("button", name=FILL)).to_have_count(0)

    admin.route("**/api/v1/tasks?*", lambda route: route.abort())  # the board does not learn of the task
    assert new_service.call("POST", "/api/v1/tasks", {"title": "Real work"})[0] == 201
    admin.get_by_role("button", name=FILL).click()

    expect(admin.get_by_text("The database is not empty. It has tasks.")).to_be_visible()
