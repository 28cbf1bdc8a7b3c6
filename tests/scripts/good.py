"""Uses what a script may use, as it is meant to be used."""

import json
from datetime import date

import taskmgr
from taskmgr import OPEN, Category, Priority, Refused, Sort, Span, TaskChanges, TaskQuery


def triage(services: taskmgr.Services, ada: taskmgr.Actor) -> None:
    task = services.tasks.create(
        title="Write the report", due_date=date(2027, 3, 31), priority="high", by=ada
    )
    task = services.tasks.create(title="Read it", labels=["reading"], dry_run=True, by=ada)
    changes: TaskChanges = {"priority": Priority.URGENT, "assignee_id": None}
    changes["due_date"] = "2027-03-31"
    task = services.tasks.change(task.id, changes, reason="He comes on Monday", version=1, by=ada)
    task = services.tasks.change(task.id, {"labels": ("audit",)}, by=ada)
    task = services.tasks.change_status(task.id, status="in_progress", override=True, reason="Why", by=ada)
    task = services.tasks.assign(task.id, assignee_id="me", version=task.version, by=ada)
    category: Category | None = services.tasks.category(task)
    print(category == "started", json.dumps({"priority": task.priority}))


def ask(services: taskmgr.Services, ada: taskmgr.Actor) -> None:
    query = TaskQuery(categories=OPEN, due=Span(end=date(2027, 3, 31)), sort=(Sort("due_date"),))
    for task in services.tasks.iterate(query, by=ada):
        print(task.title.upper(), task.priority < Priority.HIGH)
    for user in services.users.iterate(by=ada):
        print(user.username.upper(), user.kind == "person")


def many(services: taskmgr.Services, ada: taskmgr.Actor) -> None:
    try:
        done = services.bulk.run([{"op": "create", "title": f"Meter {n}"} for n in range(3)], by=ada)
        done = services.bulk.change_where(TaskQuery(labels=("a",)), {"priority": "low"}, expect=3, by=ada)
    except taskmgr.BulkRefused as refused:
        print(refused.errors)
    except Refused as refusal:
        print([reason.code for reason in refusal.reasons])
    else:
        print(done.change_set)
    services.users.create(username="eve", name="Eve", role="member", by=ada)
    services.users.change("0" * 24, {"active": False}, by=ada)
    services.tokens.create(name="nightly", scopes=["tasks:read"], by=ada)
    services.tokens.create(name="hourly", scopes=ada.scopes, by=ada)


with taskmgr.connect() as connected:
    triage(connected, connected.actor("ada"))
