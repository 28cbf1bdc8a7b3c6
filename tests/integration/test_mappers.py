"""What is stored comes back whole, from memory, from a fake database and from the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from mongoengine import ValidationError
from pymongo.database import Database

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.link import Link
from taskmgr.domain.model.session import Session
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.token import Token
from taskmgr.domain.model.user import User
from taskmgr.domain.queries.search import folded
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents.draft import Draft
from taskmgr.infrastructure.mongo.documents.tasks import UNDATED
from taskmgr.infrastructure.mongo.writing import validated_row
from tests.factories import FULL_AND_PLAIN, a_task, a_user

SECRET_HASH = bytes(range(32))
# Stored from the first value on, and never taken away: most users of earlier releases lack it.
OPTIONAL = {"password_set_at", "private_to"}

# What stands beside the entity's own fields in the stored form: orders, uniqueness, the bin, touches.
DERIVED = {
    "number",
    "keys",
    "last_number",
    "title_key",
    "title_words",
    "label_words",
    "words",
    "priority_rank",
    "due_at",
    "binned",
    "email_key",
    "secret_hash",
    "touched",
}

TO_DOCUMENT: dict[type, Callable[[Any], Draft]] = {
    Task: mappers.task_document,
    User: mappers.user_document,
    Comment: mappers.comment_document,
    Change: mappers.change_document,
    Token: lambda token: mappers.token_document(token, SECRET_HASH),
    Session: lambda session: mappers.session_document(session, SECRET_HASH),
    Link: lambda link: mappers.link_document(link, SECRET_HASH),
}
FROM_ROW: dict[type, Callable[[Any], Any]] = {
    Task: mappers.task,
    User: mappers.user,
    Comment: mappers.comment,
    Change: mappers.change,
    Token: mappers.token,
    Session: mappers.session,
    Link: mappers.link,
}
MAKERS = [maker for pair in FULL_AND_PLAIN for maker in pair]
full_and_plain = pytest.mark.parametrize(("full", "plain"), FULL_AND_PLAIN, ids=lambda maker: maker.__name__)
every_maker = pytest.mark.parametrize("make", MAKERS, ids=lambda maker: maker.__name__)


def kept_fields(entity: Any) -> set[str]:
    """The fields of an entity that are stored: `unblocked` belongs to an answer, `former_keys` to `keys`."""
    return {field.name for field in fields(entity)} - {"unblocked", "former_keys"}


def as_stored(entity: Any) -> dict[str, Any]:
    return validated_row(TO_DOCUMENT[type(entity)](entity))


@full_and_plain
def test_no_field_of_a_full_thing_is_as_a_plain_one_has_it(
    full: Callable[[], Any], plain: Callable[[], Any]
) -> None:
    complete, simple = full(), plain()
    same = [name for name in kept_fields(complete) if getattr(complete, name) == getattr(simple, name)]
    assert same == []


@full_and_plain
def test_no_field_of_a_full_thing_is_empty(full: Callable[[], Any], plain: Callable[[], Any]) -> None:
    complete = full()
    empty = [name for name in kept_fields(complete) if getattr(complete, name) in (None, (), "", {}, 0)]
    assert set(empty) <= {"active"}  # False is not what a plain user has


@every_maker
def test_a_thing_comes_back_from_its_stored_form(make: Callable[[], Any]) -> None:
    entity = make()
    assert FROM_ROW[type(entity)](as_stored(entity)) == entity


@every_maker
def test_a_thing_comes_back_from_a_database(make: Callable[[], Any], either_database: Database[Any]) -> None:
    entity = make()
    collection = either_database["things"]
    collection.insert_one(as_stored(entity))
    assert FROM_ROW[type(entity)](collection.find_one({})) == entity


@full_and_plain
def test_a_full_thing_becomes_a_plain_one_by_setting_every_field(
    full: Callable[[], Any], plain: Callable[[], Any], either_database: Database[Any]
) -> None:
    collection = either_database["things"]
    row = as_stored(full())
    collection.insert_one(row)
    simple = plain()
    collection.update_one({"_id": row["_id"]}, {"$set": {**as_stored(simple), "_id": row["_id"]}})
    found = FROM_ROW[type(simple)](collection.find_one({}))
    simple.id = found.id
    for name in OPTIONAL & kept_fields(simple):
        setattr(simple, name, getattr(found, name))
    assert found == simple


@every_maker
def test_every_declared_field_is_stored_and_no_other(make: Callable[[], Any]) -> None:
    entity = make()
    declared = set(TO_DOCUMENT[type(entity)](entity).document._fields)
    assert declared - DERIVED == kept_fields(entity)
    absent = {"touched", *(name for name in OPTIONAL & declared if getattr(entity, name) is None)}
    assert {"id" if name == "_id" else name for name in as_stored(entity)} == declared - absent


def test_an_undated_task_is_stored_with_a_moment_behind_all_others() -> None:
    assert as_stored(a_task())["due_at"] == UNDATED


def test_a_plain_due_date_is_stored_as_given_and_as_the_instant_that_ends_it() -> None:
    row = as_stored(a_task(due_date=DueDate.on(date(2026, 12, 1), ZoneInfo("Europe/Berlin"))))
    assert row["due_date"] == "2026-12-01"
    assert row["due_at"] == datetime(2026, 12, 1, 23, tzinfo=UTC)


def test_an_instant_comes_back_as_an_instant() -> None:
    due = DueDate.at_instant(datetime(2026, 12, 1, 17, 30, 0, 123_000, tzinfo=UTC))
    assert mappers.task(as_stored(a_task(due_date=due))).due_date == due


def test_a_task_in_the_bin_is_marked_for_the_indexes() -> None:
    assert as_stored(a_task())["binned"] is False
    assert as_stored(a_task(deleted_at=datetime(2026, 1, 1, tzinfo=UTC)))["binned"] is True


def test_an_email_address_is_unique_without_regard_to_case() -> None:
    row = as_stored(a_user(email="Ada@Example.ORG"))
    assert (row["email"], row["email_key"]) == ("Ada@Example.ORG", "ada@example.org")


def test_two_users_without_an_email_address_have_no_key_in_common() -> None:
    assert as_stored(a_user(email=None))["email_key"] is None


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Zoë", "zoe"),
        ("ÉCOLE", "ecole"),
        ("Straße", "strasse"),
        ("Ελλάδα", "ελλαδα"),
        ("Йод", "иод"),
        ("日本", "日本"),
        ("がく", "か\u3099く"),  # the Japanese voicing mark is no accent
        ("🚀", "🚀"),
        ("℡ 𝐋𝐨𝐠", "tel log"),
    ],
)
def test_titles_are_ordered_without_case_and_accents(title: str, key: str) -> None:
    assert folded(title) == key


@pytest.mark.parametrize(
    "mistake",
    [{"title": "x" * 201}, {"priority": "soon"}, {"version": 0}, {"reopen_count": -1}, {"status": None}],
)
def test_a_document_that_breaks_a_limit_is_not_written(mistake: dict[str, Any]) -> None:
    draft = mappers.task_document(a_task())
    with pytest.raises(ValidationError) as caught:
        validated_row(Draft(draft.document, {**draft.values, **mistake}))
    assert set(caught.value.errors) == set(mistake)


@every_maker
def test_a_draft_is_stored_as_its_document_would_be(make: Callable[[], Any]) -> None:
    draft = TO_DOCUMENT[type(entity := make())](entity)
    document = draft.document(**draft.values)
    document.validate()

    by_mongoengine = dict(document.to_mongo())
    assert validated_row(draft) == by_mongoengine
    assert list(map(type, validated_row(draft).values())) == list(map(type, by_mongoengine.values()))
