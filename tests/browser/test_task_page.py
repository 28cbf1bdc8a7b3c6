"""The page of a task: what is shown, editing in place, comments, relations, and what others do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.people import add_user
from tests.browser.watching import OpenPage, Watched, accessibility_findings
from tests.running import Service, wait_until

MARK = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def nora(service: Service) -> str:
    """The username of a manager."""
    add_user(service, "nora", f"Nora {MARK}", role="manager")
    return "nora"


@pytest.fixture
def task(service: Service) -> Iterator[dict[str, Any]]:
    yield create(service, title="Order the cables", description="From **Leeds**.", assignee_id="admin")
    # The limit for started tasks is shared by all tests.
    for started in service.call("GET", "/api/v1/tasks?category=started&assignee=admin")[1]["items"]:
        service.call("PUT", f"/api/v1/tasks/{started['id']}/status", {"status": "todo"})


def create(service: Service, **fields: object) -> dict[str, Any]:
    status, task = service.call("POST", "/api/v1/tasks", fields)
    assert status == 201, task
    return dict(task)


def change(service: Service, task: dict[str, Any], **fields: object) -> None:
    status, answer = service.call("PATCH", f"/api/v1/tasks/{task['id']}", fields)
    assert status == 200, answer


def stored(service: Service, task: dict[str, Any]) -> dict[str, Any]:
    return dict(service.call("GET", f"/api/v1/tasks/{task['id']}")[1])


def change_before_the_next_request(
    page: Page, service: Service, task: dict[str, Any], **fields: object
) -> None:
    """Changes the task when the page sends its next request about it, so that the page cannot know."""

    def overtake(route: Route) -> None:
        change(service, task, **fields)
        route.continue_()

    page.route("**/api/v1/tasks/*", overtake, times=1)


def show(watched: Watched, task: dict[str, Any]) -> Page:
    page = watched.page
    page.goto(f"/tasks/{task['key']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(task["title"])
    return page


def test_it_shows_a_task_by_any_of_its_keys(
    dashboard: Watched, service: Service, task: dict[str, Any]
) -> None:
    page = show(dashboard, task)
    expect(page.get_by_role("region", name="Description").locator("strong")).to_have_text("Leeds")
    expect(page).to_have_title(f"{task['key']} Order the cables · taskmgr")

    page.goto(f"/tasks/{task['key'].lower()}")
    page.wait_for_url(f"**/tasks/{task['key']}")
    page.goto("/tasks/TASK-999999")
    expect(page.get_by_role("heading", name="This task cannot be shown")).to_be_visible()


def test_title_and_description_are_edited_in_place(
    dashboard: Watched, service: Service, task: dict[str, Any]
) -> None:
    page = show(dashboard, task)
    page.keyboard.press("t")
    page.get_by_role("textbox", name="Title", exact=True).fill("Order violet cables")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Order violet cables")
    expect(page.get_by_role("button", name="Edit the title")).to_be_focused()

    page.get_by_role("button", name="Edit the description").click()
    page.get_by_role("textbox", name="Description").fill("From *York*.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Description").locator("em")).to_have_text("York")
    assert stored(service, task)["description"] == "From *York*."


def test_an_edit_of_somebody_else_appears_and_loses_none_of_ones_own(
    dashboard: Watched, open_page: OpenPage, service: Service, task: dict[str, Any], nora: str
) -> None:
    page, other = show(dashboard, task), show(open_page(as_=nora), task)
    page.keyboard.press("t")
    page.get_by_role("textbox", name="Title", exact=True).fill("Mine")
    other.keyboard.press("t")
    other.get_by_role("textbox", name="Title", exact=True).fill("Theirs")
    other.keyboard.press("Enter")
    expect(other.get_by_role("heading", level=1)).to_have_text("Theirs")

    conflict = page.get_by_role("alert")
    expect(conflict).to_contain_text(f"Nora {MARK} has changed the title meanwhile.")
    expect(conflict.get_by_role("blockquote")).to_have_text("Theirs")
    expect(page.get_by_role("textbox", name="Title", exact=True)).to_have_value("Mine")
    conflict.get_by_role("button", name="Save mine").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Mine")


def test_a_change_of_another_field_does_not_stop_an_edit(
    dashboard: Watched, service: Service, task: dict[str, Any]
) -> None:
    page = show(dashboard, task)
    page.keyboard.press("t")
    page.get_by_role("textbox", name="Title", exact=True).fill("Another title")
    change_before_the_next_request(page, service, task, priority="high")
    page.keyboard.press("Enter")

    def is_stored() -> bool:
        page.wait_for_timeout(20)  # in which requests are sent
        now = stored(service, task)
        return (now["title"], now["priority"]) == ("Another title", "high")

    assert wait_until(is_stored)
    expect(page.get_by_role("heading", level=1)).to_have_text("Another title")


def test_a_choice_that_came_too_late_says_who_has_changed_what(
    dashboard: Watched, service: Service, task: dict[str, Any]
) -> None:
    page = show(dashboard, task)
    change_before_the_next_request(page, service, task, due_date="2027-03-31")
    page.keyboard.press("p")
    page.get_by_role("menuitemradio", name="Low").click()

    messages = page.get_by_role("status", name="Messages")
    expect(messages).to_contain_text("Nothing was changed: Admin has changed")
    expect(messages).to_contain_text("due Wed")
    messages.get_by_role("button", name="anyway").click()
    expect(page.get_by_role("button", name="Priority: low")).to_be_visible()


def test_a_refused_status_says_why_and_is_mended_by_a_button(
    dashboard: Watched, service: Service, task: dict[str, Any]
) -> None:
    change(service, task, assignee_id=None)
    page = show(dashboard, task)
    page.get_by_role("button", name="Status: Todo").click()
    refused = page.get_by_role("menuitemradio", name="In progress")
    expect(refused).to_contain_text("A task in status in_progress needs an assignee.")
    refused.click()
    page.get_by_role("dialog").get_by_role("button", name="Assign to me").click()

    expect(page.get_by_role("button", name="Status: In progress")).to_be_visible()
    expect(page.get_by_role("button", name="Assignee: Admin")).to_be_visible()


def test_fields_are_chosen_and_changes_are_taken_back(
    dashboard: Watched, service: Service, task: dict[str, Any], nora: str
) -> None:
    page = show(dashboard, task)
    page.keyboard.press("a")
    page.get_by_role("combobox").fill("nora")
    page.get_by_role("option", name="@nora").click()
    expect(page.get_by_role("button", name="Assignee: Nora")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Assignee: Admin")).to_be_visible()

    page.keyboard.press("d")
    page.get_by_label("Day").fill("2027-03-31")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_role("button", name="Due: ")).to_contain_text("Mar 31, 2027")

    page.keyboard.press("l")
    page.get_by_role("combobox").fill("purple things")
    expect(page.get_by_role("option", name="purple things")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("option", name="purple things", selected=True)).to_be_visible()
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Remove the label purple things").click()
    expect(page.get_by_role("button", name="Remove the label purple things")).to_have_count(0)


def test_a_task_moves_to_another_project_and_keeps_its_page(
    dashboard: Watched, service: Service, task: dict[str, Any]
) -> None:
    service.call("POST", "/api/v1/projects", {"key": "MOV", "name": "Moving"})
    page = show(dashboard, task)
    page.get_by_role("button", name="Project: TASK").click()
    page.get_by_role("combobox").fill("moving")
    page.get_by_role("option", name="Moving").click()

    page.wait_for_url("**/tasks/MOV-*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Order the cables")
    expect(page.get_by_role("region", name="Activity")).to_contain_text(
        f"moved it from {task['key']} to MOV-"
    )


def test_relations_are_added_and_removed(dashboard: Watched, service: Service, task: dict[str, Any]) -> None:
    other = create(service, title="Approve the budget")
    page = show(dashboard, task)
    page.get_by_role("textbox", name="Title of a new subtask").fill("Measure the rooms")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Subtasks")).to_contain_text("Measure the rooms")

    page.get_by_role("button", name="Add a task that this one waits for").click()
    page.get_by_role("combobox").fill(other["key"].lower())
    page.get_by_role("option", name=other["key"]).click()
    blockers = page.get_by_role("region", name="Waits for")
    expect(blockers).to_contain_text("Approve the budget")
    expect(page.get_by_role("button", name="Status: Todo")).to_contain_text("Blocked")
    blockers.get_by_role("button", name=f"Remove the blocker {other['key']}").click()
    expect(blockers).not_to_contain_text("Approve the budget")

    page.get_by_role("button", name="Choose a parent").click()
    page.get_by_role("combobox").fill(other["key"])
    page.get_by_role("option", name=other["key"]).click()
    page.get_by_role("region", name="Parent").get_by_role("link").click()
    expect(page.get_by_role("region", name="Subtasks")).to_contain_text("Order the cables")


def test_comments_are_written_edited_and_deleted_for_everybody_at_once(
    dashboard: Watched, open_page: OpenPage, task: dict[str, Any], nora: str
) -> None:
    page, other = show(dashboard, task), show(open_page(as_=nora), task)
    page.keyboard.press("m")
    field = page.get_by_role("textbox", name="Write a comment")
    field.press_sequentially("Ask @nor")
    expect(page.get_by_role("option", name="@nora")).to_be_visible()
    field.press("Enter")
    expect(field).to_have_value("Ask @nora ")
    field.press("Control+Enter")
    comment = other.get_by_role("listitem", name="Comment by Admin")
    expect(comment).to_contain_text("Ask @nora")
    expect(field).to_have_value("")

    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("textbox", name="Edit the comment").fill("Ask *nobody*")
    page.get_by_role("button", name="Save").click()
    expect(comment.locator("em")).to_have_text("nobody")

    other.get_by_role("button", name="Delete", exact=True).click()
    other.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("listitem", name="Comment by Admin")).to_have_count(0)


def test_drafts_are_kept_when_the_page_is_loaded_again(dashboard: Watched, task: dict[str, Any]) -> None:
    page = show(dashboard, task)
    page.get_by_role("textbox", name="Write a comment").fill("Half a thought")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.get_by_role("textbox", name="Description").fill("Half a description")
    page.reload()

    expect(page.get_by_role("textbox", name="Write a comment")).to_have_value("Half a thought")
    expect(page.get_by_role("textbox", name="Description")).to_have_value("Half a description")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("region", name="Description")).to_contain_text("From Leeds.")


def test_a_task_goes_into_the_bin_and_comes_back(
    dashboard: Watched, service: Service, task: dict[str, Any]
) -> None:
    page = show(dashboard, task)
    page.get_by_role("button", name="Move to the bin").click()
    expect(page.get_by_text("This task is in the bin.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("This task is in the bin.")).to_have_count(0)

    service.call("DELETE", f"/api/v1/tasks/{task['id']}")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("button", name="Edit the title")).to_be_visible()


def test_watching_can_be_switched(dashboard: Watched, service: Service, nora: str) -> None:
    page = show(dashboard, create(service, title="Look at this", assignee_id=nora))
    button = page.get_by_role("button", name="Watch", exact=True)
    expect(button).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("w")
    expect(page.get_by_role("button", name="Watching")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.get_by_role("button", name="Watching")).to_be_visible()


def test_the_activity_says_what_was_before_and_what_is_now(
    dashboard: Watched, service: Service, task: dict[str, Any]
) -> None:
    change(service, task, priority="urgent", due_date="2027-03-31")
    change(service, task, priority="low", reason="It can wait")
    page = show(dashboard, task)
    activity = page.get_by_role("region", name="Activity")
    expect(activity).to_contain_text("changed the priority from urgent to low")
    expect(activity.get_by_role("blockquote")).to_have_text("It can wait")


def test_nothing_in_a_task_is_ever_markup(dashboard: Watched, service: Service, nora: str) -> None:
    task = create(
        service,
        title=MARK,
        description=f"{MARK}\n\n[x](javascript:alert(1))",
        labels=[MARK],
        assignee_id=nora,
    )
    service.call(
        "POST", f"/api/v1/tasks/{task['id']}/comments", {"text": f"<script>alert(1)</script> {MARK}"}
    )
    page = show(dashboard, task)
    expect(page.get_by_role("region", name="Comments")).to_contain_text("<script>alert(1)</script>")

    assert page.locator("img, article script").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0


def test_axe_finds_nothing_on_the_page_its_editors_and_its_dialogs(
    dashboard: Watched, service: Service, task: dict[str, Any]
) -> None:
    change(service, task, labels=["lab", "ui"], due_date="2026-01-01")
    service.call("POST", f"/api/v1/tasks/{task['id']}/comments", {"text": "# Yes\n\n- [x] done"})
    page = show(dashboard, task)
    expect(page.get_by_role("listitem", name="Comment by Admin")).to_be_visible()
    assert accessibility_findings(page) == []

    page.keyboard.press("e")
    page.get_by_role("textbox", name="Description").fill("@adm")
    change(service, task, description="Theirs")
    expect(page.get_by_role("alert")).to_be_visible()
    assert accessibility_findings(page) == []
    page.get_by_role("button", name="Discard mine").click()
    page.keyboard.press("a")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()
    assert accessibility_findings(page) == []
