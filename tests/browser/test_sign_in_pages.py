"""Signing in with a real browser, from the link that the first start prints to signing out.

The browser is Debian's Chromium. Without one these tests are skipped, but they fail in CI (`CI=true`).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.running import PATIENCE, Service, serving, short_folder

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium")
PASSWORD = "correct horse battery"
TIMEOUT = 1000 * PATIENCE  # milliseconds


@pytest.fixture
def new_service() -> Iterator[Service]:
    """A service whose first user has not chosen a password yet."""
    with short_folder() as place, serving(place, "--bind", "127.0.0.1:0", "--workers", "2") as service:
        yield service


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service whose first user has the password `PASSWORD`."""
    with short_folder() as place, serving(place, "--bind", "127.0.0.1:0", "--workers", "2") as service:
        body = {"link": _link(service).partition("#")[2], "password": PASSWORD}
        assert service.call("POST", "/api/v1/auth/links/use", body)[0] == 201
        yield service


def _link(service: Service) -> str:
    """Returns the link that the service has printed for its first user."""
    printed = re.search(r"http://\S+/welcome#\S+", service.out)
    assert printed
    return printed[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("NO BROWSER: the pages are not tested. Install the Debian package `chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    """A page without cookies; at the end, nothing may have gone wrong in its console."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{service.port}")
    context.set_default_timeout(TIMEOUT)
    expect.set_options(timeout=TIMEOUT)
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if _is_wrong(message) else None)
    yield page
    context.close()
    assert wrong == []


def _is_wrong(message: Any) -> bool:
    """An answer with a problem is an error to the console, too, and so is an advice of Swagger UI."""
    expected = ("Failed to load resource", "Deprecated: escaping deep link")
    return message.type == "error" and not message.text.startswith(expected)


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_the_printed_link_leads_through_a_password_to_being_signed_in(
    page: Page, new_service: Service
) -> None:
    link = _link(new_service)
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

    expect(page.locator("#whom")).to_have_text("You are Admin (admin), with the role admin.")
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

    expect(page.locator("#whom")).to_contain_text("You are Admin")


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
    expect(page.locator("#whom")).to_contain_text("You are Admin")
    cookies = page.context.cookies()

    page.get_by_role("button", name="Sign out").click()
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

    expect(page.locator("#whom")).to_contain_text("You are Admin")
    assert page.url == f"http://{host}/"


def test_no_other_page_frames_the_form(page: Page, service: Service) -> None:
    own = f"http://127.0.0.1:{service.port}"
    frame = f'<iframe src="{own}/sign-in"></iframe>'
    page.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body=frame))

    page.goto("http://evil.example/")
    page.wait_for_timeout(500)

    assert [frame.url for frame in page.frames if frame.url.startswith(own)] == []
