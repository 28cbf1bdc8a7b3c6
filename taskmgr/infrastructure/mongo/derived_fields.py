"""Finds and corrects the stored fields that are derived from others, such as `title_key` and `due_at`.

The mappers compute them on every write. They become outdated if their computation changes (by a release
or by the time zone of plain due dates), or if a document is edited by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import tzinfo
from itertools import islice
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.session import SessionLimits
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.session_changes import SessionChanges
from taskmgr.domain.services.users import UserService
from taskmgr.infrastructure.credentials import Sha256Credentials
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents.draft import Draft
from taskmgr.infrastructure.mongo.documents.tasks import UNDATED
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.store import mongo_store, new_id

Row = Mapping[str, Any]

BATCH = 500
_BY = Actor.system("migration")


def corrected_task(row: Row, time_zone: tzinfo) -> Row:
    """Returns the row with correct values of the derived fields that its mapper reads."""
    stored = row["due_date"]
    due_at = UNDATED if stored is None else DueDate.parse(stored, time_zone).at
    return {**row, "priority_rank": Priority(row["priority"]).rank, "due_at": due_at}


def uncorrected(row: Row, _: tzinfo) -> Row:
    """Returns the row unchanged, for mappers that read no derived field."""
    return row


@dataclass(frozen=True, slots=True)
class Derived:
    """Computes the derived fields of a collection by converting its rows to entities and back.

    The derived fields are those that the document has and the entity has not.
    """

    collection: str
    corrected: Callable[[Row, tzinfo], Row]
    entity: Callable[[Row], Task | User | Comment]
    document: Callable[[Any], Draft]

    def wrong(self, row: Row, time_zone: tzinfo) -> dict[str, Any]:
        """Returns the correct values of the outdated derived fields. Raises one of `UNREADABLE`."""
        entity = self.entity(self.corrected(row, time_zone))
        correct = self.document(entity).values
        derived = correct.keys() - {field.name for field in fields(entity)}
        return {
            name: correct[name]
            for name in derived
            if name not in row or not is_same(row[name], correct[name])
        }


TASKS = Derived("tasks", corrected_task, mappers.task, mappers.task_document)
USERS = Derived("users", uncorrected, mappers.user, mappers.user_document)
COMMENTS = Derived("comments", uncorrected, mappers.comment, mappers.comment_document)


def is_same(one: object, other: object) -> bool:
    """Returns True if two stored values have equal values and types: true is not 1, nor is 1.0."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[name], other[name]) for name in one)
    if isinstance(one, bytes) and isinstance(other, bytes):
        return bytes(one) == bytes(other)  # the driver's Binary never equals bytes
    return _kind(one) is _kind(other) and one == other


def differing_names(one: Row, other: Row) -> list[str]:
    """Returns the names of the fields that only one row has, or that differ in value or type, sorted."""
    return [
        name
        for name in sorted({*one, *other})
        if name not in one or name not in other or not is_same(one[name], other[name])
    ]


def _kind(value: object) -> type:
    """Returns the type; for a subclass (Int64, a string enumeration) the built-in type."""
    for plain in (bool, int, str):
        if isinstance(value, plain):
            return plain
    return type(value)


@dataclass(kw_only=True, slots=True)
class Swept:
    """The result of a sweep: counts of corrected documents by kind, and of unreadable documents.

    `numbered` are the tasks that got a key before the sweep.
    `given_up` are the usernames whose e-mail address was removed.
    """

    tasks: int = 0
    users: int = 0
    comments: int = 0
    numbered: int = 0
    given_up: tuple[str, ...] = ()
    unreadable: int = 0

    @property
    def is_clean(self) -> bool:
        """Returns True if nothing had to be corrected."""
        return not (self.tasks or self.users or self.comments or self.numbered)

    def add(self, later: Swept) -> None:
        """Adds the result of a later sweep of the same data, which finds the same unreadable documents."""
        self.tasks += later.tasks
        self.users += later.users
        self.comments += later.comments
        self.numbered += later.numbered
        self.given_up += later.given_up
        self.unreadable = later.unreadable


def sweep(database: Database[Any], time_zone: tzinfo, require_target: Callable[[], None], size: int) -> Swept:
    """Corrects every task, comment and user whose derived fields are outdated.

    Each update applies only to the version that it was computed from, so it cannot overwrite a newer one.
    `require_target` is called before each batch of `size` documents, and raises to stop the sweep.
    """
    swept = Swept()

    def correct_in_batches(derived: Derived) -> int:
        corrected, wrong = 0, _find_wrong(database, derived, time_zone, swept)
        while batch := list(islice(wrong, size)):
            require_target()
            updates = [UpdateOne(_this_version(row), {"$set": correct}) for row, correct in batch]
            database[derived.collection].bulk_write(updates, ordered=False)
            corrected += len(batch)
        return corrected

    swept.tasks = correct_in_batches(TASKS)
    swept.comments = correct_in_batches(COMMENTS)
    wrong_users = list(_find_wrong(database, USERS, time_zone, swept))
    require_target()
    colliding = [row for row, correct in wrong_users if not _correct_user(database["users"], row, correct)]
    # Tried again, because the other user's `email_key` may have been corrected in the first round.
    swept.given_up = tuple(
        row["username"]
        for row in colliding
        if not _correct_user(database["users"], row, USERS.wrong(row, time_zone))
    )
    for row in colliding:
        if row["username"] in swept.given_up:
            _give_up_address(database, row["_id"])
    swept.users = len(wrong_users)
    return swept


def _find_wrong(
    database: Database[Any], derived: Derived, time_zone: tzinfo, swept: Swept
) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Yields rows with the correct values of their outdated fields; counts unreadable rows in `swept`."""
    for row in database[derived.collection].find({"_id": {"$type": "objectId"}}).sort("_id", 1):
        try:
            correct = derived.wrong(row, time_zone)
        except UNREADABLE:  # `taskmgr doctor` reports it
            swept.unreadable += 1
            continue
        if correct:
            yield row, correct


def _this_version(row: Row) -> dict[str, Any]:
    return {"_id": row["_id"], "version": row["version"]}


def _correct_user(users: Collection[Any], row: Row, correct: Mapping[str, Any]) -> bool:
    """Writes the correct values; returns False if another user has the e-mail address."""
    try:
        users.update_one(_this_version(row), {"$set": correct})
    except DuplicateKeyError:
        return False
    return True


def _give_up_address(database: Database[Any], user_id: ObjectId) -> None:
    """Removes the e-mail address of a user by a command, so that the log keeps the address."""
    store = mongo_store(database)
    journal = Journal(store, new_id)
    sessions = SessionChanges(store, journal, Sha256Credentials(), utc_now, new_id, SessionLimits())
    users = UserService(store, DEFAULT_POLICY, journal, utc_now, new_id, sessions)
    users.change(str(user_id), {"email": None}, by=_BY)
