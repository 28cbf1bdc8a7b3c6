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


def organise(services: taskmgr.Services, ada: taskmgr.Actor) -> None:
    project = services.projects.create(key="OPS", name="Operations", by=ada)
    project = services.projects.change("ops", {"description": "Runs it all"}, version=1, by=ada)
    project = services.projects.change(project.key, {"archived": False, "is_default": True}, by=ada)
    task = services.tasks.create(title="Order the cables", project=project.key, by=ada)
    task = services.tasks.change("ops-1", {"project": services.projects.get("WEB", by=ada).id}, by=ada)
    print(task.key, task.former_keys, services.projects.default(by=ada).name.upper())
    for each in services.projects.iterate(by=ada):
        print(each.key.lower(), each.is_archived, each.archived_at)
    print(len(services.projects.list(by=ada).items))


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
