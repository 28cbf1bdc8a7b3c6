"""A team with a workflow of its own: a support desk, whose statuses share no name with the default's."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

import taskmgr
from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services, build_status_mapping
from taskmgr.domain.model.errors import CannotStart, Invalid, Refused
from taskmgr.domain.model.policy import DEFAULT_POLICY, DEFAULT_WORKFLOW, Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import CLOSED, OPEN
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.services import Services
from taskmgr.infrastructure.files.policy_file import load_policy_file
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from taskmgr.resources import require_known_statuses
from taskmgr.settings import Settings
from tests.answers import assert_log_tells_of, refusals, refused
from tests.api.client import Client, mistakes, problem
from tests.factories import SYSTEM, Clock

DESK = """
[limits]
wip = 2
urgent = 1

[rules]
four_eyes = true

[workflow]
initial = "new"

[workflow.statuses.new]
category = "unstarted"
leads_to = ["triaged", "spam"]

[workflow.statuses.triaged]
category = "unstarted"
leads_to = ["answering", "spam"]

[workflow.statuses.answering]
category = "started"
leads_to = ["waiting", "solved", "triaged"]

[workflow.statuses.waiting]
category = "started"
leads_to = ["answering", "solved"]

[workflow.statuses.solved]
category = "completed"
leads_to = ["closed", "answering"]

[workflow.statuses.closed]
category = "completed"

[workflow.statuses.spam]
category = "cancelled"
leads_to = ["new"]
"""
STATUSES = ["new", "triaged", "answering", "waiting", "solved", "closed", "spam"]

Load = Callable[[str], Policy]
MakeTask = Callable[..., Task]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """The policy of a file with this text."""

    def from_text(text: str) -> Policy:
        path = tmp_path / "policy.toml"
        path.write_text(text, "utf-8")
        return load_policy_file(path)

    return from_text


@pytest.fixture
def policy(load: Load) -> Policy:
    return load(DESK)


@pytest.fixture
def services(store: Store, clock: Clock, policy: Policy) -> Services:
    """Services under the desk's policy, in place of the default one."""
    return build_services(store, policy=policy, clock=clock)


@pytest.fixture
def move(services: Services) -> Callable[..., Task]:
    """Moves a task along these statuses."""

    def moved(task: Task, *statuses: str, **given: Any) -> Task:
        for status in statuses:
            task = services.tasks.change_status(task.id, status=status, **{"by": SYSTEM, **given})
        return task

    return moved


Move = Callable[..., Task]


@pytest.fixture
def client(services: Services) -> Client:
    return Client(create_app(services, Settings(), secret_key="k" * 40), services).as_("manager")


# --- The file


def test_the_file_is_the_policy(policy: Policy) -> None:
    assert (policy.wip_limit, policy.urgent_limit, policy.four_eyes) == (2, 1, True)
    assert list(policy.workflow.statuses) == STATUSES
    assert policy.workflow.in_category(*OPEN) == ("new", "triaged", "answering", "waiting")
    assert policy.workflow.in_category(*CLOSED) == ("solved", "closed", "spam")
    assert not set(STATUSES) & set(DEFAULT_WORKFLOW.statuses)


_ONE_OF = "Must be one of: unstarted, started, completed, cancelled."
_STATUSES = ", ".join(STATUSES)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("wip = 2", "wip = -2"), ["limits.wip: Must be a whole number from 0 (no limit) to 10000."]),
        (("wip = 2", "wip = 1.5"), ["limits.wip: Must be a whole number from 0 (no limit) to 10000."]),
        (("wip = 2", "work = 2"), ["limits.work: Unknown key. The keys are: urgent, wip."]),
        (("four_eyes = true", 'four_eyes = "yes"'), ["rules.four_eyes: Must be true or false."]),
        (
            ('initial = "new"', 'initial = "inbox"'),
            [f"workflow.initial: Must be one of the statuses: {_STATUSES}."],
        ),
        (
            ('initial = "new"', 'initial = "answering"'),
            [
                "workflow.initial: Must be a status of the category unstarted.",
            ],
        ),
        (
            ('category = "cancelled"', 'category = "junk"'),
            [f"workflow.statuses.spam.category: {_ONE_OF}"],
        ),
        (
            ('category = "cancelled"', 'category = "completed"'),
            ["workflow.statuses: At least one must have the category cancelled."],
        ),
        (
            ('"closed", "answering"', '"archived", "answering"'),
            ["workflow.statuses.solved.leads_to: 'archived' is not another status of this workflow."],
        ),
        (
            ('"closed", "answering"', '"answering"'),
            ["workflow.statuses.closed: Cannot be reached from new."],
        ),
        (
            ("[workflow.statuses.spam]", '[workflow.statuses."Spam!"]'),
            [
                "workflow.statuses.new.leads_to: 'spam' is not another status of this workflow.",
                "workflow.statuses.triaged.leads_to: 'spam' is not another status of this workflow.",
                "workflow.statuses.Spam!: Must be 1 to 40 of a-z, 0-9 and _, beginning with a letter.",
            ],
        ),
    ],
    ids=lambda given: given[1] if isinstance(given, tuple) else "",
)
def test_a_mistake_is_one_clear_line_that_names_the_key(
    load: Load, change: tuple[str, str], expected: list[str]
) -> None:
    assert mistakes_in(load, DESK.replace(*change)) == expected


def test_all_mistakes_of_a_file_are_reported_at_once(load: Load) -> None:
    text = DESK
    for change in (
        ("wip = 2", "wip = true"),
        ("urgent = 1", "most = 1"),
        ("four_eyes = true", "four_eyes = 2"),
        ('initial = "new"', 'initial = "inbox"'),
        ('category = "cancelled"', 'colour = "red"'),
    ):
        text = text.replace(*change)
    assert mistakes_in(load, text) == [
        "limits.most: Unknown key. The keys are: urgent, wip.",
        "limits.wip: Must be a whole number from 0 (no limit) to 10000.",
        "rules.four_eyes: Must be true or false.",
        "workflow.statuses.spam.colour: Unknown key. The keys are: category, leads_to.",
        f"workflow.statuses.spam.category: {_ONE_OF}",
        f"workflow.initial: Must be one of the statuses: {_STATUSES}.",
    ]


def mistakes_in(load: Load, text: str) -> list[str]:
    with pytest.raises(CannotStart) as caught:
        load(text)
    first, *lines = str(caught.value).splitlines()
    assert re.fullmatch(r"The policy .+/policy\.toml is not usable:", first)
    return lines


# --- The services under it


def test_a_new_task_starts_where_the_workflow_says(make_task: MakeTask) -> None:
    assert make_task().status == "new"


def test_a_task_goes_its_way_with_the_moments_of_the_categories(
    make_task: MakeTask, move: Move, member: Actor, clock: Clock, services: Services
) -> None:
    task = move(make_task(assignee_id=member.id), "triaged")
    assert task.started_at is None
    started = clock.advance(hours=1)
    task = move(task, "answering")
    clock.advance(hours=1)
    task = move(task, "waiting")
    assert task.started_at == started
    done = clock.advance(hours=1)
    task = move(task, "solved")
    assert (task.completed_at, task.reopen_count) == (done, 0)
    task = move(task, "answering", reason="It came back")
    assert (task.completed_at, task.reopen_count, task.started_at) == (None, 1, started)
    assert_log_tells_of(services, task)


def test_a_missing_edge_is_refused_with_the_next_status_on_the_way(
    make_task: MakeTask, move: Move, member: Actor
) -> None:
    (refusal,) = refusals(lambda: move(make_task(assignee_id=member.id), "solved"))
    assert refusal.code == "transition_not_allowed"
    assert refusal.detail == (
        "A task cannot move from new to solved. From new it can move to: triaged, spam."
    )
    assert refusal.fix is not None
    assert refusal.fix.arguments == {"status": "triaged"}


def test_where_no_way_leads_out_no_fix_is_named(make_task: MakeTask, move: Move, member: Actor) -> None:
    task = move(make_task(assignee_id=member.id), "triaged", "answering", "solved", "closed")
    (refusal,) = refusals(lambda: move(task, "answering", reason="It came back"))
    assert refusal.detail == ("A task cannot move from closed to answering: no transition leads from closed.")
    assert refusal.fix is None


def test_the_rules_go_by_category(
    make_task: MakeTask, move: Move, services: Services, member: Actor, manager: Actor
) -> None:
    nobodys = move(make_task(), "triaged")
    assert refused(lambda: move(nobodys, "answering")) == ["assignee_required"]
    of_member = [move(make_task(assignee_id=member.id), "triaged") for _ in range(3)]
    move(of_member[0], "answering", "waiting")
    move(of_member[1], "answering")
    assert refused(lambda: move(of_member[2], "answering")) == ["wip_limit_reached"]
    assert refused(lambda: move(of_member[2], "spam")) == ["reason_required"]
    assert refused(lambda: move(of_member[1], "solved", by=member)) == ["reviewer_required"]
    assert move(of_member[1], "solved", by=manager).status == "solved"
    blocked = make_task(assignee_id=member.id, blocked_by=[of_member[0].id])
    move(blocked, "triaged")
    assert refused(lambda: move(blocked, "answering")) == ["blocked_by_unfinished_tasks"]
    assert move(of_member[0], "solved").unblocked == (blocked.id,)
    assert move(blocked, "answering").status == "answering"


def test_closing_what_is_solved_completes_nothing_again(
    make_task: MakeTask, move: Move, member: Actor, manager: Actor, clock: Clock
) -> None:
    task = move(make_task(assignee_id=member.id), "triaged", "answering")
    waiting = make_task(blocked_by=[task.id])
    solved = move(task, "solved", by=manager)
    assert solved.unblocked == (waiting.id,)
    clock.advance(hours=1)
    closed = move(task, "closed", by=member)
    assert (closed.completed_at, closed.status_changed_at) == (solved.completed_at, clock.now)
    assert closed.unblocked is None


def handing_it_on(services: Services, task: Task, to: str) -> None:
    services.tasks.assign(task.id, assignee_id=to, by=SYSTEM)


def handing_it_on_outside_of_work(services: Services, task: Task, to: str) -> None:
    services.tasks.change(task.id, {"status": "triaged", "assignee_id": None}, by=SYSTEM)
    services.tasks.change(task.id, {"status": "answering", "assignee_id": to}, by=SYSTEM)


def cancelling_and_reopening_it(services: Services, task: Task, to: str) -> None:
    handing_it_on_outside_of_work(services, task, to)
    for status in ("triaged", "spam", "new", "triaged", "answering"):
        services.tasks.change_status(task.id, status=status, reason="Why not", by=SYSTEM)


def binning_and_restoring_it(services: Services, task: Task, to: str) -> None:
    handing_it_on(services, task, to)
    services.tasks.bin(task.id, by=SYSTEM)
    services.tasks.restore(task.id, by=SYSTEM)


@pytest.mark.parametrize(
    "way",
    [handing_it_on, handing_it_on_outside_of_work, cancelling_and_reopening_it, binning_and_restoring_it],
)
def test_nobody_gets_round_four_eyes_by_handing_the_task_on_first(
    way: Callable[[Services, Task, str], None],
    make_task: MakeTask,
    move: Move,
    services: Services,
    member: Actor,
    manager: Actor,
) -> None:
    task = move(make_task(assignee_id=manager.id), "triaged", "answering")
    way(services, task, member.id)
    assert refused(lambda: move(task, "solved", by=manager)) == ["reviewer_required"]
    rows = {row.to: row for row in services.tasks.transitions(task.id, by=manager)}
    assert [reason.code for reason in rows["solved"].reasons] == ["reviewer_required"]
    assert move(task, "solved", by=SYSTEM).status == "solved"


def test_nobody_gets_round_four_eyes_within_one_bulk(
    make_task: MakeTask, services: Services, member: Actor, manager: Actor
) -> None:
    task = make_task()
    operations = [
        {"op": "change", "id": task.id, "status": "triaged", "assignee_id": manager.id},
        {"op": "status", "id": task.id, "status": "answering"},
        {"op": "assign", "id": task.id, "assignee_id": member.id},
        {"op": "status", "id": task.id, "status": "solved"},
    ]
    results = services.bulk.run(operations, by=manager, atomic=False).results
    assert [type(result.error) for result in results] == [type(None)] * 3 + [Refused]


def test_whose_work_was_reviewed_may_review_what_another_did_after_it_was_reopened(
    make_task: MakeTask, move: Move, services: Services, member: Actor, manager: Actor
) -> None:
    task = move(make_task(assignee_id=manager.id), "triaged", "answering", "solved")
    reopened = {"status": "answering", "assignee_id": member.id}
    services.tasks.change(task.id, reopened, reason="It came back", by=SYSTEM)
    assert refused(lambda: move(task, "solved", by=manager)) == ["reviewer_required"]
    move(task, "solved")
    move(task, "answering", reason="It came back again")
    assert move(task, "solved", by=manager).status == "solved"


def test_a_subtask_is_refused_under_any_closed_status(
    make_task: MakeTask, move: Move, services: Services, member: Actor
) -> None:
    solved = move(make_task(assignee_id=member.id), "triaged", "answering", "solved")
    closed = move(make_task(assignee_id=member.id), "triaged", "answering", "solved", "closed")
    spam = move(make_task(), "spam", reason="Ham it is not")
    for parent in (solved, closed, spam):
        assert refused(lambda: make_task(parent_id=parent.id)) == ["parent_closed"]  # noqa: B023


def test_a_status_of_the_default_workflow_is_none_here(services: Services) -> None:
    for status in DEFAULT_WORKFLOW.statuses:
        with pytest.raises(Invalid) as caught:
            services.tasks.create(by=SYSTEM, title="Write", status=status)
        (error,) = caught.value.errors
        assert (error.location, error.allowed) == ("status", tuple(STATUSES))


# --- The API under it


def test_the_workflow_can_be_read(client: Client) -> None:
    answer = client.get("workflow").json
    assert answer["initial"] == "new"
    assert [status["name"] for status in answer["statuses"]] == STATUSES
    assert {status["name"]: status["category"] for status in answer["statuses"]} == {
        "new": "unstarted",
        "triaged": "unstarted",
        "answering": "started",
        "waiting": "started",
        "solved": "completed",
        "closed": "completed",
        "spam": "cancelled",
    }
    assert answer["statuses"][4]["transitions"] == ["closed", "answering"]
    assert answer["statuses"][5]["transitions"] == []
    assert (answer["limits"], answer["four_eyes"]) == ({"wip": 2, "urgent": 1}, True)


def test_tasks_are_created_moved_and_listed_by_category(client: Client, member: Actor) -> None:
    made = client.post("tasks", {"title": "Cannot log in", "assignee_id": member.id}).json
    assert (made["status"], made["category"]) == ("new", "unstarted")
    other = client.post("tasks", {"title": "Buy pills", "status": "spam", "reason": "Spam"}).json
    for status in ("triaged", "answering"):
        moved = client.put(f"tasks/{made['id']}/status", {"status": status})
        assert (moved.status_code, moved.json["status"]) == (200, status)

    def listed(**query: str) -> list[str]:
        return [task["id"] for task in client.get("tasks", **query).json["items"]]

    assert listed(category="open") == [made["id"]]
    assert listed(category="started") == [made["id"]]
    assert listed(category="closed") == [other["id"]]
    assert listed(category="unstarted") == []
    assert listed(status="spam,solved") == [other["id"]]
    assert mistakes(client.get("tasks", status="todo"), "malformed") == [("query.status", "not_allowed")]


def test_a_refusal_and_the_moves_there_are_name_the_desks_statuses(client: Client, member: Actor) -> None:
    made = client.post("tasks", {"title": "Cannot log in", "assignee_id": member.id}).json
    (reason,) = problem(client.put(f"tasks/{made['id']}/status", {"status": "closed"}), "refused")["reasons"]
    assert (reason["code"], reason["fix"]["status"]) == ("transition_not_allowed", "triaged")
    moves = client.get(f"tasks/{made['id']}/transitions").json["items"]
    assert [move["to"] for move in moves] == STATUSES
    assert [move["to"] for move in moves if move["allowed"]] == ["new", "triaged", "spam"]


def test_a_closed_task_is_reopened_with_a_reason(client: Client, member: Actor) -> None:
    made = client.post("tasks", {"title": "Buy pills", "status": "spam", "reason": "Spam"}).json
    path = f"tasks/{made['id']}/status"
    (reason,) = problem(client.put(path, {"status": "new"}), "refused")["reasons"]
    assert reason["code"] == "reason_required"
    reopened = client.put(path, {"status": "new", "reason": "It was a customer"}).json
    assert (reopened["status"], reopened["reopen_count"]) == ("new", 1)


def test_the_openapi_document_names_the_desks_statuses_and_no_others(client: Client) -> None:
    document = client.get("/openapi.json").json
    enums = list(enums_of(document))
    assert STATUSES in enums
    default = set(DEFAULT_WORKFLOW.statuses) - {"completed", "cancelled"}
    assert not [enum for enum in enums if default & set(map(str, enum))]


def enums_of(node: Any) -> Any:
    if isinstance(node, dict):
        if isinstance(node.get("enum"), list):
            yield node["enum"]
        for value in node.values():
            yield from enums_of(value)
    if isinstance(node, list):
        for value in node:
            yield from enums_of(value)


# --- When a team changes its workflow


@pytest.fixture
def left_over(store: Store, clock: Clock) -> list[Task]:
    """Tasks from the time of the default workflow: two in one status, one of them in the bin, and another."""
    before = build_services(store, policy=DEFAULT_POLICY, clock=clock)
    ada = before.users.create(by=SYSTEM, username="ada", name="Ada")
    given = {"by": SYSTEM, "title": "Write", "assignee_id": ada.id}
    made = [
        before.tasks.create(**given, status="in_progress"),
        before.tasks.create(**given, status="in_progress"),
        before.tasks.create(**given, status="backlog"),
    ]
    before.tasks.bin(made[1].id, by=SYSTEM)
    return made


def test_statuses_that_the_policy_lacks_are_told_by_name_and_count(
    database: Database[Any], policy: Policy, left_over: list[Task]
) -> None:
    with pytest.raises(CannotStart) as caught:
        require_known_statuses(database, policy)
    assert str(caught.value).startswith(
        "Stored tasks have statuses that are not in the policy: backlog (1 task), in_progress (2 tasks). "
    )
    require_known_statuses(database, DEFAULT_POLICY)


def test_mapped_one_by_one_they_are_the_desks_tasks(
    database: Database[Any],
    store: Store,
    services: Services,
    policy: Policy,
    clock: Clock,
    left_over: list[Task],
) -> None:
    mapping = build_status_mapping(store, policy)
    assert mapping.run("in_progress", "answering", by=SYSTEM) == 2
    with pytest.raises(CannotStart, match=re.escape("not in the policy: backlog (1 task). ")):
        require_known_statuses(database, policy)
    assert mapping.run("backlog", "triaged", by=SYSTEM) == 1
    require_known_statuses(database, policy)
    listed = services.tasks.list(TaskQuery(statuses=policy.workflow.in_category(*OPEN)), by=SYSTEM)
    assert {task.id: task.status for task in listed.items} == {
        left_over[0].id: "answering",
        left_over[2].id: "triaged",
    }
    assert services.tasks.restore(left_over[1].id, by=SYSTEM).status == "answering"
    for task in left_over:
        assert_log_tells_of(services, services.tasks.get(task.id, by=SYSTEM))
    ensure_default_project(database)
    findings: list[str] = []
    inspect_database(database, policy, lambda about, _, detail: findings.append(f"{about}: {detail}"))
    assert [finding for finding in findings if not finding.startswith("users:")] == []


# --- The source

_PACKAGE = Path(taskmgr.__file__).parent
_POLICY = _PACKAGE / "domain" / "model" / "policy.py"
_DEFAULT_NAMES = re.compile(r"\b(backlog|todo|in_progress|in_review)\b")


def test_no_status_of_the_default_workflow_is_named_outside_the_policy() -> None:
    sources = sorted(_PACKAGE.rglob("*.py"))
    assert len(sources) > 80
    named = [
        f"{path.relative_to(_PACKAGE)}:{line}: {found}"
        for path in sources
        if path != _POLICY
        for line, found in status_names_in(path.read_text("utf-8"))
    ]
    assert named == []


def test_the_search_for_status_names_finds_them_in_the_policy() -> None:
    policy_file = _POLICY.read_text("utf-8")
    assert {found for _, found in status_names_in(policy_file)} == {
        "backlog", "todo", "in_progress", "in_review",
    }  # fmt: skip
    assert status_names_in('f"{a} in_review"  # todo') == [(1, "in_review")]


def status_names_in(source: str) -> list[tuple[int, str]]:
    """The names in literals and docstrings, with their lines; comments are no part of the tree."""
    texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return [
        (node.lineno, found)
        for node in texts
        if isinstance(node.value, str)
        for found in _DEFAULT_NAMES.findall(node.value)
    ]
