"""Tests for every schema that the compiled dump writes the same JSON as marshmallow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import marshmallow as ma
import pytest
from flask import Flask

from taskmgr.api.input import strict_json
from taskmgr.api.input.endpoint import Endpoint
from taskmgr.api.request_state import RequestState, begin
from taskmgr.api.schemas.accounts import AccountOut, SignInMethodsOut
from taskmgr.api.schemas.activity import ChangeOut
from taskmgr.api.schemas.base import CompiledOutput
from taskmgr.api.schemas.comments import CommentOut, NewCommentOut
from taskmgr.api.schemas.deliveries import AttemptOut, DeliveryOut
from taskmgr.api.schemas.feed import FeedEntryOut, FeedHeadOut
from taskmgr.api.schemas.inbox import ChannelsOut, InboxItemOut, NewsOut, TaskNameOut
from taskmgr.api.schemas.projects import NewProjectOut, ProjectCountsOut, ProjectOut, ProjectRowOut
from taskmgr.api.schemas.receipt import ReceiptOut
from taskmgr.api.schemas.sign_in import Invitation, InvitationOut, NewLinkOut, SessionOut, ShownSession
from taskmgr.api.schemas.stats import (
    AssigneeCountOut,
    CycleTimeOut,
    CycleTimesOut,
    DayCountsOut,
    FlowDayOut,
    LabelCountOut,
)
from taskmgr.api.schemas.tasks import (
    AssigneeOut,
    CauseOut,
    ChangedTaskOut,
    DerivedOut,
    EffectivePriorityOut,
    Enriched,
    NewTaskOut,
    TaskOut,
    TaskRowOut,
    TransitionOut,
)
from taskmgr.api.schemas.tokens import NewTokenOut, TokenOut
from taskmgr.api.schemas.users import MeOut, NewUserOut, TaskCountsOut, UserOut, UserRowOut
from taskmgr.api.schemas.views import NewViewOut, ViewOut
from taskmgr.api.schemas.webhooks import (
    NewWebhookOut,
    ReplayOut,
    SecretOut,
    WebhookOut,
    WebhookRowOut,
)
from taskmgr.domain.model.account import SignInMethods
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.errors import Fix, Refusal
from taskmgr.domain.model.inbox import Channel, InboxItem, News, NewsKind
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.webhook import Attempt, NewSecret, NewWebhook, new_delivery
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.feed import EMPTY_FEED, FeedEntry, FeedHead
from taskmgr.domain.ports.store import Store
from taskmgr.domain.ports.webhooks import Replay, StoredSecret, StoredWebhook
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.statistics import (
    AssigneeCount,
    CycleTime,
    CycleTimes,
    DayCounts,
    FlowDay,
    LabelCount,
    ProjectCounts,
    ProjectWithCounts,
)
from taskmgr.domain.queries.task_query import QueryContext, TaskQuery
from taskmgr.domain.queries.user_query import TaskCounts, UserWithTasks
from taskmgr.domain.rules.urgency import Cause, EffectivePriority
from taskmgr.domain.services.derived import Derived
from taskmgr.domain.services.inbox import ListedItem
from taskmgr.domain.services.links import NewLink
from taskmgr.domain.services.tasks.transitions import Transition
from taskmgr.domain.services.tokens import NewToken
from tests.factories import (
    NOW,
    a_change,
    a_full_account,
    a_full_change,
    a_full_link,
    a_full_session,
    a_full_task,
    a_full_token,
    a_full_user,
    a_full_view,
    a_full_webhook,
    a_project,
    a_task,
    a_token,
    a_user,
    a_view,
    a_webhook,
    an_id,
)

CAUSE = Cause(code="overdue", detail="It is overdue.")
EFFECTIVE = EffectivePriority(
    value=Priority.URGENT, because=(CAUSE, Cause(code="blocks", detail="x", task_id=an_id()))
)
DERIVED = Derived(overdue=True, blocked=False, blocks=(an_id(), an_id()), effective_priority=EFFECTIVE)
REFUSAL = Refusal(
    code="cycle",
    detail="Größe",
    fix=Fix(action="assign", text="Do.", arguments={"task_ids": (an_id(),)}),
    overridable=True,
)
ALLOWED = Transition(to="todo", category=Category.UNSTARTED, allowed=True, requires=("reason",), reasons=())
REFUSED = Transition(
    to="done",
    category=Category.COMPLETED,
    allowed=False,
    requires=(),
    reasons=(REFUSAL, replace(REFUSAL, fix=None)),
)
SIGN_IN_METHODS = (
    SignInMethods(password=True, provider="id.example.org", is_linked=False),
    SignInMethods(password=False, provider=None, is_linked=True),
)
SESSION, LINK, ACCOUNT = a_full_session(), a_full_link(), a_full_account()
INVITATION = Invitation("ada", "Ada", NOW)
COUNTS = TaskCounts(open=5, overdue=4, blocked=3, started=2, urgent=1)
TASK, USER, TOKEN, PLAIN_TASK = a_full_task(), a_full_user(), a_full_token(), a_task()
PROJECT = a_project(is_default=True, archived_at=NOW, description="Größe", version=3)
PROJECT_COUNTS = ProjectCounts(open=3, overdue=2, completed_30_days=1)
VIEW = a_full_view()
WEBHOOK, SECRET = a_full_webhook(), StoredSecret(salt=b"", digest=b"")
REPLAY = Replay(after=3, until=9)
ATTEMPT = Attempt(at=NOW, duration_ms=12, status=503, response="Größe", retry_after=NOW)
COMMENT = Comment(
    id=an_id(), task_id=an_id(), author_id="system:x", text="a\nb", created_at=NOW, updated_at=NOW, version=3
)
NEWS = News(
    kind=NewsKind.CLOSED, at=NOW, entry_id=an_id(), comment_id=an_id(), status="done", blocker_id=an_id(),
    due_date="2026-12-01",
)  # fmt: skip
ITEMS = [
    InboxItem(id=an_id(), user_id=an_id(), task_id=TASK.id, by=by, news=(NEWS, NEWS), at=NOW, read_at=read)
    for by, read in ((an_id(), None), (None, NOW))
]

FEED_HEAD = FeedHead(seq=7, hash=bytes(range(32)), at=NOW)
FEED_ENTRY = FeedEntry(seq=7, hash=bytes(range(32)), change=a_full_change())

Sample = tuple[type[CompiledOutput], Any, Any]
# For each schema: what it dumps, and the same as one object with the very attributes.
SAMPLES: list[Sample] = [
    *((TaskOut, task, task) for task in (TASK, PLAIN_TASK)),
    *((UserOut, user, user) for user in (USER, a_user())),
    *((AssigneeOut, user, user) for user in (USER, a_user())),
    *((ChangeOut, change, change) for change in (a_full_change(), a_change())),
    *((FeedHeadOut, head, head) for head in (FEED_HEAD, EMPTY_FEED)),
    *((TokenOut, token, token) for token in (TOKEN, a_token())),
    (InvitationOut, INVITATION, INVITATION),
    *((ProjectOut, project, project) for project in (PROJECT, a_project())),
    (CommentOut, COMMENT, COMMENT),
    *(
        (schema, thing, thing)
        for schema, made in (
            (NewTaskOut, TASK),
            (NewUserOut, USER),
            (NewCommentOut, COMMENT),
            (NewProjectOut, PROJECT),
        )
        for thing in (made, replace(made, id=None))
    ),
    *((ReceiptOut, task, task) for task in (TASK, replace(TASK, id=None))),
    (CauseOut, CAUSE, CAUSE),
    (EffectivePriorityOut, EFFECTIVE, EFFECTIVE),
    (DerivedOut, DERIVED, DERIVED),
    *((TransitionOut, row, row) for row in (ALLOWED, REFUSED)),
    *((ChangedTaskOut, task, task) for task in (replace(TASK, unblocked=ids) for ids in ((an_id(),), ()))),
]


def attributes(thing: Any) -> dict[str, Any]:
    return {field.name: getattr(thing, field.name) for field in fields(thing)}


def merged(*things: Any, **more: Any) -> SimpleNamespace:
    """One object with the attributes of all."""
    return SimpleNamespace(**{k: v for thing in things for k, v in attributes(thing).items()} | more)


SAMPLES += [
    (
        TaskRowOut,
        Enriched(TASK, USER, DERIVED, ("assignee", "derived")),
        merged(TASK, DERIVED, assignee=USER),
    ),
    (
        TaskRowOut,
        Enriched(TASK, None, replace(DERIVED, effective_priority=None), ("assignee", "derived")),
        merged(TASK, replace(DERIVED, effective_priority=None), assignee=None),
    ),
    *(
        (
            UserRowOut,
            UserWithTasks(user=USER, tasks=[TASK, PLAIN_TASK], tasks_total=7, counts=COUNTS, wip_room=room),
            merged(USER, tasks=[TASK, PLAIN_TASK], tasks_total=7, counts=COUNTS, wip_room=room),
        )
        for room in (2, None)
    ),
    (TaskCountsOut, COUNTS, COUNTS),
    (ProjectCountsOut, PROJECT_COUNTS, PROJECT_COUNTS),
    (ProjectRowOut, ProjectWithCounts(PROJECT, PROJECT_COUNTS), merged(PROJECT, counts=PROJECT_COUNTS)),
    *(
        (AssigneeCountOut, row, row)
        for row in (AssigneeCount(an_id(), "ada", 3, 1), AssigneeCount(None, None, 1, 0))
    ),
    *((LabelCountOut, row, row) for row in [LabelCount("café", 2, 5)]),
    *((FlowDayOut, row, row) for row in [FlowDay(date(2026, 3, 8), {"todo": 2})]),
    *((CycleTimeOut, row, row) for row in [CycleTime(an_id(), "OPS-1", NOW, 1.5)]),
    *((DayCountsOut, row, row) for row in [DayCounts(date(2026, 3, 8), 2, 1)]),
    *((CycleTimesOut, row, row) for row in (CycleTimes(2, 0.001, 86_400.0), CycleTimes(0, None, None))),
    (FeedEntryOut, FEED_ENTRY, merged(FEED_ENTRY.change, seq=7)),
    *((ViewOut, view, view) for view in (VIEW, a_view())),
    (NewViewOut, VIEW, VIEW),
    *((WebhookOut, webhook, webhook) for webhook in (WEBHOOK, a_webhook())),
    (NewWebhookOut, NewWebhook(WEBHOOK, "whsec_x"), merged(WEBHOOK, secret="whsec_x")),
    (SecretOut, NewSecret("whsec_x", NOW), NewSecret("whsec_x", NOW)),
    *(
        (
            WebhookRowOut,
            StoredWebhook(webhook=WEBHOOK, secret=SECRET, position=7, failing_since=since, replay=replay),
            merged(WEBHOOK, position=7, failing_since=since, replay=replay),
        )
        for since, replay in ((NOW, REPLAY), (None, None))
    ),
    (ReplayOut, REPLAY, REPLAY),
    *((AttemptOut, attempt, attempt) for attempt in (ATTEMPT, Attempt(at=NOW, duration_ms=1, error="x"))),
    *(
        (DeliveryOut, delivery, delivery)
        for delivery in (
            new_delivery(an_id(), 3, "task.created", now=NOW),
            new_delivery(an_id(), 3, "task.created", now=NOW).after(ATTEMPT, jitter=0.5),
        )
    ),
    (NewsOut, NEWS, NEWS),
    (NewsOut, News(kind=NewsKind.MOVED, at=NOW), News(kind=NewsKind.MOVED, at=NOW)),
    (TaskNameOut, TASK.name, TASK.name),
    *((InboxItemOut, ListedItem(item, TASK.name), merged(item, task=TASK.name)) for item in ITEMS),
    *(
        (ChannelsOut, channels, channels)
        for channels in [SimpleNamespace(**{kind.value: Channel.DAILY for kind in NewsKind})]
    ),
    (MeOut, SimpleNamespace(user=USER, unread=2), merged(USER, unread=2)),
    (NewTokenOut, NewToken(TOKEN, "tm_x"), merged(TOKEN, token="tm_x")),
    *((SessionOut, ShownSession(SESSION, yes), merged(SESSION, current=yes)) for yes in (True, False)),
    (AccountOut, ACCOUNT, ACCOUNT),
    *((SignInMethodsOut, methods, methods) for methods in SIGN_IN_METHODS),
    (NewLinkOut, NewLink(LINK, "tml_x"), merged(LINK, path="/welcome#tml_x")),
]


def schemas(root: type[CompiledOutput] = CompiledOutput) -> Iterator[type[CompiledOutput]]:
    for schema in root.__subclasses__():
        yield schema
        yield from schemas(schema)


def as_json(value: Any) -> Any:
    return json.loads(strict_json.dumps(value))


@pytest.fixture
def _in_app(app: Flask) -> Iterator[None]:
    with app.app_context():
        begin(RequestState("test", 0.0, Endpoint()))
        yield


def test_every_schema_is_among_the_samples() -> None:
    assert {schema for schema, *_ in SAMPLES} == set(schemas())


@pytest.mark.usefixtures("_in_app")
@pytest.mark.parametrize(("schema", "thing", "plain"), SAMPLES, ids=lambda v: getattr(v, "__name__", ""))
def test_the_compiled_dump_equals_that_of_marshmallow(
    schema: type[CompiledOutput], thing: Any, plain: Any
) -> None:
    fast = as_json(schema().dump(thing))

    assert fast == as_json(ma.Schema.dump(schema(), plain))
    assert list(fast) == list(schema().dump_fields)


@pytest.mark.usefixtures("_in_app")
@pytest.mark.parametrize(("schema", "thing", "plain"), SAMPLES, ids=lambda v: getattr(v, "__name__", ""))
def test_many_objects_are_dumped_like_each_of_them(
    schema: type[CompiledOutput], thing: Any, plain: Any
) -> None:
    assert schema().dump([thing, thing], many=True) == [schema().dump(thing)] * 2
    assert schema(many=True).dump([thing]) == [schema().dump(thing)]


@pytest.mark.usefixtures("_in_app")
def test_values_that_were_not_requested_or_do_not_apply_have_no_key() -> None:
    plain = TaskOut().dump(TASK)

    assert TaskRowOut().dump(TASK) == plain
    assert TaskRowOut().dump(Enriched(TASK, None, None, ("assignee",))) == plain | {"assignee": None}
    assert ChangedTaskOut().dump(TASK) == plain
    assert UserRowOut().dump(USER) == UserOut().dump(USER)
    assert ProjectRowOut().dump(PROJECT) == ProjectOut().dump(PROJECT)


def test_the_samples_differ_from_the_defaults_in_every_field() -> None:
    for full, default in ((TASK, a_task()), (USER, a_user()), (WEBHOOK, a_webhook()), (VIEW, a_view())):
        same = [k for k, v in asdict(full).items() if v == asdict(default)[k]]
        assert same in ([], ["unblocked"])


RECORDED = [TASK, PLAIN_TASK, replace(PLAIN_TASK, due_date=a_full_task().due_date, started_at=NOW)]


@pytest.mark.usefixtures("_in_app")
@pytest.mark.parametrize("task", RECORDED, ids=["full", "plain", "started"])
def test_a_record_has_the_json_of_its_entity(store: Store, task: Task) -> None:
    task = replace(task, deleted_at=None, unblocked=None)
    store.tasks.add(task)
    context = QueryContext(NOW, DEFAULT_POLICY)
    expected = as_json(TaskOut().dump(task))

    assert as_json(store.tasks.get_record(task.id, DEFAULT_POLICY.workflow)) == expected
    assert as_json(store.tasks.find_records(TaskQuery(), PageRequest(), context).items) == [expected]
    assert list(store.tasks.get_record(task.id, DEFAULT_POLICY.workflow).fields) == list(TaskOut().dump(task))


@pytest.mark.usefixtures("_in_app")
def test_the_record_of_a_binned_task_has_all_its_fields(store: Store) -> None:
    task = replace(TASK, deleted_at=NOW, unblocked=None)
    store.tasks.add(task)
    (record,) = store.tasks.find_records(
        TaskQuery(binned=True), PageRequest(), QueryContext(NOW, DEFAULT_POLICY)
    ).items

    assert as_json(record) == as_json(TaskOut().dump(task))
