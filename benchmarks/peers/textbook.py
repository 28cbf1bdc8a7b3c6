"""The textbook stack: Flask, MongoEngine and marshmallow, used as their guides recommend.

Like the floor, it has no authentication, limits or log. Unlike the floor, it validates requests.
"""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate
from mongoengine import (
    BooleanField,
    DateTimeField,
    Document,
    IntField,
    ListField,
    ObjectIdField,
    QuerySet,
    StringField,
    connect,
    queryset_manager,
)

CATEGORIES = {
    "backlog": "unstarted", "todo": "unstarted", "in_progress": "started", "in_review": "started",
    "completed": "completed", "cancelled": "cancelled",
}  # fmt: skip
TRANSITIONS = {
    "backlog": ["todo", "cancelled"],
    "todo": ["backlog", "in_progress", "cancelled"],
    "in_progress": ["todo", "in_review", "completed", "cancelled"],
    "in_review": ["in_progress", "completed", "cancelled"],
    "completed": ["in_progress"],
    "cancelled": ["todo"],
}
OPEN = ["backlog", "todo", "in_progress", "in_review"]
PRIORITIES = ["low", "medium", "high", "urgent"]
UNDATED = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)

connect(
    os.environ["BENCH_DATABASE"], host=os.environ["BENCH_MONGODB_URI"], w="majority", tz_aware=True,
    uuidRepresentation="standard",
)  # fmt: skip
app = Flask(__name__)


def now() -> datetime:
    return datetime.now(UTC)


class User(Document):
    username = StringField(required=True)
    name = StringField(required=True)
    email = StringField()
    role = StringField(required=True)
    kind = StringField(required=True)
    active = BooleanField(required=True)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    version = IntField(required=True)

    meta = {"collection": "users", "strict": False, "auto_create_index": False}  # noqa: RUF012


class Task(Document):
    title = StringField(required=True, max_length=200)
    title_key = StringField(required=True)
    title_words = ListField(StringField())
    label_words = ListField(StringField())
    words = ListField(StringField())
    description = StringField(default="", max_length=20_000)
    status = StringField(required=True, choices=list(CATEGORIES), default="todo")
    priority = StringField(required=True, choices=PRIORITIES, default="medium")
    priority_rank = IntField(required=True)
    due_date = StringField()
    due_at = DateTimeField(default=UNDATED)
    assignee_id = ObjectIdField()
    labels = ListField(StringField(max_length=40))
    parent_id = ObjectIdField()
    blocked_by = ListField(ObjectIdField())
    created_by = StringField(required=True)
    created_at = DateTimeField(required=True, default=now)
    updated_at = DateTimeField(required=True, default=now)
    started_at = DateTimeField()
    completed_at = DateTimeField()
    status_changed_at = DateTimeField(required=True, default=now)
    reopen_count = IntField(required=True, default=0)
    binned = BooleanField(required=True, default=False)
    deleted_at = DateTimeField()
    version = IntField(required=True, default=1)

    meta = {"collection": "tasks", "strict": False, "auto_create_index": False}  # noqa: RUF012

    @property
    def category(self) -> str:
        return CATEGORIES[self.status]

    @queryset_manager
    def without_search_words(self, queryset: QuerySet) -> QuerySet:
        """Excludes the fields that taskmgr stores for its full-text search."""
        return queryset.exclude("words", "title_words", "label_words")


class TaskSchema(Schema):
    id = fields.String(dump_only=True)
    title = fields.String(required=True, validate=validate.Length(1, 200))
    description = fields.String(validate=validate.Length(max=20_000))
    status = fields.String(validate=validate.OneOf(list(CATEGORIES)))
    category = fields.String(dump_only=True)
    priority = fields.String(validate=validate.OneOf(PRIORITIES))
    due_date = fields.String(allow_none=True)
    assignee_id = fields.String(allow_none=True)
    labels = fields.List(fields.String(validate=validate.Length(1, 40)))
    parent_id = fields.String(allow_none=True)
    blocked_by = fields.List(fields.String())
    created_by = fields.String(dump_only=True)
    created_at = fields.DateTime(dump_only=True)
    updated_at = fields.DateTime(dump_only=True)
    started_at = fields.DateTime(dump_only=True)
    completed_at = fields.DateTime(dump_only=True)
    status_changed_at = fields.DateTime(dump_only=True)
    reopen_count = fields.Integer(dump_only=True)
    deleted_at = fields.DateTime(dump_only=True)
    version = fields.Integer(dump_only=True)


class UserSchema(Schema):
    id = fields.String()
    username = fields.String()
    name = fields.String()
    email = fields.String()
    role = fields.String()
    kind = fields.String()
    active = fields.Boolean()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
    version = fields.Integer()


class StatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(list(CATEGORIES)))


class ListSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(list(CATEGORIES)))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    sort = fields.String(load_default="due_date", validate=validate.OneOf(["due_date"]))


task_schema, tasks_schema, user_schema = TaskSchema(), TaskSchema(many=True), UserSchema()
status_schema, list_schema = StatusSchema(), ListSchema()


@app.get("/api/v1/tasks")
def list_tasks() -> ResponseReturnValue:
    query = list_schema.load(request.args)
    limit = query["limit"]
    matching = Task.without_search_words(binned=False, status=query["status"]).order_by("due_at", "id")
    tasks = list(matching.limit(limit + 1))
    next_cursor = None
    if len(tasks) > limit:
        last = tasks[limit - 1]
        next_cursor = base64.urlsafe_b64encode(f"{last.due_at.isoformat()},{last.id}".encode()).decode()
    return jsonify(items=tasks_schema.dump(tasks[:limit]), next=next_cursor)


@app.get("/api/v1/tasks/<task_id>")
def get_task(task_id: str) -> ResponseReturnValue:
    return jsonify(task_schema.dump(Task.without_search_words.get(id=task_id, binned=False)))


@app.post("/api/v1/tasks")
def create_task() -> ResponseReturnValue:
    values: dict[str, Any] = task_schema.load(request.get_json())
    due = values.get("due_date")
    task = Task(
        **values,
        title_key=values["title"].lower(),
        priority_rank=PRIORITIES.index(values.get("priority", "medium")),
        due_at=datetime.fromisoformat(due).replace(tzinfo=UTC) if due else UNDATED,
        created_by=values["assignee_id"],
    )
    task.save(force_insert=True)
    return jsonify(task_schema.dump(task)), 201


@app.put("/api/v1/tasks/<task_id>/status")
def change_status(task_id: str) -> ResponseReturnValue:
    status = status_schema.load(request.get_json())["status"]
    task = Task.without_search_words.get(id=task_id, binned=False)
    if status not in TRANSITIONS[task.status]:
        return jsonify(error=f"No transition from {task.status} to {status}"), 409
    task.status = status
    task.status_changed_at = task.updated_at = now()
    task.version += 1
    task.save()
    return jsonify(task_schema.dump(task))


@app.get("/api/v1/users")
def list_users() -> ResponseReturnValue:
    """Returns a page of users, each with their first open tasks."""
    items = []
    for user in User.objects.order_by("username").limit(int(request.args["limit"])):
        tasks = Task.without_search_words(assignee_id=user.id, binned=False)
        first = tasks.filter(status__in=OPEN).order_by("due_at", "id").limit(int(request.args["tasks_limit"]))
        items.append(
            {**user_schema.dump(user), "tasks": tasks_schema.dump(first), "tasks_total": tasks.count()}
        )
    return jsonify(items=items, next=None)
