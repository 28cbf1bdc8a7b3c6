"""The pages at the width of a phone and of a desk: everything can be reached, and nothing sticks out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.browser.hard_texts import add_hard_texts
from tests.browser.people import ADMIN
from tests.browser.test_shell import ROUTES
from tests.browser.watching import DESKTOP, NARROW, OpenPage
from tests.browser.work import Work
from tests.running import Service, wait_until

PAGES = ("Board", "List", "Inbox", "People", "Insights", "Views", "Settings", "Admin")


@pytest.fixture(scope="session")
def crowded(service: Service) -> str:
    """The key of a project with texts that are hard to show."""
    return add_hard_texts(service, "HARD")


def open_at(open_page: OpenPage, size: ViewportSize, path: str) -> Page:
    page = open_page(as_=ADMIN, viewport=size).page
    page.goto(path)
    expect(page.locator("main").get_by_role("heading").first).to_be_visible()
    expect(page.locator("main .loading")).to_have_count(0)
    return page


def overflowing(page: Page) -> list[str]:
    """Returns what is wider than the page, apart from what scrolls by itself."""
    return list(
        page.evaluate("""() => [document.scrollingElement, document.querySelector("main")]
            .filter((each) => each.scrollWidth > each.clientWidth + 1)
            .map((each) => `${each.tagName}: ${each.scrollWidth} of ${each.clientWidth}`)""")
    )


@pytest.mark.parametrize("size", [NARROW, DESKTOP], ids=["phone", "desk"])
@pytest.mark.parametrize("route", [*ROUTES, "/board?project=:project", "/board?lanes=assignee"])
def test_no_page_is_wider_than_the_window(
    route: str, size: ViewportSize, open_page: OpenPage, crowded: str
) -> None:
    names = {":key": f"{crowded}-1", ":username": ADMIN, ":project": crowded, ":webhook": "0" * 24}
    page = open_at(open_page, size, re.sub(r":\w+", lambda name: names[name[0]], route))

    assert overflowing(page) == []


def test_a_board_with_many_people_is_not_wider_than_a_phone(open_page: OpenPage, service: Service) -> None:
    work = Work(service)
    for number in range(12):
        user = {"username": f"{work.key.lower()}.{number}", "name": f"Person {number}"}
        status, created = service.call("POST", "/api/v1/users", user)
        assert status == 201, created
        work.task("Order cables", assignee_id=created["id"])
    page = open_at(open_page, NARROW, work.board)
    expect(page.get_by_role("list", name="Room for more").get_by_role("listitem")).to_have_count(12)

    assert overflowing(page) == []


@pytest.mark.parametrize("path", ["/sign-in", "/docs/errors"])
def test_a_page_for_everybody_is_not_wider_than_a_phone(path: str, open_page: OpenPage) -> None:
    page = open_page(viewport=NARROW).page
    page.goto(path)
    expect(page.get_by_role("heading").first).to_be_visible()

    assert overflowing(page) == []


def test_a_card_shows_the_first_of_many_labels_and_their_number(open_page: OpenPage, crowded: str) -> None:
    page = open_at(open_page, DESKTOP, f"/board?project={crowded}")
    card = page.locator("[data-card]").filter(has_text=f"{crowded}-1")

    expect(card.locator(".chip", has_text="label number")).to_have_count(5)
    expect(card).to_contain_text("+15 more labels")


def test_labels_of_several_words_take_one_line_each_in_the_list(open_page: OpenPage, crowded: str) -> None:
    page = open_at(open_page, DESKTOP, f"/list?project={crowded}")
    labels = page.locator("tbody td[data-column=labels]")
    long, short = (labels.locator(".chip", has_text=text) for text in ("label number", re.compile("^a$")))

    def heights(of: Locator) -> set[float]:
        return {box["height"] for each in of.all() if (box := each.bounding_box())}

    expect(long).to_have_count(3)
    expect(labels.filter(has_text="label number")).to_contain_text("+17 more labels")
    assert heights(long) == heights(short)
    assert long.first.get_attribute("title") == "label number 0"


def test_every_page_can_be_reached_on_a_phone(open_page: OpenPage, crowded: str) -> None:
    page = open_at(open_page, NARROW, "/board")
    links = page.get_by_role("navigation", name="Pages")
    for name in PAGES:
        link = links.get_by_role("link", name=re.compile(f"^{name}"))
        if link.count() == 0:
            page.get_by_role("button", name="More", exact=True).click()
            link = page.get_by_role("menuitemradio", name=name, exact=True)
        expect(link).to_be_in_viewport(ratio=1)
        link.click()
        expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()

    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name=crowded).click()
    page.wait_for_url(f"**/board?project={crowded}")


@pytest.mark.parametrize("control", ["Search (Ctrl K)", "New task (c)", "Admin: your menu"])
def test_the_bar_of_a_phone_has_all_its_buttons_in_view(control: str, open_page: OpenPage) -> None:
    page = open_at(open_page, NARROW, "/board")

    expect(page.get_by_role("button", name=control)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("path", ["/board", "/board?project=:project", "/list"])
def test_the_head_of_board_and_list_takes_two_rows_at_a_desk(
    path: str, open_page: OpenPage, crowded: str
) -> None:
    page = open_at(open_page, DESKTOP, path.replace(":project", crowded))
    head = page.locator(".page-head")

    def are_in_one_row(selector: str) -> bool:
        boxes = [box for each in head.locator(selector).all() if (box := each.bounding_box())]
        return max(box["y"] for box in boxes) < min(box["y"] + box["height"] for box in boxes)

    assert wait_until(lambda: are_in_one_row(":scope > h1, :scope > button"))
    assert wait_until(lambda: are_in_one_row(".filters > *"))


def test_each_cell_of_the_list_is_below_its_heading(open_page: OpenPage, crowded: str) -> None:
    page = open_at(open_page, DESKTOP, f"/list?project={crowded}")
    expect(page.locator("tbody tr")).not_to_have_count(0)

    def lefts(selector: str) -> list[int]:
        return [round((each.bounding_box() or {"x": -1})["x"]) for each in page.locator(selector).all()]

    assert lefts("tbody tr:first-child > *") == lefts("thead tr > *")
