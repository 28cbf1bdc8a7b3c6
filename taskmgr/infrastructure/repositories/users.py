"""`UserRepository` on the collection `users`, and the pipeline that brings each user's tasks along."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bson import ObjectId
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from taskmgr.domain.errors import EmailTaken, NotFound, UsernameTaken
from taskmgr.domain.query import Page, UserWithTasks, Window
from taskmgr.domain.user import Role, User
from taskmgr.domain.values import is_identifier
from taskmgr.infrastructure import mappers
from taskmgr.infrastructure.driver_errors import translates
from taskmgr.infrastructure.repositories import keyset
from taskmgr.infrastructure.repositories.gathering import seen
from taskmgr.infrastructure.repositories.writing import replace, stored, touch

Stages = list[dict[str, Any]]
StatusGroups = Sequence[Sequence[str]]

_BY_USERNAME = [("username", 1), ("_id", 1)]


@translates
class MongoUserRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._users = database["users"]

    def get(self, user_id: str) -> User:
        found = self.get_many([user_id] if is_identifier(user_id) else [])
        if user_id not in found:
            raise NotFound("user", user_id)
        return found[user_id]

    def get_by_username(self, username: str) -> User:
        row = self._users.find_one({"username": username})
        if row is None:
            raise NotFound("user", username)
        return mappers.user(row)

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, User]:
        known = seen()
        ids = [ObjectId(user_id) for user_id in user_ids if user_id not in known]
        rows = self._users.find({"_id": {"$in": ids}}) if ids else ()
        known.update((user.id, user) for user in map(mappers.user, rows))
        return {user_id: known[user_id] for user_id in user_ids if user_id in known}

    def ids_by_username(self, usernames: Collection[str]) -> Mapping[str, str]:
        names = list(usernames)
        rows = self._users.find({"username": {"$in": names}}, {"username": True}) if names else ()
        return {row["username"]: str(row["_id"]) for row in rows}

    def find(self, window: Window) -> Page[User]:
        return keyset.page(self._users, {}, _BY_USERNAME, window, mappers.user)

    def find_with_tasks(
        self, window: Window, *, tasks_limit: int, status_groups: StatusGroups
    ) -> Page[UserWithTasks]:
        pipeline: Stages = [
            {"$match": keyset.behind({}, _BY_USERNAME, window.after)},
            {"$sort": dict(_BY_USERNAME)},
            {"$limit": window.limit + 1},
            *_with_tasks(tasks_limit, status_groups),
        ]
        rows = list(self._users.aggregate(pipeline))
        return Page(
            items=[_with_entities(row, tasks_limit) for row in rows[: window.limit]],
            next=keyset.position_of(rows, _BY_USERNAME, window.limit),
            total=self._users.count_documents({}) if window.with_total else None,
        )

    def add(self, user: User) -> None:
        with _duplicates_named(user):
            self._users.insert_one(stored(mappers.user_document(user)))

    def replace(self, user: User) -> None:
        with _duplicates_named(user):
            replace(self._users, mappers.user_document(user))

    def touch(self, user_id: str) -> None:
        touch(self._users, [ObjectId(user_id)])

    def count_active_admins(self) -> int:
        return self._users.count_documents({"role": Role.ADMIN.value, "active": True})


def _with_tasks(limit: int, status_groups: StatusGroups) -> Iterator[dict[str, Any]]:
    """The stages that look up each user's tasks, a group of statuses at a time, and count them all.

    Each group is a range of the index `assignee_due`, so that it costs what it answers. Only the
    count grows with the tasks that a user has.
    """
    soonest: Stages = [{"$sort": {"due_at": 1, "_id": 1}}, {"$limit": limit}]
    for position, statuses in enumerate(status_groups if limit else ()):
        yield _lookup(f"tasks_{position}", {"status": {"$in": list(statuses)}}, soonest)
    yield _lookup("counted", {}, [{"$count": "tasks"}])


def _lookup(name: str, condition: dict[str, Any], stages: Stages) -> dict[str, Any]:
    return {
        "$lookup": {
            "from": "tasks",
            "localField": "_id",
            "foreignField": "assignee_id",
            "pipeline": [{"$match": {"binned": False, **condition}}, *stages],
            "as": name,
        }
    }


def _with_entities(row: Mapping[str, Any], limit: int) -> UserWithTasks:
    groups = [row[name] for name in sorted(row) if name.startswith("tasks_")]
    tasks = [task for group in groups for task in group][:limit]
    counted = row["counted"]
    return UserWithTasks(
        user=mappers.user(row),
        tasks=[mappers.task(task) for task in tasks],
        tasks_total=counted[0]["tasks"] if counted else 0,
    )


@contextmanager
def _duplicates_named(user: User) -> Iterator[None]:
    try:
        yield
    except DuplicateKeyError as error:
        if "email_key" in (error.details or {}).get("keyPattern", {}):
            raise EmailTaken from error
        raise UsernameTaken(user.username) from error
