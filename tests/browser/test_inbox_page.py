"""The inbox: what others did, by task; reading it; the number in the navigation."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.browser.people import add_user
from tests.browser.watching import OpenPage, Watched, accessibility_findings
from tests.running import Service, wait_until

_NUMBERS = itertools.count()
INBOX = "**/api/v1/inbox?*"


@pytest.fixture
def ivy(dashboard: Watched, service: Service, open_page: OpenPage) -> tuple[Page, str]:
    """A page of a user of this test alone, and the user's name."""
    username = f"ivy{next(_NUMBERS)}"
    add_user(service, username, "Ivy")
    return open_page(as_=username).page, username


def assign(service: Service, title: str, username: str) -> str:
    """Creates a task for a user; returns its key."""
    status, task = service.call("POST", "/api/v1/tasks", {"title": title, "assignee_id": username})
    assert status == 201, task
    return str(task["key"])


def open_inbox(page: Page, *, unread: int) -> None:
    """Opens the inbox, once there are so many unread items."""
    page.goto("/sign-in")
    assert wait_until(lambda: page.request.get("/api/v1/users/me").json()["unread"] == unread)
    page.goto("/inbox")
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()


def comment(service: Service, key: str, text: str) -> None:
    assert service.call("POST", f"/api/v1/tasks/{key}/comments", {"text": text})[0] == 201


def test_news_are_grouped_by_task_unread_ones_first(ivy: tuple[Page, str], service: Service) -> None:
    page, username = ivy
    key = assign(service, "Order the grey cables", username)
    assign(service, "Order the black cables", username)
    open_inbox(page, unread=2)
    rows = page.locator(".inbox > li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Order the black cables")

    rows.first.get_by_role("button", name="Mark TASK-").click()
    expect(rows.first).to_contain_text("Order the grey cables")
    comment(service, key, "Now, please.")

    expect(rows.first).to_contain_text("assigned it to you, commented")
    expect(page.get_by_role("link", name="Inbox 1 unread")).to_be_visible()


def test_the_number_of_unread_items_follows_what_others_do(ivy: tuple[Page, str], service: Service) -> None:
    page, username = ivy
    page.goto("/inbox")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()

    assign(service, "Order the pink cables", username)

    expect(page.get_by_role("link", name="Inbox 1 unread")).to_be_visible()
    expect(page.get_by_role("link", name="Order the pink cables")).to_be_visible()


def test_the_keys_move_and_mark_as_read(ivy: tuple[Page, str], service: Service) -> None:
    page, username = ivy
    for title in ("Oldest", "Middle", "Newest"):
        assign(service, title, username)
    open_inbox(page, unread=3)
    expect(page.locator(".inbox > li.unread")).to_have_count(3)

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Middle")).to_be_focused()
    page.keyboard.press("R")
    expect(page.locator(".inbox > li.unread")).to_contain_text(["Newest"])
    expect(page.get_by_role("link", name="Middle")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("r")

    expect(page.locator(".inbox > li.unread")).to_have_count(0)
    expect(page.get_by_role("link", name="Newest")).to_be_focused()
    expect(page.get_by_role("link", name="Inbox", exact=True)).to_be_visible()


def test_one_task_after_the_other_is_marked_as_read(ivy: tuple[Page, str], service: Service) -> None:
    page, username = ivy
    for title in ("Oldest", "Middle", "Newest"):
        assign(service, title, username)
    open_inbox(page, unread=3)
    rows = page.locator(".inbox > li")
    expect(rows.first).to_contain_text("Newest")
    page.keyboard.press("j")

    for title, following in (("Newest", "Middle"), ("Middle", "Oldest")):
        expect(page.get_by_role("link", name=title)).to_be_focused()
        page.keyboard.press("r")
        expect(rows.first).to_contain_text(following)
    expect(page.get_by_role("link", name="Oldest")).to_be_focused()
    rows.first.get_by_role("button", name="Mark TASK-").click()

    expect(page.locator(".inbox > li.unread")).to_have_count(0)
    expect(page.get_by_role("link", name="Newest")).to_be_focused()


@pytest.mark.parametrize("title", ["Newest", "Middle", "Oldest"])
def test_the_focus_stays_with_a_task_while_what_others_do_moves_its_row(
    title: str, ivy: tuple[Page, str], service: Service
) -> None:
    page, username = ivy
    keys = {name: assign(service, name, username) for name in ("Oldest", "Middle", "Newest")}
    open_inbox(page, unread=3)
    page.get_by_role("link", name=title).focus()

    for name in ("Oldest", "Middle"):
        comment(service, keys[name], "Soon, please.")
        expect(page.locator(".inbox > li").first).to_contain_text(name)
        expect(page.get_by_role("link", name=title)).to_be_focused()


def test_what_was_read_before_a_mark_does_not_take_it_back(ivy: tuple[Page, str], service: Service) -> None:
    page, username = ivy
    for title in ("Older", "Newer"):
        assign(service, title, username)
    open_inbox(page, unread=2)
    unread = page.locator(".inbox > li.unread")
    expect(unread).to_have_count(2)
    held: list[tuple[Route, APIResponse]] = []

    def hold_the_first(route: Route) -> None:
        if len(held) < 2:
            held.append((route, route.fetch()))
        else:
            route.continue_()

    page.route(INBOX, hold_the_first)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert wait_until(lambda: page.wait_for_timeout(20) or len(held) == 2)

    page.get_by_role("link", name="Newer").focus()
    page.keyboard.press("R")
    expect(unread).to_have_count(0)
    with page.expect_request(INBOX):  # the inbox is read again
        for route, answer in held:
            route.fulfill(response=answer)

    expect(unread).to_have_count(0)


def test_a_task_can_be_watched_from_the_inbox(ivy: tuple[Page, str], service: Service) -> None:
    page, username = ivy
    key = assign(service, "Order the white cables", username)
    open_inbox(page, unread=1)
    page.get_by_role("button", name=f"More about {key}").click()
    page.get_by_role("menuitem", name="Watch").click()

    expect(page.get_by_text(f"You watch {key}.")).to_be_visible()
    assert page.request.get(f"/api/v1/tasks/{key}/watch").json() == {"watching": True}


def test_opening_a_task_marks_it_as_read(ivy: tuple[Page, str], service: Service) -> None:
    page, username = ivy
    key = assign(service, "<b>Order</b> the red cables", username)
    open_inbox(page, unread=1)
    page.get_by_role("link", name="<b>Order</b> the red cables").click()

    page.wait_for_url(f"**/tasks/{key}")
    assert wait_until(lambda: page.request.get("/api/v1/users/me").json()["unread"] == 0)


def test_axe_finds_nothing_in_the_inbox(ivy: tuple[Page, str], service: Service) -> None:
    page, username = ivy
    key = assign(service, "Order the blue cables " + "and the longest of words " * 6, username)
    comment(service, key, f"@{username} please")
    assign(service, "אאא right to left", username)
    open_inbox(page, unread=2)
    expect(page.locator(".inbox > li")).to_have_count(2)

    assert accessibility_findings(page) == []
