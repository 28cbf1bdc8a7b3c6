"""The modern stack: FastAPI, Beanie and pydantic under uvicorn, used as their guides recommend.

Like the floor, it has the duties of `benchmarks.peers.duties`, and its writes are the same transactions as
taskmgr's. Unlike the floor, it validates both requests and responses.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from beanie import Document, PydanticObjectId, UpdateResponse, init_beanie
from beanie.odm.operators.find.logical import And, Or
from beanie.operators import In, Inc
from fastapi import FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.read_concern import ReadConcern

from benchmarks.peers import duties

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
STARTED = ["in_progress", "in_review"]
OPEN = ["backlog", "todo", "in_progress", "in_review"]
PRIORITIES = ["low", "medium", "high", "urgent"]
LOGGED = {
    "key", "project", "title", "description", "status", "priority", "due_date", "assignee_id", "labels",
    "parent_id", "blocked_by", "rank", "created_by", "created_at", "started_at", "completed_at",
    "status_changed_at", "reopen_count", "deleted_at",
}  # fmt: skip
Row = dict[str, Any]
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
    touched: int = 0

    class Settings:
        name = "users"


class Project(Document):
    key: str
    is_default: bool
    last_number: int

    class Settings:
        name = "projects"


class Activity(Document):
    at: datetime
    by: str
    change_set: str
    entity: str = "task"
    entity_id: PydanticObjectId
    kind: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str | None = None
    override: bool = False
    version: int
    projects: list[str]

    class Settings:
        name = "activity"


class Task(Document):
    project: str
    number: int
    key: str
    keys: list[str]
    rank: str
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


class Named(BaseModel):
    key: str
    title: str


class StatusIn(BaseModel):
    status: Status


class TaskOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: PydanticObjectId
    key: str
    project: str
    rank: str
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


client: AsyncMongoClient[Any] = AsyncMongoClient(os.environ["BENCH_MONGODB_URI"], w="majority", tz_aware=True)
database = client[os.environ["BENCH_DATABASE"]]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await init_beanie(database=database, document_models=[Activity, Project, Task, User])
    yield
    await client.close()


service = FastAPI(lifespan=lifespan)


@service.get("/api/v1/tasks")
async def list_tasks(
    status: Status,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    sort: Literal["due_date"] = "due_date",  # noqa: ARG001 - the only supported order
    cursor: str | None = None,
) -> TaskPage:
    matching = Task.find(Task.binned == False, Task.status == status, *_after(cursor))  # noqa: E712
    tasks = await matching.sort("due_at", "_id").limit(limit + 1).to_list()
    next_cursor = None
    if len(tasks) > limit:
        last = tasks[limit - 1]
        position = json.dumps([last.due_at.isoformat(), str(last.id)])
        next_cursor = base64.urlsafe_b64encode(position.encode()).decode()
    return TaskPage(items=[TaskOut.model_validate(task) for task in tasks[:limit]], next=next_cursor)


def _after(cursor: str | None) -> list[Any]:
    if cursor is None:
        return []
    due_at, last = json.loads(base64.urlsafe_b64decode(cursor))
    moment = datetime.fromisoformat(due_at)
    return [Or(Task.due_at > moment, And(Task.due_at == moment, Task.id > PydanticObjectId(last)))]


@service.get("/api/v1/tasks/{task_id}", response_model=TaskOut)
async def get_task(task_id: PydanticObjectId) -> Task:
    return await _task(task_id)


@service.post("/api/v1/tasks", status_code=201, response_model=TaskOut)
async def create_task(body: TaskIn, request: Request) -> Task:
    due, caller = body.due_date, request.scope["caller"]
    project = await Project.find_one(Project.is_default == True).update(  # noqa: E712
        Inc({Project.last_number: 1}), response_type=UpdateResponse.NEW_DOCUMENT
    )
    key = f"{project.key}-{project.last_number}"
    task = Task(
        **body.model_dump(),
        project=project.key,
        number=project.last_number,
        key=key,
        keys=[key],
        rank=f"b{project.last_number:08}1",
        title_key=body.title.lower(),
        priority_rank=PRIORITIES.index(body.priority),
        due_at=datetime.fromisoformat(due).replace(tzinfo=UTC) if due else UNDATED,
        created_by=caller,
    )
    async with transaction() as session:
        await _touch(body.assignee_id, session)
        await task.insert(session=session)
        logged = task.model_dump(mode="json", include=LOGGED)
        await _log(task, "task.created", {}, logged, by=caller, session=session)
    return task


@service.put("/api/v1/tasks/{task_id}/status", response_model=TaskOut)
async def change_status(task_id: PydanticObjectId, body: StatusIn, request: Request) -> Task:
    async with transaction() as session:
        task = await _task(task_id, session)
        if body.status not in TRANSITIONS[task.status]:
            raise HTTPException(409, f"No transition from {task.status} to {body.status}")
        if body.status in STARTED:
            await _touch(task.assignee_id, session)
            await _count_started(task.assignee_id, session)
        before = {"status": task.status, "status_changed_at": task.status_changed_at}
        task.status = body.status
        task.status_changed_at = task.updated_at = now()
        task.version += 1
        await task.replace(session=session)
        after = {"status": task.status, "status_changed_at": task.status_changed_at}
        caller = request.scope["caller"]
        await _log(task, "task.status_changed", before, after, by=caller, session=session)
    return task


@service.get("/api/v1/users")
async def list_users(limit: int, tasks_limit: int) -> UserPage:
    """Returns a page of users, each with their first open tasks."""
    items = []
    for user in await User.find_all().sort("username").limit(limit).to_list():
        tasks = Task.find(Task.assignee_id == user.id, Task.binned == False)  # noqa: E712
        total = await tasks.count()
        first = await tasks.find(In(Task.status, OPEN)).sort("due_at", "_id").limit(tasks_limit).to_list()
        items.append(UserOut(**user.model_dump(), tasks=first, tasks_total=total))
    return UserPage(items=items, next=None)


@asynccontextmanager
async def transaction() -> AsyncIterator[AsyncClientSession]:
    async with client.start_session() as session, await session.start_transaction(ReadConcern("snapshot")):
        yield session


async def _touch(user_id: PydanticObjectId | None, session: AsyncClientSession) -> None:
    await User.find_one(User.id == user_id, session=session).update(
        Inc({User.touched: 1}), session=session, response_type=UpdateResponse.NEW_DOCUMENT
    )


async def _count_started(user_id: PydanticObjectId | None, session: AsyncClientSession) -> int:
    started = Task.find(
        Task.binned == False,  # noqa: E712
        In(Task.status, STARTED),
        Task.assignee_id == user_id,
        session=session,
        projection_model=Named,
    )
    return len(await started.limit(20).to_list())


async def _log(
    task: Task, kind: str, before: Row, after: Row, *, by: str, session: AsyncClientSession
) -> None:
    entry = Activity(
        at=task.updated_at,
        by=by,
        change_set=str(PydanticObjectId()),
        entity_id=task.id,
        kind=kind,
        before=before,
        after=after,
        version=task.version,
        projects=[task.project],
    )
    await entry.insert(session=session)


async def _task(task_id: PydanticObjectId, session: AsyncClientSession | None = None) -> Task:
    task = await Task.get(task_id, session=session)
    if task is None or task.binned:
        raise HTTPException(404)
    return task


app = duties.asgi(service, database)
