"""The modern stack: FastAPI, Beanie and pydantic under uvicorn, used as their guides recommend.

Like the floor, it has no authentication, limits or log. Unlike the floor, it validates both requests
and responses.
"""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Literal

from beanie import Document, PydanticObjectId, init_beanie
from beanie.operators import In
from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field
from pymongo import AsyncMongoClient

Status = Literal["backlog", "todo", "in_progress", "in_review", "completed", "cancelled"]
Priority = Literal["low", "medium", "high", "urgent"]
Label = Annotated[str, Field(min_length=1, max_length=40)]
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


def now() -> datetime:
    return datetime.now(UTC)


class User(Document):
    username: str
    name: str
    email: str | None
    role: str
    kind: str
    active: bool
    created_at: datetime
    updated_at: datetime
    version: int

    class Settings:
        name = "users"


class Task(Document):
    title: str
    title_key: str
    description: str = ""
    status: Status = "todo"
    priority: Priority = "medium"
    priority_rank: int
    due_date: str | None = None
    due_at: datetime = UNDATED
    assignee_id: PydanticObjectId | None = None
    labels: list[str] = Field(default_factory=list)
    parent_id: PydanticObjectId | None = None
    blocked_by: list[PydanticObjectId] = Field(default_factory=list)
    created_by: str
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    status_changed_at: datetime = Field(default_factory=now)
    reopen_count: int = 0
    binned: bool = False
    deleted_at: datetime | None = None
    version: int = 1

    class Settings:
        name = "tasks"

    @property
    def category(self) -> str:
        return CATEGORIES[self.status]


class TaskIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=20_000)
    priority: Priority = "medium"
    due_date: str | None = None
    assignee_id: PydanticObjectId
    labels: list[Label] = Field(default_factory=list)


class StatusIn(BaseModel):
    status: Status


class TaskOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: PydanticObjectId
    title: str
    description: str
    status: str
    category: str
    priority: str
    due_date: str | None
    assignee_id: PydanticObjectId | None
    labels: list[str]
    parent_id: PydanticObjectId | None
    blocked_by: list[PydanticObjectId]
    created_by: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    status_changed_at: datetime
    reopen_count: int
    deleted_at: datetime | None
    version: int


class TaskPage(BaseModel):
    items: list[TaskOut]
    next: str | None


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: PydanticObjectId
    username: str
    name: str
    email: str | None
    role: str
    kind: str
    active: bool
    created_at: datetime
    updated_at: datetime
    version: int
    tasks: list[TaskOut]
    tasks_total: int


class UserPage(BaseModel):
    items: list[UserOut]
    next: str | None


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    client = AsyncMongoClient(os.environ["BENCH_MONGODB_URI"], w="majority", tz_aware=True)
    await init_beanie(database=client[os.environ["BENCH_DATABASE"]], document_models=[Task, User])
    yield
    await client.close()


app = FastAPI(lifespan=lifespan)


@app.get("/api/v1/tasks")
async def list_tasks(
    status: Status,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    sort: Literal["due_date"] = "due_date",  # noqa: ARG001 - the only supported order
) -> TaskPage:
    matching = Task.find(Task.binned == False, Task.status == status)  # noqa: E712
    tasks = await matching.sort("due_at", "_id").limit(limit + 1).to_list()
    next_cursor = None
    if len(tasks) > limit:
        last = tasks[limit - 1]
        next_cursor = base64.urlsafe_b64encode(f"{last.due_at.isoformat()},{last.id}".encode()).decode()
    return TaskPage(items=[TaskOut.model_validate(task) for task in tasks[:limit]], next=next_cursor)


@app.get("/api/v1/tasks/{task_id}", response_model=TaskOut)
async def get_task(task_id: PydanticObjectId) -> Task:
    return await _task(task_id)


@app.post("/api/v1/tasks", status_code=201, response_model=TaskOut)
async def create_task(body: TaskIn) -> Task:
    due = body.due_date
    task = Task(
        **body.model_dump(),
        title_key=body.title.lower(),
        priority_rank=PRIORITIES.index(body.priority),
        due_at=datetime.fromisoformat(due).replace(tzinfo=UTC) if due else UNDATED,
        created_by=str(body.assignee_id),
    )
    await task.insert()
    return task


@app.put("/api/v1/tasks/{task_id}/status", response_model=TaskOut)
async def change_status(task_id: PydanticObjectId, body: StatusIn) -> Task:
    task = await _task(task_id)
    if body.status not in TRANSITIONS[task.status]:
        raise HTTPException(409, f"No transition from {task.status} to {body.status}")
    changed_at = now()
    task.status = body.status
    task.status_changed_at = task.updated_at = changed_at
    task.version += 1
    await task.save()
    return task


@app.get("/api/v1/users")
async def list_users(limit: int, tasks_limit: int) -> UserPage:
    """Returns a page of users, each with their first open tasks."""
    items = []
    for user in await User.find_all().sort("username").limit(limit).to_list():
        tasks = Task.find(Task.assignee_id == user.id, Task.binned == False)  # noqa: E712
        total = await tasks.count()
        first = await tasks.find(In(Task.status, OPEN)).sort("due_at", "_id").limit(tasks_limit).to_list()
        items.append(UserOut(**user.model_dump(), tasks=first, tasks_total=total))
    return UserPage(items=items, next=None)


async def _task(task_id: PydanticObjectId) -> Task:
    task = await Task.get(task_id)
    if task is None or task.binned:
        raise HTTPException(404)
    return task
