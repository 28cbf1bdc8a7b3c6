"""Signing in at an identity provider with a real browser, and linking accounts in the settings."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import PASSWORD, add_user, choose_password, link_in, require_recent_sign_in
from tests.browser.watching import OpenPage, accessibility_findings
from tests.provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.running import Service, free_port, serving, short_folder, wait_until

_NUMBERS = itertools.count()
SIGN_IN = "Sign in with 127.0.0.1"


@pytest.fixture(scope="module")
def running_provider() -> Iterator[Provider]:
    with Provider().running() as provider:
        yield provider


@pytest.fixture
def provider(running_provider: Provider) -> Provider:
    """A provider at which somebody who has never been here is signed in."""
    name = f"grace{next(_NUMBERS)}"
    running_provider.claims, running_provider.auth_time = {}, int(time.time())
    running_provider.person |= {
        "sub": f"subject of {name}", "preferred_username": name, "email": f"{name}@example.org",
    }  # fmt: skip
    return running_provider


@pytest.fixture(scope="module")
def trusting(running_provider: Provider) -> Iterator[Service]:
    """A service that makes everybody a member who comes from the provider."""
    provider, port = running_provider, free_port()
    public_url = f"http://127.0.0.1:{port}"
    provider.client.redirect_uris.append(f"{public_url}/api/v1/auth/oidc/callback")
    settings = {
        "PUBLIC_URL": public_url,
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_ALLOWED_DOMAINS": "example.org",
        "OIDC_ROLE": "member",
        "OUTGOING_NETWORKS": "127.0.0.0/8",
        "OUTGOING_PORTS": str(provider.port),
    }
    with short_folder() as place, serving(place, "--bind", f"127.0.0.1:{port}", **settings) as service:
        choose_password(service, link_in(service))
        yield service


def username_of(provider: Provider) -> str:
    return str(provider.person["preferred_username"])


def sign_in_at_the_provider(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_role("link", name=SIGN_IN).click()


def sign_in_with_the_password(page: Page, username: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def expect_signed_in(page: Page) -> None:
    expect(page.get_by_role("button", name="your menu")).to_be_visible()


# --- on the page for signing in


def test_somebody_links_an_account_and_signs_in_with_it(
    open_page: OpenPage, trusting: Service, provider: Provider
) -> None:
    username = username_of(provider)
    add_user(trusting, username, "Grace")
    page = open_page(at=trusting).page
    page.goto("/sign-in#next=/docs%23/users")
    expect(page.get_by_role("checkbox")).to_be_hidden()
    page.get_by_role("link", name=SIGN_IN).click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody here has your username")

    page.get_by_role("checkbox").check()
    sign_in_with_the_password(page, username)
    page.wait_for_url("**/docs#/users")
    page.context.clear_cookies()
    sign_in_at_the_provider(page)

    expect_signed_in(page)


def test_an_answer_that_is_not_acceptable_is_explained_and_the_password_still_works(
    open_page: OpenPage, trusting: Service, provider: Provider
) -> None:
    page = open_page(at=trusting).page
    provider.claims = {"aud": "another-client"}
    sign_in_at_the_provider(page)
    expect(page.get_by_role("alert")).to_contain_text("answer cannot be accepted")
    sign_in_with_the_password(page, "admin")

    expect_signed_in(page)


# --- in the settings


def test_an_account_is_linked_and_unlinked_in_the_settings(
    open_page: OpenPage, trusting: Service, provider: Provider
) -> None:
    username = username_of(provider)
    add_user(trusting, username, "Grace")
    page = open_page(as_=username, at=trusting).page
    page.goto("/settings/sign-in")
    expect(page.get_by_text("No linked accounts.")).to_be_visible()
    page.get_by_role("button", name="Link an account").click()
    expect(page.locator(".rows > li")).to_contain_text(f"subject of {username}")
    assert accessibility_findings(page) == []
    page.context.clear_cookies()
    sign_in_at_the_provider(page)
    expect_signed_in(page)

    page.goto("/settings/sign-in")
    page.get_by_role("button", name="Unlink the account of 127.0.0.1").click()
    page.get_by_role("button", name="Unlink it").click()
    page.wait_for_url("**/sign-in#next=/settings/sign-in")
    sign_in_at_the_provider(page)

    expect(page.get_by_role("alert")).to_contain_text("Somebody here has your username")


def test_somebody_whose_account_is_another_users_can_go_back_to_the_settings(
    open_page: OpenPage, trusting: Service, provider: Provider
) -> None:
    sign_in_at_the_provider(open_page(at=trusting).page)
    page = open_page(as_="admin", at=trusting).page
    page.goto("/settings/sign-in")
    page.get_by_role("button", name="Link an account").click()
    expect(page.get_by_role("alert")).to_contain_text("linked to another user")
    page.get_by_role("button", name="Go back without linking").click()

    expect(page.get_by_text("No linked accounts.")).to_be_visible()


def test_an_admin_sees_and_unlinks_the_account_of_a_user(
    open_page: OpenPage, trusting: Service, provider: Provider
) -> None:
    username = username_of(provider)
    user_page = open_page(at=trusting).page
    sign_in_at_the_provider(user_page)
    expect_signed_in(user_page)
    page = open_page(as_="admin", at=trusting).page
    page.goto(f"/admin/users/{username}")
    accounts = page.locator("section").filter(has=page.get_by_role("heading", name="Linked accounts"))
    expect(accounts).to_contain_text(f"subject of {username}")
    assert accessibility_findings(page) == []
    accounts.get_by_role("button", name="Unlink the account of 127.0.0.1").click()
    page.get_by_role("button", name="Unlink it").click()

    expect(page.get_by_role("status").filter(has_text="is unlinked")).to_be_visible()
    expect(accounts).to_have_count(0)
    user_page.goto("/list")
    user_page.wait_for_url("**/sign-in#*")


def test_the_only_way_in_cannot_be_unlinked_in_the_settings(
    open_page: OpenPage, trusting: Service, provider: Provider
) -> None:
    page = open_page(at=trusting).page
    sign_in_at_the_provider(page)
    expect_signed_in(page)
    page.goto("/settings/sign-in")

    expect(page.get_by_text("You have no password.")).to_be_visible()
    expect(page.get_by_text("Without an account you could not sign in.")).to_be_visible()
    expect(page.get_by_role("button", name="Unlink")).to_have_count(0)
    assert accessibility_findings(page) == []


# --- signing in again


def save_an_address(page: Page, provider: Provider) -> str:
    """Saves another e-mail address in a session that began too long ago, as far as the page can tell."""
    page.goto("/settings")
    require_recent_sign_in(page, "**/api/v1/users/*")
    address = f"new-{provider.person['email']}"
    page.get_by_label("E-mail address").fill(address)
    page.get_by_role("button", name="Save").click()
    return address


def test_somebody_without_a_password_signs_in_again_at_the_provider_and_goes_on(
    open_page: OpenPage, trusting: Service, provider: Provider
) -> None:
    page = open_page(at=trusting).page
    sign_in_at_the_provider(page)
    expect_signed_in(page)
    before = page.context.cookies()
    address = save_an_address(page, provider)
    dialog = page.get_by_role("dialog", name="Is it you, Grace Hopper?")
    expect(dialog.get_by_label("Password")).to_have_count(0)
    assert accessibility_findings(page) == []
    with page.expect_popup() as popup:
        dialog.get_by_role("button", name=SIGN_IN).click()

    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert wait_until(lambda: page.title() and popup.value.is_closed())  # a call, to hear of the end
    assert page.request.get("/api/v1/users/me").json()["email"] == address
    assert page.context.cookies() != before


def test_somebody_elses_account_is_no_second_sign_in(
    open_page: OpenPage, trusting: Service, provider: Provider
) -> None:
    page = open_page(at=trusting).page
    sign_in_at_the_provider(page)
    expect_signed_in(page)
    own = dict(provider.person)
    save_an_address(page, provider)
    dialog = page.get_by_role("dialog", name="Is it you, Grace Hopper?")
    provider.person |= {"sub": "somebody else"}
    with page.expect_popup() as popup:
        dialog.get_by_role("button", name=SIGN_IN).click()
    expect(popup.value.get_by_role("alert")).to_contain_text("not linked to the user who is signed in here")
    expect(dialog).to_be_visible()
    provider.person |= own
    popup.value.get_by_role("link", name=SIGN_IN).click()

    expect(page.get_by_text("Your profile is saved.")).to_be_visible()


def test_whoever_gives_up_signing_in_again_keeps_what_was_typed(
    open_page: OpenPage, trusting: Service, provider: Provider
) -> None:
    page = open_page(at=trusting).page
    sign_in_at_the_provider(page)
    expect_signed_in(page)
    address = save_an_address(page, provider)
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    expect(page.get_by_label("E-mail address")).to_have_value(address)
    expect(page.get_by_text("Sign in again.", exact=True)).to_be_visible()
