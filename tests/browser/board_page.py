"""What the tests do on the board."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.work import Work


def open_board(page: Page, work: Work) -> None:
    """Opens the board of a project, which has at least one task, and waits until it is drawn."""
    page.goto(work.board)
    expect(page.get_by_role("heading", name=work.name)).to_be_visible()
    expect(page.get_by_text("Loading…")).to_have_count(0)


def column(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name=name, exact=True)


def titles(column: Locator) -> list[str]:
    return column.locator("[data-card] a").all_text_contents()


def press_on(page: Page, title: str, key: str) -> None:
    """Presses a key on a card."""
    link = page.locator("[data-card]").get_by_role("link", name=title, exact=True)
    link.focus()
    page.keyboard.press(key)


def move(page: Page, title: str, status: str) -> None:
    """Moves a card with its menu."""
    press_on(page, title, "m")
    page.get_by_role("menuitem", name=status).click()


def card_of(page: Page, title: str) -> Locator:
    return page.locator("[data-card]").filter(has=page.get_by_role("link", name=title, exact=True))


def drag(page: Page, title: str, target: Locator) -> None:
    """Drags a card to the upper edge of a column or of another card."""
    hold(page, title, target)
    page.mouse.up()


def hold(page: Page, title: str, target: Locator) -> None:
    """Drags a card there without letting go of it."""
    card = card_of(page, title)
    card.get_by_role("link").hover()
    page.mouse.down()
    start, end = card.bounding_box(), target.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 60, start["y"] + 30)
    expect(card).to_have_class(re.compile("dragged"))
    for distance in (10, 5):
        page.mouse.move(end["x"] + 40, end["y"] + distance)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    expect(page.locator(".cell.over")).to_have_count(1)


def head_of(page: Page, column: str) -> Locator:
    return page.locator(".head").filter(has=page.get_by_role("heading", name=re.compile(f"^{column}")))
