"""The page on which the recipient of a mail ends the mails, with a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from taskmgr.infrastructure.unsubscribe_tokens import SignedUnsubscribeTokens
from tests.browser.people import add_user
from tests.browser.watching import OpenPage, accessibility_findings
from tests.running import Service


def test_a_button_ends_the_mails_without_signing_in(open_page: OpenPage, service: Service) -> None:
    user_id = add_user(service, "petra", "Petra")
    key = (service.place / "data" / "secret_key").read_text().strip()
    signed_in, stranger = open_page(as_="petra").page, open_page().page

    stranger.goto(f"/unsubscribe?token={SignedUnsubscribeTokens(lambda: key).make(user_id)}")
    assert accessibility_findings(stranger) == []
    stranger.get_by_role("button", name="No more mails").click()
    expect(stranger.get_by_role("heading", name="You get no more mails")).to_be_visible()

    channels = signed_in.request.get("/api/v1/users/me/notifications").json()
    assert {channels["assigned"], channels["overdue"]} == {"inbox"}


def test_an_address_that_does_not_work_is_explained(open_page: OpenPage) -> None:
    page = open_page().page
    page.goto("/unsubscribe?token=shortened")

    expect(page.get_by_role("alert")).to_contain_text("The address is not complete")
    assert accessibility_findings(page) == []
