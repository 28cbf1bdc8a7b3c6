"""Refused changes: for every action of the rule book, the button that deals with it, until it is done."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from taskmgr.api.schemas.problems import FIX_ACTIONS
from tests.browser.board_page import column, drag, move, open_board, press_on
from tests.browser.people import ADMIN, add_user, choose_password, link_in
from tests.browser.watching import OpenPage, Watched
from tests.browser.work import Work
from tests.running import Service, serving, short_folder, wait_until

HERE = Path(__file__).read_text("utf-8")
FOUR_EYES = "[rules]\nfour_eyes = true\n"


@pytest.fixture
def page(dashboard: Watched) -> Page:
    return dashboard.page


@pytest.fixture
def somebody(service: Service) -> str:
    """The id of a member without tasks."""
    return add_user(service, "amira" + secrets.token_hex(3), "Amira Haddad")


def panel(page: Page) -> Locator:
    return page.get_by_role("dialog", name=re.compile("^Refused"))


def press(page: Page, button: str) -> None:
    panel(page).get_by_role("button", name=button, exact=True).click()


def give_reason(page: Page, text: str = "Because") -> None:
    panel(page).get_by_label("Reason", exact=True).fill(text)
    press(page, "Give the reason")


def test_every_fix_has_its_test() -> None:
    tested = set(re.findall(r'"""`(\w+)`', HERE))

    assert tested == set(FIX_ACTIONS)


def test_a_refused_card_goes_back_and_its_steps_are_made(page: Page, work: Work) -> None:
    """`change_status` and `assign`."""
    work.task("Order cables")
    open_board(page, work)
    drag(page, "Order cables", column(page, "In review"))
    expect(panel(page)).to_contain_text("cannot move from todo to in_review")
    expect(column(page, "Todo")).to_contain_text("Order cables")
    assert wait_until(lambda: work.status_of("Order cables") == "todo")

    press(page, "Assign to me")
    expect(panel(page).get_by_role("listitem")).to_have_count(1)
    press(page, "Move to In progress first")

    expect(column(page, "In review")).to_contain_text("Order cables")
    assert wait_until(lambda: work.status_of("Order cables") == "in_review")
    assert wait_until(lambda: work.find("Order cables")["assignee_id"] is not None)


def test_a_task_is_assigned_to_somebody_else(page: Page, work: Work, somebody: str) -> None:
    """`assign` to another person."""
    work.task("Order cables")
    open_board(page, work)
    move(page, "Order cables", "In progress")
    panel(page).get_by_label("Assign to somebody else").select_option("Amira Haddad")

    expect(column(page, "In progress")).to_contain_text("Order cables")


def test_a_reason_is_given(page: Page, work: Work) -> None:
    """`give_reason`."""
    work.task("Order cables")
    open_board(page, work)
    move(page, "Order cables", "Cancelled")
    give_reason(page, "Not needed any more")

    expect(column(page, "Cancelled")).to_contain_text("Order cables")


def test_a_task_no_longer_waits_for_a_blocker(page: Page, work: Work) -> None:
    """`resolve_blockers`."""
    key = _blocked_task(work)
    open_board(page, work)
    move(page, "Waits", "In progress")
    expect(panel(page).get_by_role("link", name=f"Open {key}")).to_be_visible()
    press(page, f"Stop waiting for {key}")

    expect(column(page, "In progress")).to_contain_text("Waits")
    assert wait_until(lambda: work.find("Waits")["blocked_by"] == [])


def test_a_blocker_is_completed_first(page: Page, work: Work) -> None:
    """`resolve_blockers` by completing them."""
    key = _blocked_task(work, status="in_progress", assignee_id="me")
    open_board(page, work)
    move(page, "Waits", "In progress")
    press(page, f"Complete {key}")

    expect(column(page, "Completed")).to_contain_text("Blocks")
    expect(column(page, "In progress")).to_contain_text("Waits")


def test_a_rule_is_overridden_with_a_reason(page: Page, work: Work) -> None:
    _blocked_task(work)
    open_board(page, work)
    move(page, "Waits", "In progress")
    panel(page).get_by_text("Override the rules").click()
    panel(page).get_by_label("Reason for overriding").fill("They agreed")
    press(page, "Override")

    expect(column(page, "In progress")).to_contain_text("Waits")
    assert len(work.find("Waits")["blocked_by"]) == 1


def _blocked_task(work: Work, **blocker: object) -> str:
    """Creates a task that waits for another one; returns the key of the other one."""
    other = work.task("Blocks", **blocker)
    work.task("Waits", blocked_by=[other["id"]], assignee_id="me")
    return str(other["key"])


def test_open_subtasks_are_closed_first(page: Page, work: Work) -> None:
    """`close_subtasks`."""
    parent = work.task("Parent", status="in_progress", assignee_id="me")
    key = work.task("Part", parent_id=parent["id"])["key"]
    open_board(page, work)
    move(page, "Parent", "Completed")
    press(page, f"Cancel {key}")
    give_reason(page)

    expect(column(page, "Cancelled")).to_contain_text("Part")
    expect(column(page, "Completed")).to_contain_text("Parent")


def test_a_closed_parent_is_reopened_first(page: Page, work: Work) -> None:
    """`reopen_parent`."""
    parent = work.task("Parent")
    work.task("Part", parent_id=parent["id"])
    work.change("Part", status="cancelled", reason="No")
    work.change("Parent", status="cancelled", reason="No")
    open_board(page, work)
    move(page, "Part", "Todo")
    press(page, f"Reopen {parent['key']}")
    give_reason(page, "Wanted again")
    expect(panel(page)).to_contain_text("reopening")
    give_reason(page, "Wanted again")

    expect(column(page, "Todo")).to_contain_text("Parent")
    expect(column(page, "Todo")).to_contain_text("Part")


def test_a_parent_in_the_bin_is_restored_first(page: Page, work: Work) -> None:
    """`restore_parent`."""
    parent = work.task("Parent")
    work.task("Part", parent_id=parent["id"])
    open_board(page, work)
    _choose(page, "Part", "Move to the bin")
    expect(page.get_by_text("Part", exact=True)).to_have_count(0)
    work.bin("Parent")
    page.get_by_role("button", name="Undo").click()
    press(page, f"Restore {parent['key']}")

    expect(column(page, "Todo")).to_contain_text("Parent")
    expect(column(page, "Todo")).to_contain_text("Part")


def _choose(page: Page, title: str, item: str) -> None:
    """Chooses an item of a card's menu."""
    card = page.locator("[data-card]").filter(has=page.get_by_role("link", name=title, exact=True))
    card.get_by_role("button", name=re.compile("Menu of")).click()
    page.locator("[role^=menuitem]").filter(has_text=item).click()


def test_one_of_too_many_started_tasks_is_finished_first(page: Page, work: Work, somebody: str) -> None:
    """`finish_task`."""
    started = [work.task(f"Started {n}", status="in_progress", assignee_id=somebody) for n in range(5)]
    work.task("Another", assignee_id=somebody)
    open_board(page, work)
    move(page, "Another", "In progress")
    press(page, f"Complete {started[2]['key']}")

    expect(column(page, "In progress")).to_contain_text("Another")
    expect(column(page, "Completed")).to_contain_text("Started 2")


def test_one_of_too_many_urgent_tasks_is_lowered_first(page: Page, work: Work, somebody: str) -> None:
    """`lower_urgent`."""
    fields = {"priority": "urgent", "due_date": "2030-01-01", "assignee_id": somebody}
    urgent = [work.task(f"Urgent {n}", **fields) for n in range(3)]
    work.task("Another", due_date="2030-01-01", assignee_id=somebody)
    open_board(page, work)
    _choose(page, "Another", "Priority: urgent")
    press(page, f"Lower {urgent[1]['key']} to high")
    give_reason(page)

    assert wait_until(lambda: page.wait_for_timeout(20) or work.find("Another")["priority"] == "urgent")
    assert wait_until(lambda: work.find("Urgent 1")["priority"] == "high")


def test_an_urgent_task_gets_a_due_date(page: Page, work: Work) -> None:
    """`set_due_date`."""
    work.task("Order cables")
    open_board(page, work)
    _choose(page, "Order cables", "Priority: urgent")
    panel(page).get_by_label("Due date").fill("2030-03-31")
    press(page, "Set the due date")

    assert wait_until(lambda: page.wait_for_timeout(20) or work.find("Order cables")["priority"] == "urgent")
    assert wait_until(lambda: work.find("Order cables")["due_date"] == "2030-03-31")


def test_a_project_is_taken_out_of_the_archive_first(page: Page, work: Work) -> None:
    """`unarchive_project`."""
    work.task("Order cables")
    open_board(page, work)
    work.archive()
    move(page, "Order cables", "Backlog")
    press(page, f"Take {work.key} out of the archive")

    expect(column(page, "Backlog")).to_contain_text("Order cables")


def test_subtasks_are_moved_to_the_bin_first(page: Page, work: Work) -> None:
    """`bin_subtasks`."""
    parent = work.task("Parent")
    key = work.task("Part", parent_id=parent["id"])["key"]
    open_board(page, work)
    _choose(page, "Parent", "Move to the bin")
    press(page, f"Move {key} to the bin")

    expect(page.locator("[data-card]")).to_have_count(0)
    assert {task["title"] for task in work.all(bin=True)} == {"Parent", "Part"}


@pytest.fixture(scope="module")
def careful_service() -> Iterator[Service]:
    """A service that requires four eyes."""
    with short_folder() as place:
        policy = place / "policy.toml"
        policy.write_text(FOUR_EYES)
        with serving(place, "--bind", "127.0.0.1:0", "--workers", "1", POLICY=str(policy)) as service:
            choose_password(service, link_in(service))
            yield service


def test_somebody_else_is_asked_in_a_comment(open_page: OpenPage, careful_service: Service) -> None:
    """`ask_another`."""
    work = Work(careful_service)
    task: Any = work.task("Order cables", status="in_progress", assignee_id="me")
    page = open_page(as_=ADMIN, at=careful_service).page
    open_board(page, work)
    press_on(page, "Order cables", "m")
    page.get_by_role("menuitem", name="Completed").click()
    press(page, "Ask somebody in a comment")
    page.get_by_label("Comment").fill("Please complete this")
    page.get_by_role("button", name="Comment", exact=True).click()

    path = f"/api/v1/tasks/{task['id']}/comments"
    assert wait_until(lambda: page.wait_for_timeout(20) or careful_service.call("GET", path)[1]["items"])


def test_another_project_becomes_the_default_before_this_one_is_archived(
    open_page: OpenPage, careful_service: Service
) -> None:
    """`choose_default_project`."""
    other = Work(careful_service)
    page = open_page(as_=ADMIN, at=careful_service).page
    page.goto("/admin/projects")
    page.get_by_role("button", name="Change TASK").click()
    page.get_by_role("menuitem", name="Archive").click()
    expect(panel(page)).to_contain_text("default")
    panel(page).get_by_label("Choose another default project").select_option(f"{other.key} {other.name}")

    expect(panel(page)).to_have_count(0)
    rows = {key: page.get_by_role("listitem").filter(has_text=key) for key in ("TASK", other.key)}
    expect(rows["TASK"].get_by_text("Archived", exact=True)).to_be_visible()
    expect(rows[other.key].get_by_text("Default", exact=True)).to_be_visible()
    path = "/api/v1/projects/"
    assert careful_service.call("GET", path + "TASK")[1]["archived_at"] is not None
    assert careful_service.call("GET", path + other.key)[1]["default"] is True
