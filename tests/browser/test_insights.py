"""The page of the insights: its charts say what the statistics say, and each has a table."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.people import add_user
from tests.browser.watching import Watched, accessibility_findings
from tests.running import Service


def open_table(page: Page, name: str) -> Locator:
    page.get_by_text(f"Table: {name}").click()
    return page.get_by_role("region", name=f"Table: {name}")


def make_history(service: Service, project: str) -> None:
    """Makes a project with one completed, one overdue and one new task."""
    assert service.call("POST", "/api/v1/projects", {"key": project, "name": f"Project {project}"})[0] == 201
    add_user(service, f"ines-{project.lower()}", f"Ines {project}")
    late = {"title": "Late", "project": project, "due_date": "2026-01-02"}
    assert service.call("POST", "/api/v1/tasks", {**late, "assignee_id": f"ines-{project.lower()}"})[0] == 201
    assert service.call("POST", "/api/v1/tasks", {"title": "New", "project": project})[0] == 201
    _, task = service.call(
        "POST", "/api/v1/tasks", {"title": "Done", "project": project, "assignee_id": "admin"}
    )
    for status in ("in_progress", "completed"):
        path = f"/api/v1/tasks/{task['id']}/status"
        assert service.call("PUT", path, {"status": status})[0] == 200


def test_each_chart_has_a_sentence_and_a_table_with_its_numbers(dashboard: Watched, service: Service) -> None:
    make_history(service, "CHART")
    page = dashboard.page
    page.goto("/insights?project=CHART&days=7")

    expect(page.get_by_role("img", name="3 tasks created and 1 completed in 7 days.")).to_be_visible()
    per_day = open_table(page, "created and completed")
    expect(per_day.get_by_role("row")).to_have_count(8)
    expect(per_day.get_by_role("row").last).to_contain_text("31")

    flow = open_table(page, "cumulative flow")
    expect(flow.get_by_role("columnheader")).to_have_count(7)
    expect(page.get_by_role("img", name="Cumulative flow")).to_have_attribute(
        "aria-label",
        "Cumulative flow. At the end: 0 backlog, 2 todo, 0 in progress, 0 in review, 1 completed, "
        "0 cancelled.",
    )
    times = open_table(page, "cycle times in days")
    expect(times.get_by_role("link", name="CHART-3")).to_have_attribute("href", "/tasks/CHART-3")
    expect(page.get_by_role("region", name="Overdue by person")).to_contain_text("Ines CHART1")


def test_the_project_and_the_span_are_in_the_address(dashboard: Watched, service: Service) -> None:
    make_history(service, "SPAN")
    page = dashboard.page
    page.goto("/insights")
    expect(page.get_by_role("heading", name="Created and completed")).to_be_visible()

    page.get_by_role("combobox", name="Project").select_option("SPAN")
    page.get_by_role("combobox", name="Span").select_option("A year")

    page.wait_for_url("**/insights?project=SPAN&days=366")
    expect(page.get_by_role("img", name="3 tasks created and 1 completed in 366 days.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("img", name="3 tasks created and 1 completed in 366 days.")).to_be_visible()


def test_a_project_without_tasks_says_that_there_is_nothing_to_draw(
    dashboard: Watched, service: Service
) -> None:
    assert service.call("POST", "/api/v1/projects", {"key": "BLANK", "name": "Blank"})[0] == 201
    page = dashboard.page
    page.goto("/insights?project=BLANK")

    expect(page.get_by_role("heading", name="Nothing to draw yet")).to_be_visible()
    assert accessibility_findings(page) == []


def test_axe_finds_nothing_in_the_charts_and_their_tables(dashboard: Watched, service: Service) -> None:
    make_history(service, "AXE")
    page = dashboard.page
    page.goto("/insights?project=AXE")
    expect(page.get_by_role("heading", name="Cumulative flow")).to_be_visible()
    for name in ("created and completed", "cumulative flow", "cycle times in days"):
        open_table(page, name)

    assert accessibility_findings(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.getElementById('main').scrollWidth <= innerWidth")
