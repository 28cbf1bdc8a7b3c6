"""A small integration, written against the package that openapi-python-client has made."""

from __future__ import annotations

import datetime
import os
from typing import TypeVar

import httpx
from taskmgr_client.api.bulk import perform
from taskmgr_client.api.tasks import change_status, create_task, list_tasks
from taskmgr_client.client import AuthenticatedClient
from taskmgr_client.models.bulk import Bulk
from taskmgr_client.models.bulk_by_operations import BulkByOperations
from taskmgr_client.models.bulk_create import BulkCreate
from taskmgr_client.models.bulk_failed import BulkFailed
from taskmgr_client.models.bulk_mode import BulkMode
from taskmgr_client.models.bulk_priority import BulkPriority
from taskmgr_client.models.bulk_status import BulkStatus
from taskmgr_client.models.category import Category
from taskmgr_client.models.category_filter import CategoryFilter
from taskmgr_client.models.changed_task import ChangedTask
from taskmgr_client.models.error_code import ErrorCode
from taskmgr_client.models.fix import Fix
from taskmgr_client.models.fix_action import FixAction
from taskmgr_client.models.new_task import NewTask
from taskmgr_client.models.priority import Priority
from taskmgr_client.models.problem import Problem
from taskmgr_client.models.rule_code import RuleCode
from taskmgr_client.models.status import Status
from taskmgr_client.models.status_change import StatusChange
from taskmgr_client.models.task_in import TaskIn
from taskmgr_client.models.task_page import TaskPage
from taskmgr_client.models.task_sort import TaskSort
from taskmgr_client.types import Unset

T = TypeVar("T")


def join_lists(request: httpx.Request) -> None:
    """Sends a list in one parameter, with commas; only labels are repeated."""
    given = request.url.params
    joined = [(name, ",".join(given.get_list(name))) for name in given if name != "label"]
    labels = [("label", label) for label in given.get_list("label")]
    request.url = request.url.copy_with(params=[*joined, *labels])


client = AuthenticatedClient(
    base_url=os.environ["TASKMGR_URL"],
    token=os.environ["TASKMGR_TOKEN"],
    httpx_args={"event_hooks": {"request": [join_lists]}},
)


def of(kind: type[T], found: object) -> T:
    assert isinstance(found, kind), found
    return found


def given(found: T | Unset) -> T:
    assert not isinstance(found, Unset)
    return found


def create() -> str:
    body = TaskIn(
        title="Typed",
        priority=Priority.HIGH,
        due_date=datetime.date(2030, 6, 30),
        assignee_id="me",
        labels=["python", "a b"],
    )
    made = of(NewTask, create_task.sync(client=client, body=body, idempotency_key="python-1"))
    assert made.due_date == datetime.date(2030, 6, 30)
    assert made.category is Category.UNSTARTED
    return of(str, made.id)


def find(task_id: str) -> None:
    day = datetime.date(2030, 6, 30)
    found = list_tasks.sync(
        client=client,
        status=[Status.TODO, Status.IN_PROGRESS],
        category=[CategoryFilter.OPEN],
        assignee=["me"],
        label=["python", "a b"],
        due_from=day,
        due_to=day,
        sort=[TaskSort.PRIORITY_DESCENDING, TaskSort.DUE_DATE],
        total=True,
        overdue=False,
    )
    page = of(TaskPage, found)
    assert [task.id for task in page.items] == [task_id]
    assert page.total == 1
    assert page.items[0].priority is Priority.HIGH


def lifted(fix: Fix) -> Status | list[str] | None:
    """What a program does with a refusal: every action is known to the type checker."""
    if fix.action is FixAction.CHANGE_STATUS and not isinstance(fix.status, Unset):
        return fix.status
    if not isinstance(fix.task_ids, Unset):
        return fix.task_ids
    return None


def be_refused(task_id: str) -> None:
    found = change_status.sync(task_id, client=client, body=StatusChange(status=Status.COMPLETED))
    problem = of(Problem, found)
    assert problem.code is ErrorCode.REFUSED
    (reason,) = given(problem.reasons)
    assert reason.code is RuleCode.TRANSITION_NOT_ALLOWED
    assert lifted(of(Fix, reason.fix)) is Status.IN_PROGRESS


def move(task_id: str) -> None:
    body = StatusChange(status=Status.IN_PROGRESS)
    answer = change_status.sync_detailed(task_id, client=client, body=body, if_match='"1"')
    task = of(ChangedTask, answer.parsed)
    assert task.status is Status.IN_PROGRESS
    assert answer.headers["ETag"] == f'"{task.version}"'


def do_many(task_id: str) -> None:
    body = BulkByOperations(
        mode=BulkMode.EACH,
        operations=[
            BulkPriority(op="priority", id=task_id, priority=Priority.LOW),
            BulkStatus(op="status", id=task_id, status=Status.BACKLOG),
            BulkCreate(op="create", title="One of many"),
        ],
    )
    done = of(Bulk, perform.sync(client=client, body=body))
    assert [result.status for result in done.results] == [200, 409, 201]
    (failed,) = (result.problem for result in done.results if isinstance(result, BulkFailed))
    assert [reason.code for reason in given(failed.reasons)] == [RuleCode.TRANSITION_NOT_ALLOWED]


made_id = create()
find(made_id)
be_refused(made_id)
move(made_id)
do_many(made_id)
print("done")
