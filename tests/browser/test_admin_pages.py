"""The admin pages: users, projects, webhooks, the policy in force, the service."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import (
    ADMIN,
    PASSWORD,
    add_user,
    choose_password,
    link_in,
    require_recent_sign_in,
)
from tests.browser.receiver import ATTACK, receiving
from tests.browser.watching import OpenPage, Watched, accessibility_findings
from tests.running import Service, serving, short_folder


@pytest.fixture(scope="module")
def receiver_and_service() -> Iterator[tuple[str, Service]]:
    """The address of a receiver of webhooks, and a service that may call it."""
    with (
        receiving() as (address, settings),
        short_folder() as place,
        serving(place, "--bind", "127.0.0.1:0", "--workers", "1", **settings) as service,
    ):
        choose_password(service, link_in(service))
        yield address, service


@pytest.fixture
def receiver(receiver_and_service: tuple[str, Service]) -> str:
    """The address of the receiver."""
    return receiver_and_service[0]


@pytest.fixture
def calling_service(receiver_and_service: tuple[str, Service]) -> Service:
    """The service that may call the receiver."""
    return receiver_and_service[1]


@pytest.fixture
def page(dashboard: Watched) -> Page:
    return dashboard.page


def open_admin(page: Page, heading: str, path: str = "") -> None:
    page.goto(f"/admin{path}")
    main = page.get_by_role("main")  # the navigation has headings, too
    expect(main.get_by_role("heading", name=heading, exact=True)).to_be_visible()


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
    page.get_by_label("Role").select_option("Viewer")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/admin/users/walt.new")
    expect(page.get_by_text("No sessions.")).to_be_visible()  # the lower role has ended them

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


def test_projects_are_created_renamed_and_archived(page: Page) -> None:
    open_admin(page, "Projects", "/projects")
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Key").fill("task")
    page.get_by_label("Name").fill("Lab")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_label("Key")).to_be_focused()
    page.get_by_label("Key").fill("lab")
    page.get_by_role("button", name="Create").click()
    row = page.locator(".rows > li", has_text="LAB")
    expect(row).to_contain_text("0 open")

    page.get_by_role("button", name="Change LAB").click()
    page.get_by_role("menuitem", name="Name and description").click()
    page.get_by_role("textbox", name="Name").fill(ATTACK)
    page.get_by_role("button", name="Save").click()
    expect(row.get_by_role("link", name=ATTACK)).to_be_visible()
    page.get_by_role("button", name="Change LAB").click()
    page.get_by_role("menuitem", name="Archive").click()
    expect(row.get_by_text("Archived")).to_be_visible()


def test_a_webhook_is_created_tested_changed_and_deleted(
    dashboard: Watched, calling_service: Service, receiver: str, open_page: OpenPage
) -> None:
    page = open_page(as_=ADMIN, at=calling_service).page
    open_admin(page, "Webhooks", "/webhooks")
    page.get_by_role("button", name="New webhook").click()
    page.get_by_label("Address").fill(receiver)
    page.get_by_label("Kinds").fill("task.misspelt")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_label("Kinds")).to_be_focused()
    page.get_by_label("Kinds").fill("task.*, comment.*")
    page.get_by_role("button", name="Create").click()
    secret = page.get_by_label("Secret", exact=True).input_value()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert secret.startswith("whsec_")
    assert secret not in page.content()

    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("dialog")).to_contain_text("Status 200")
    expect(page.get_by_role("dialog")).to_contain_text(ATTACK)
    page.get_by_role("button", name="Close").click()
    calling_service.create("Order the cables")
    expect(page.get_by_text("No deliveries.")).to_be_visible()
    repeat = page.get_by_role("button", name="Send change")
    while not repeat.count():
        page.get_by_role("button", name="Read again").click()
        page.wait_for_timeout(100)
    repeat.click()
    expect(page.get_by_text("is being sent again.")).to_be_visible()
    page.locator("summary", has_text="task.created").click()
    assert accessibility_findings(page) == []

    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Replace the secret").click()
    page.get_by_role("button", name="Replace it").click()
    assert page.get_by_label("Secret", exact=True).input_value() != secret
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Disable").click()
    expect(page.get_by_text("Disabled")).to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("No webhooks.")).to_be_visible()


def sign_in_again(page: Page) -> None:
    dialog = page.get_by_role("dialog", name="Is it you")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Continue").click()


def test_raising_a_role_asks_to_sign_in_again_and_goes_on(page: Page, service: Service) -> None:
    add_user(service, "olga", "Olga")
    open_admin(page, "Sessions", "/users/olga")
    require_recent_sign_in(page, "**/api/v1/users/*")
    page.get_by_label("Role").select_option("Admin")
    page.get_by_role("button", name="Save").click()
    sign_in_again(page)

    expect(page.get_by_text("The profile of Olga is saved.")).to_be_visible()
    expect(page.get_by_label("Role")).to_have_value("admin")


def test_changing_webhooks_asks_to_sign_in_again_and_goes_on(
    dashboard: Watched, calling_service: Service, receiver: str, open_page: OpenPage
) -> None:
    page = open_page(as_=ADMIN, at=calling_service).page
    open_admin(page, "Webhooks", "/webhooks")
    require_recent_sign_in(page, "**/api/v1/webhooks")
    page.get_by_role("button", name="New webhook").click()
    page.get_by_label("Address").fill(receiver)
    page.get_by_role("button", name="Create").click()
    sign_in_again(page)
    page.get_by_role("button", name="Done").click()

    require_recent_sign_in(page, "**/api/v1/webhooks/*")
    page.get_by_label("Description").fill("For the chat")
    page.get_by_role("button", name="Save").click()
    sign_in_again(page)
    expect(page.get_by_text("The webhook is saved.")).to_be_visible()

    require_recent_sign_in(page, "**/api/v1/webhooks/*/rotate-secret")
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Replace the secret").click()
    page.get_by_role("button", name="Replace it").click()
    sign_in_again(page)
    expect(page.get_by_label("Secret", exact=True)).to_have_value(re.compile("whsec_"))


def test_the_policy_shows_which_moves_are_possible(page: Page) -> None:
    open_admin(page, "Statuses and moves", "/policy")
    row = page.get_by_role("row", name="Todo")
    expect(row.get_by_text("yes")).to_have_count(3)
    expect(page.get_by_text("At most 5 started tasks")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("", "Users"),
        (f"/users/{ADMIN}", "Sessions"),
        ("/projects", "Projects"),
        ("/webhooks", "Webhooks"),
        ("/policy", "Rules and limits"),
        ("/service", "Service"),
    ],
)
def test_axe_finds_nothing_in_the_admin_pages(path: str, heading: str, page: Page) -> None:
    open_admin(page, heading, path)
    assert accessibility_findings(page) == []
