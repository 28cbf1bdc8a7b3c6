"""The settings: profile, password, sessions, tokens, notifications, appearance."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import PASSWORD, add_user, require_recent_sign_in
from tests.browser.watching import OpenPage, Watched, accessibility_findings
from tests.running import Service

_NUMBERS = itertools.count()
OTHER_PASSWORD = "another horse battery"
ADDRESSES = {"Profile": "/settings", "Password": "/settings/sign-in"}


@pytest.fixture
def page(dashboard: Watched, service: Service, open_page: OpenPage) -> Page:
    """A page of a user of this test alone, who is called Mia."""
    return open_page(as_=new_user(service)).page


def new_user(service: Service) -> str:
    username = f"mia{next(_NUMBERS)}"
    add_user(service, username, "Mia")
    return username


def open_settings(page: Page, section: str) -> None:
    page.goto(ADDRESSES.get(section, f"/settings/{section.lower()}"))
    expect(page.get_by_role("heading", name=section, exact=True)).to_be_visible()


def test_the_name_is_changed_everywhere(page: Page) -> None:
    open_settings(page, "Profile")
    page.get_by_label("Name", exact=True).fill("Mia <b>Berg</b>")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    expect(page.get_by_role("button", name="Mia <b>Berg</b>: your menu")).to_be_visible()


def test_a_mistake_is_shown_at_its_field(page: Page, service: Service) -> None:
    service.call("POST", "/api/v1/users", {"username": "taken", "name": "T", "email": "taken@example.com"})
    open_settings(page, "Profile")
    email = page.get_by_label("E-mail address")
    email.fill("taken@example.com")
    page.get_by_role("button", name="Save").click()

    expect(email).to_be_focused()
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description(re.compile("Another user has"))


def test_changing_the_address_asks_for_the_password_if_the_sign_in_is_old(page: Page) -> None:
    open_settings(page, "Profile")
    require_recent_sign_in(page, "**/api/v1/users/*")
    page.get_by_label("E-mail address").fill("mia-again@example.com")
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Is it you, Mia?")
    dialog.get_by_label("Password").fill("wrong horse battery")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_label("Password")).to_have_accessible_description(re.compile("wrong"))
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Continue").click()

    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert page.request.get("/api/v1/users/me").json()["email"] == "mia-again@example.com"


def test_changing_the_password_keeps_only_this_session(page: Page, open_page: OpenPage) -> None:
    username = page.request.get("/api/v1/users/me").json()["username"]
    other = open_page(as_=username).page
    open_settings(page, "Password")
    for label, text in (
        ("Present", PASSWORD),
        ("New password", OTHER_PASSWORD),
        ("The same", "something else"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_label("The same")).to_have_accessible_description("The two passwords differ.")
    page.get_by_label("The same").fill(OTHER_PASSWORD)
    page.get_by_role("button", name="Change the password").click()

    expect(page.get_by_text("Your password is changed")).to_be_visible()
    expect(page.get_by_label("Present")).to_have_value("")
    assert page.request.get("/api/v1/users/me").ok
    other.goto("/settings")
    other.wait_for_url("**/sign-in#next=*")


def test_a_token_is_shown_once_and_can_be_revoked(page: Page, service: Service) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_settings(page, "Tokens")
    require_recent_sign_in(page, "**/api/v1/tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill("<i>Laptop</i>")
    page.get_by_label("Only some things").check()
    page.get_by_label("tasks:read").check()
    page.get_by_role("button", name="Create").click()
    page.get_by_role("dialog", name="Is it you").get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    secret = page.get_by_label("Token “<i>Laptop</i>”").input_value()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("button", name="Done").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert secret not in page.content()
    assert page.locator("input").count() == 0
    authorization = {"Authorization": f"Bearer {secret}"}
    assert service.ask("GET", "/api/v1/tasks", headers=authorization)[0] == 200
    assert service.ask("GET", "/api/v1/users", headers=authorization)[0] == 403
    page.get_by_role("button", name="Revoke <i>Laptop</i>").click()
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_text("No tokens.")).to_be_visible()


def test_the_other_sessions_can_be_ended(page: Page, open_page: OpenPage) -> None:
    username = page.request.get("/api/v1/users/me").json()["username"]
    others = [open_page(as_=username).page for _ in range(2)]
    open_settings(page, "Sessions")
    expect(page.locator(".rows > li")).to_have_count(4)
    page.locator(".rows").get_by_role("button", name="End the session").first.click()
    expect(page.locator(".rows > li")).to_have_count(3)
    page.get_by_role("button", name="End all others").click()
    page.get_by_role("button", name="End them").click()

    expect(page.locator(".rows > li")).to_have_count(1)
    expect(page.locator(".rows > li")).to_contain_text("This browser")
    for other in others:
        other.goto("/settings")
        other.wait_for_url("**/sign-in#next=*")


def test_a_choice_about_notifications_counts_at_once(page: Page) -> None:
    open_settings(page, "Notifications")
    page.get_by_label("Somebody mentions you").select_option("Nothing")
    expect(page.get_by_text("Your choice is saved.")).to_be_attached()
    page.reload()
    expect(page.get_by_label("Somebody mentions you")).to_have_value("nothing")
    page.get_by_role("button", name="Use the defaults").click()

    expect(page.get_by_label("Somebody mentions you")).to_have_value("mail")


def test_the_palette_leads_to_the_settings(page: Page) -> None:
    open_settings(page, "Profile")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("settings app")
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="Dark Light text").check()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize(
    "section", ["Profile", "Password", "Sessions", "Tokens", "Notifications", "Appearance"]
)
def test_axe_finds_nothing_in_the_settings(section: str, page: Page) -> None:
    open_settings(page, section)
    if section == "Tokens":
        page.get_by_role("button", name="New token").click()
        page.get_by_label("Only some things").check()
    assert accessibility_findings(page) == []
