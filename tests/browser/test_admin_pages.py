"""The admin pages: users, projects, webhooks, the policy in force, the service."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import ADMIN, PASSWORD, add_user
from tests.browser.watching import OpenPage, Watched
from tests.running import Service

ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture
def page(dashboard: Watched) -> Page:
    return dashboard.page


def open_admin(page: Page, heading: str, path: str = "") -> None:
    page.goto(f"/admin{path}")
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


def test_a_member_sees_no_admin_pages(dashboard: Watched, service: Service, open_page: OpenPage) -> None:
    add_user(service, "eve", "Eve")
    page = open_page(as_="eve").page
    page.goto("/admin/webhooks")

    expect(page.get_by_role("heading", name="For admins only")).to_be_visible()
    expect(page.get_by_role("link", name="Admin")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("admin:")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()


def test_an_invited_user_chooses_a_password_with_a_link_that_is_shown_once(
    page: Page, open_page: OpenPage
) -> None:
    open_admin(page, "Users")
    page.get_by_role("button", name="Invite").click()
    page.get_by_label("Username").fill("zoe.new")
    page.get_by_label("Name", exact=True).fill(f"Zoe {ATTACK}")
    page.get_by_role("dialog").get_by_role("button", name="Invite").click()
    link = page.get_by_label("Link for zoe.new").input_value()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert link.partition("#")[2] not in page.content()
    expect(page.get_by_role("link", name=f"Zoe {ATTACK}")).to_be_visible()

    invited = open_page().page
    invited.goto(link)
    invited.get_by_label("Password, of at least").fill(PASSWORD)
    invited.get_by_label("The same again").fill(PASSWORD)
    invited.get_by_role("button").click()
    expect(invited.get_by_role("button", name="Zoe")).to_be_visible()


def test_users_are_found_changed_and_deactivated(page: Page, service: Service) -> None:
    add_user(service, "walt.old", "Walt")
    open_admin(page, "Users")
    page.get_by_label("Search users").fill("walt")
    expect(page.get_by_text("1 user", exact=True)).to_be_visible()
    page.get_by_role("link", name="Walt").click()
    page.get_by_label("Username").fill("walt.new")
    page.get_by_label("Role").select_option("Manager")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/admin/users/walt.new")
    expect(page.locator(".rows > li")).to_have_count(0)  # the other role has ended the sessions

    page.get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(page.get_by_role("button", name="Activate", exact=True)).to_be_visible()
    page.get_by_role("link", name="Users").click()
    page.get_by_label("Which users").select_option("Deactivated")
    expect(page.get_by_role("link", name="Walt")).to_be_visible()


def test_a_refusal_says_why(page: Page) -> None:
    open_admin(page, "Sessions", f"/users/{ADMIN}")
    page.get_by_role("button", name="Deactivate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Deactivate").click()

    expect(dialog.get_by_role("alert")).to_contain_text("last active admin")


def test_the_policy_shows_which_moves_are_possible(page: Page) -> None:
    open_admin(page, "Statuses and moves", "/policy")
    row = page.get_by_role("row", name="Todo")
    expect(row.get_by_text("yes")).to_have_count(3)
    expect(page.get_by_text("At most 5 started tasks")).to_be_visible()
