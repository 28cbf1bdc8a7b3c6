"""`UserRepository` on the collection `users`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection as MongoCollection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from taskmgr.domain.model.errors import EmailTaken, NotFound, UsernameTaken
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Role, User
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.queries.pages import Page, PageRequest, Position
from taskmgr.domain.queries.task_query import QueryContext
from taskmgr.domain.queries.user_query import ALL_USERS, UserQuery, UserWithTasks
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.reads import keyset
from taskmgr.infrastructure.mongo.reads.keyset import Filter
from taskmgr.infrastructure.mongo.reads.snapshots import Snapshot, aggregate
from taskmgr.infrastructure.mongo.reads.task_filters import beginning_with
from taskmgr.infrastructure.mongo.reads.task_records import TaskRecordCache, undecoded
from taskmgr.infrastructure.mongo.reads.users_with_tasks import Lookup
from taskmgr.infrastructure.mongo.transaction import current_transaction
from taskmgr.infrastructure.mongo.writing import insert, replace, touch_one

T = TypeVar("T")

_BY_USERNAME = [("username", 1), ("_id", 1)]


@raises_domain_errors
class MongoUserRepository:
    def __init__(self, database: Database[Any], records: TaskRecordCache) -> None:
        self._records = records
        self._users = database.get_collection("users", codec_options=records.options)

    @cached_property
    def _undecoded(self) -> MongoCollection[RawBSONDocument]:
        return undecoded(self._users)

    def get(self, user_id: str) -> User:
        users = self.get_many([user_id] if is_identifier(user_id) else [])
        if user_id not in users:
            raise NotFound("user", user_id)
        return users[user_id]

    def get_by_username(self, username: str) -> User:
        row = self._users.find_one({"username": username})
        if row is None:
            raise NotFound("user", username)
        return mappers.user(row)

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, User]:
        known = _known_users()
        ids = [ObjectId(user_id) for user_id in user_ids if user_id not in known]
        rows = self._users.find({"_id": {"$in": ids}}) if ids else ()
        known.update((user.id, user) for user in map(mappers.user, rows))
        return {user_id: known[user_id] for user_id in user_ids if user_id in known}

    def ids_by_username(self, usernames: Collection[str]) -> Mapping[str, str]:
        names = list(usernames)
        rows = self._users.find({"username": {"$in": names}}, {"username": True}) if names else ()
        return {row["username"]: str(row["_id"]) for row in rows}

    def usernames(self, user_ids: Collection[str]) -> Mapping[str, str]:
        filters = {"_id": {"$in": [ObjectId(user_id) for user_id in user_ids]}}
        return {str(row["_id"]): row["username"] for row in self._users.find(filters, {"username": True})}

    def find(self, page_request: PageRequest, query: UserQuery = ALL_USERS) -> Page[User]:
        return keyset.page(self._users, _filters(query), _BY_USERNAME, page_request, mappers.user)

    def find_with_tasks(
        self,
        page_request: PageRequest,
        context: QueryContext,
        query: UserQuery = ALL_USERS,
        *,
        tasks_limit: int,
        projects: Collection[str] | None = None,
    ) -> Page[UserWithTasks[Task]]:
        lookup = Lookup(limit=page_request.limit, tasks_limit=tasks_limit, context=context, projects=projects)
        snapshot = Snapshot(list(self._users.aggregate(_stages(query, page_request, lookup))), None)
        items = lookup.users(snapshot.rows, lambda rows: list(map(mappers.task, rows)))
        return self._page(query, page_request, snapshot, items)

    def find_with_records(
        self,
        page_request: PageRequest,
        context: QueryContext,
        query: UserQuery = ALL_USERS,
        *,
        tasks_limit: int,
        projects: Collection[str] | None = None,
    ) -> Page[UserWithTasks[TaskRecord]]:
        lookup = Lookup(limit=page_request.limit, tasks_limit=tasks_limit, context=context, projects=projects)
        raw = aggregate(self._undecoded, _stages(query, page_request, lookup), limit=page_request.limit)
        rows = [self._decode_except_tasks(row) for row in raw.rows]
        items: list[UserWithTasks[TaskRecord]]
        items = lookup.users(rows, lambda tasks: self._records.of(tasks, context.policy.workflow))
        return self._page(query, page_request, Snapshot(rows, raw.at), items)

    def _decode_except_tasks(self, row: RawBSONDocument) -> dict[str, Any]:
        return {
            name: self._records.decoded(value) if isinstance(value, RawBSONDocument) else value
            for name, value in row.items()
        }

    def _page(
        self, query: UserQuery, page_request: PageRequest, snapshot: Snapshot, items: list[UserWithTasks[T]]
    ) -> Page[UserWithTasks[T]]:
        last = items[-1].user if items and snapshot.rows[0]["page"]["more"] else None
        return Page(
            items=items,
            next=None if last is None else Position((last.username,), last.id),
            total=self._users.count_documents(_filters(query)) if page_request.with_total else None,
            as_of=snapshot.as_of,
        )

    def add(self, user: User) -> None:
        with _duplicate_key_errors(user):
            insert(self._users, mappers.user_document(user))

    def replace(self, user: User) -> None:
        with _duplicate_key_errors(user):
            replace(self._users, mappers.user_document(user))
        _known_users().pop(user.id, None)

    def touch(self, user_id: str) -> None:
        row = touch_one(self._users, ObjectId(user_id))
        if row is not None:  # callers read a user right after touching it
            _known_users()[user_id] = mappers.user(row)

    def count_active_admins(self) -> int:
        return self._users.count_documents({"role": Role.ADMIN.value, "active": True})


def _known_users() -> dict[str, User]:
    """Returns the users that the running transaction has read, by id; outside of one, an empty dict."""
    transaction = current_transaction()
    return {} if transaction is None else transaction.users


def _filters(query: UserQuery) -> Filter:
    conditions: list[Filter] = [
        *([] if query.usernames is None else [{"username": {"$in": list(query.usernames)}}]),
        *([] if query.roles is None else [{"role": {"$in": [role.value for role in query.roles]}}]),
        *([] if query.active is None else [{"active": query.active}]),
        *([{"words": beginning_with(query.words)}] if query.words else []),
    ]
    return {"$and": conditions} if conditions else {}


def _stages(query: UserQuery, page_request: PageRequest, lookup: Lookup) -> list[dict[str, Any]]:
    return [
        {"$match": keyset.filter_after(_filters(query), _BY_USERNAME, page_request.after)},
        {"$sort": dict(_BY_USERNAME)},
        {"$limit": page_request.limit + 1},
        *lookup.stages(),
    ]


@contextmanager
def _duplicate_key_errors(user: User) -> Iterator[None]:
    """Raises `EmailTaken` or `UsernameTaken` in place of the driver's `DuplicateKeyError`."""
    try:
        yield
    except DuplicateKeyError as error:
        if "email_key" in (error.details or {}).get("keyPattern", {}):
            raise EmailTaken from error
        raise UsernameTaken(user.username) from error
