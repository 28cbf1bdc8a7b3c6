"""Signing in with a real browser, from the link that the first start prints to signing out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import PASSWORD, link_in
from tests.browser.watching import OpenPage
from tests.running import Service, serving, short_folder


@pytest.fixture
def new_service() -> Iterator[Service]:
    """A service whose first user has not chosen a password yet."""
    with short_folder() as place, serving(place, "--bind", "127.0.0.1:0", "--workers", "2") as service:
        yield service


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page without cookies."""
    return open_page().page


def expect_signed_in(page: Page) -> None:
    expect(page.get_by_role("button", name="Admin: your menu")).to_be_visible()


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_the_printed_link_leads_through_a_password_to_being_signed_in(
    page: Page, new_service: Service
) -> None:
    link = link_in(new_service)
    page.goto(link)
    expect(page.locator("#whom")).to_have_text("Welcome, Admin. Your username is admin.")
    assert "#" not in page.url

    page.get_by_label("Password, of at least").fill("password12345")
    page.get_by_label("The same again").fill("password12345")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("too common")
    page.get_by_label("Password, of at least").fill(PASSWORD)
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button").click()

    expect_signed_in(page)
    (session, known) = sorted(page.context.cookies(), key=lambda cookie: str(cookie["name"]), reverse=True)
    for cookie in (session, known):
        assert str(cookie["name"]).startswith("__Host-")
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")
    assert page.evaluate("document.cookie") == ""

    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("does not work any more")


def test_who_is_not_signed_in_is_led_to_the_form_and_back(page: Page) -> None:
    page.goto("/")
    page.wait_for_url("**/sign-in")

    sign_in(page, "wrong horse battery")
    expect(page.get_by_role("alert")).to_have_text("The username or the password is wrong.")
    sign_in(page)

    expect_signed_in(page)


def test_the_page_of_the_api_works_with_the_session(page: Page) -> None:
    page.goto("/sign-in#next=/docs%23/tasks/create_task")
    sign_in(page)
    page.wait_for_url("**/docs#/tasks/create_task")

    page.get_by_role("button", name="Try it out").click()
    with page.expect_response(lambda answer: answer.request.method == "POST") as caught:
        page.get_by_role("button", name="Execute").click()

    assert caught.value.status in (201, 422)  # what the example says: it was let in
    assert "authorization" not in caught.value.request.headers


def test_signing_out_ends_the_session(page: Page) -> None:
    page.goto("/sign-in")
    sign_in(page)
    expect_signed_in(page)
    cookies = page.context.cookies()

    page.get_by_role("button", name="Admin: your menu").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.wait_for_url("**/sign-in")

    assert [cookie["name"] for cookie in page.context.cookies()] == ["__Host-taskmgr_browser"]
    page.wait_for_timeout(1_100)  # until every worker knows
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.goto("/")
    page.wait_for_url("**/sign-in")


@pytest.mark.parametrize(
    "next_page",
    ["//evil.example/", "https://evil.example/", "/\\evil.example", "/.//evil.example", "javascript:alert(1)",
     "http:evil.example", "\\\\evil.example", "/%09/evil.example", "data:text/html,x", ""],
)  # fmt: skip
def test_next_leads_nowhere_else(next_page: str, page: Page, service: Service) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/sign-in")
    page.evaluate("(next) => history.replaceState(null, '', '#next=' + encodeURIComponent(next))", next_page)
    sign_in(page)
    page.wait_for_url(lambda url: "sign-in" not in url)

    own = f"http://127.0.0.1:{service.port}/"
    assert page.url.startswith(own)
    assert all(url.startswith(own) for url in asked)


@pytest.mark.parametrize("next_page", ["blob:{own}x", "view-source:{own}", "{scheme}//mallory@{host}/"])
def test_next_leads_to_no_other_form_of_an_own_address(next_page: str, page: Page, service: Service) -> None:
    host = f"127.0.0.1:{service.port}"
    next_page = next_page.format(own=f"http://{host}/", scheme="http:", host=host)
    page.goto("/sign-in")
    page.evaluate("(next) => history.replaceState(null, '', '#next=' + encodeURIComponent(next))", next_page)

    sign_in(page)

    expect_signed_in(page)
    assert page.url == f"http://{host}/"


def test_no_other_page_frames_the_form(page: Page, service: Service) -> None:
    own = f"http://127.0.0.1:{service.port}"
    frame = f'<iframe src="{own}/sign-in"></iframe>'
    page.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body=frame))

    page.goto("http://evil.example/")
    page.wait_for_timeout(500)

    assert [frame.url for frame in page.frames if frame.url.startswith(own)] == []
