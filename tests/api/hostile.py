"""Lists hostile requests, as tables: the operation that each is sent to, and the response that it must get.

Each row replaces one part of the operation. `{task}` and the like are the entities of `World`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.api.operations import BY_NAME, OPERATIONS, Operation
from tests.forbidden_urls import FORBIDDEN

MEBIBYTE = 1024 * 1024
JSON = {"Content-Type": "application/json"}
NOBODY = "0123456789abcdef01234567"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One request, and the status or the code of the problem that answers it."""

    name: str
    expected: int | str
    who: str | None = "admin"
    body: Any = None
    raw: bytes | None = None
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)


# --- to every operation

QUERIES = {
    "an operator of the mapper": "status__ne=todo",
    "a raw query": "__raw__=%7B%22%24where%22%3A%221%22%7D",
    "an operator of the database": "$where=sleep(9000)",
    "an operator in brackets": "status[$ne]=todo",
    "a path": "assignee.role=admin",
    "another method": "_method=DELETE",
    "another version of the same": "api_key=x&access_token=x",
    "NUL": "limit=1%00",
    "half of a character": "limit=%C3",
}
UNREADABLE = ("NUL", "half of a character")
# Identity providers may add parameters of their own, which mean nothing to the service.
TAKES_ANY_QUERY = ("finish_oidc",)
TOKENS = {
    "a token that is an operator": 'Bearer tm_{"$ne":null}_x',
    "a token of operators": "Bearer tm_$ne_$ne",
    "a token of nobody's": f"Bearer tm_{NOBODY}_{'x' * 43}",
    "a token in capitals": f"Bearer TM_{NOBODY.upper()}_x",
    "a long token": "Bearer tm_" + "0" * 7000,
    "a signed document in place of a token": "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.",
    "a password": "Basic YWRtaW46YWRtaW4=",
}

# --- to every operation with a thing in its path

IDS = {
    "nobody's": NOBODY,
    "zeros": "0" * 24,
    "too short": "0" * 23,
    "too long": "0" * 25,
    "a digit of another script": "%D9%A1" + "0" * 23,
    "an operator": "$ne",
    "an object": "%7B%22$ne%22:null%7D",
    "an operator of the mapper": "id__ne",
    "a condition": "1'%20or%20'1'='1",
    "the folder above": "..%2F..%2Fetc%2Fpasswd",
    "NUL": "%00",
    "a broken character": "%C3%28",
    "a line break": NOBODY + "%0D%0AX-Evil:1",
    "a number": "-1",
    "null": "null",
    "very long": "0" * 6000,
    "a semicolon": NOBODY + ";id=1",
}

# --- to every operation with a body

BODIES: Mapping[str, tuple[Any, str]] = {
    "code for the database": ({"$where": "sleep(9000)"}, "malformed"),
    "an update": ({"$set": {"role": "admin"}}, "malformed"),
    "a path": ({"assignee.role": "admin"}, "malformed"),
    "an operator in a list": ({"labels": [{"$each": []}]}, "malformed"),
    "an operator deep inside": ({"a": [{"b": [{"c": {"$ne": 1}}]}]}, "malformed"),
    "an operator of the mapper": ({"title__ne": "x"}, "invalid"),
    "a raw query": ({"__raw__": "x"}, "invalid"),
    "a prototype": ({"__proto__": {"role": "admin"}, "constructor": {"prototype": {}}}, "invalid"),
    "a class": ({"_cls": "User", "__class__": "User"}, "invalid"),
    "a list of bodies": ([{"title": "x"}], "invalid"),
    "text": ("title=x", "invalid"),
    "1,000 fields": ({f"field{number}": number for number in range(1_000)}, "invalid"),
    "50,000 fields": ({f"field{number}": number for number in range(50_000)}, "malformed"),
    "a long name": ({"x" * 100_000: 1}, "invalid"),
}
RAW_BODIES: Mapping[str, tuple[bytes, str]] = {
    "100,000 brackets": (b'{"title": ' + b"[" * 100_000, "malformed"),
    "100,000 pairs of brackets": (b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed"),
    "a million digits": (b'{"version": ' + b"9" * 1_000_000 + b"}", "malformed"),
    "a number beyond all": (b'{"version": 1e999}', "malformed"),
    "NaN": (b'{"version": NaN}', "malformed"),
    "a surrogate": (b'{"title": "\\ud800"}', "malformed"),
    "NUL": (b'{"title": "a\\u0000"}', "malformed"),
    "a key twice": (b'{"title": "x", "title": "y"}', "malformed"),
    "another encoding": ('{"title": "x"}'.encode("utf-16"), "malformed"),
    "a form": (b"title=x&role=admin", "malformed"),
    "markup": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
               "malformed"),
    "a million blanks and no more": (b" " * 1_000_000, "malformed"),
}  # fmt: skip
CONTENT_TYPES = {
    "a form's type": {"Content-Type": "application/x-www-form-urlencoded"},
    "a file's type": {"Content-Type": "multipart/form-data; boundary=x"},
    "another character set": {"Content-Type": "application/json; charset=utf-7"},
    "a compressed body": {**JSON, "Content-Encoding": "gzip"},
}
NO_WEBHOOK: tuple[tuple[str, Any], ...] = (
    ("url", None), ("url", 7), ("url", ["https://example.org/"]), ("kinds", []), ("kinds", "task.*"),
    ("kinds", ["tasks.*"]), ("kinds", ["task"]), ("kinds", [None]), ("kinds", None), ("project", "NOWHERE"),
    ("project", 7), ("active", "true"), ("active", None), ("description", "x" * 201), ("secret", "whsec_x"),
    ("scopes", None), ("position", 0), ("disabled_because", None),
)  # fmt: skip
URLS = [url for url in FORBIDDEN if url == url.strip()]  # white space at the ends is removed
# Foreign fields: what a caller might hope to set beside what may be set.
FOREIGN: Mapping[str, Any] = {
    "id": NOBODY,
    "_id": NOBODY,
    "created_by": NOBODY,
    "created_at": "2000-01-01T00:00:00Z",
    "updated_at": "2000-01-01T00:00:00Z",
    "deleted_at": None,
    "author_id": NOBODY,
    "secret_hash": "",
    "is_admin": True,
    "by": "system:cli",
}
PRECONDITIONS = {
    "an operator as a version": '{"$gt": 0}',
    "several versions": '"1", "2"',
    "a negative version": '"-1"',
    "a version without quotes": "1",
    "a version beyond 64 bits": '"99999999999999999999"',
    "a version of another script": '"١"'.encode().decode("latin-1"),
}
KEYS = {
    "no key": "",
    "a key of blanks": "   ",
    "a long key": "x" * 256,
    "a key in another script": "ключ".encode().decode("latin-1"),
    "a key with a tab": "a\tb",
}
WITH_KEY = ("create_task", "create_project", "create_comment", "create_view", "perform")

# --- values that no task, user, comment or token can have

DATES = {
    "the year 0": "0000-01-01",
    "the year before the first": "1969-12-31",
    "the moment before the first": "1969-12-31T23:59:59.999Z",
    "the first moment, further east": "1970-01-01T00:00:00+00:01",
    "the last day": "9999-12-31",
    "the year 10000": "10000-01-01",
    "the year 10000, further west": "9999-12-31T23:59:59-00:01",
    "a leap day that is none": "2100-02-29",
    "the 31st of June": "2026-06-31",
    "the 13th month": "2026-13-01",
    "day 0": "2026-01-00",
    "a leap second": "2026-06-30T23:59:60Z",
    "the offset of no place": "2026-01-01T00:00:00+99:99",
    "a week": "2026-W01-1",
    "a day of the year": "2026-001",
    "digits of another script": "٢٠٢٦-01-01",
    "full-width digits": "２０２６-01-01",
    "a negative year": "-2026-01-01",
    "an expression": "now()",
    "a date of the database's": {"date": "2026-01-01"},
    "seconds": 1_767_225_600,
    "not a number": "NaN",
}
PROJECT_VALUES: Mapping[str, Any] = {
    "a name of a megabyte": {"name": "x" * 1_000_000},
    "a name that does not show": {"name": "\u200b"},
    "a name with a line break": {"name": "a\r\nSet-Cookie: x=1"},
    "a description of a megabyte": {"description": "x" * 1_000_000},
    "a number of tasks": {"last_number": 0},
    "a default by its stored name": {"is_default": True},
    "the time of archiving": {"archived_at": None},
}
NEW_PROJECT_VALUES: Mapping[str, Any] = {
    "a key of a megabyte": {"key": "X" * 1_000_000},
    "a key that is an id": {"key": NOBODY},
    "a key of another script": {"key": "ОPS"},  # its first letter is Cyrillic
    "a key that is a task's": {"key": "OPS-1"},
    "a key that is an operator": {"key": "$NE"},
    "a key with a blank": {"key": "OPS "},
    "a key that is an object": {"key": {"ne": None}},
    "a project that is archived from the start": {"archived": True},
    "a project that is the default from the start": {"default": True},
}
CHANGED_PROJECT_VALUES: Mapping[str, Any] = {
    "another key": {"key": "WEB"},
    "no default": {"default": False},
    "an archive by word": {"archived": "true"},
}
TASK_VALUES: Mapping[str, Any] = {
    "a title of a megabyte": {"title": "x" * 1_000_000},
    "a title that does not show": {"title": "\u200b\u2060\ufeff"},
    "a title with a line break": {"title": "a\r\nSet-Cookie: x=1"},
    "a description of a megabyte": {"description": "x" * 1_000_000},
    "100,000 labels": {"labels": ["x"] * 100_000},
    "30,000 blockers": {"blocked_by": [NOBODY] * 30_000},
    "a label that is an object": {"labels": [{"gt": ""}]},
    "an assignee of all": {"assignee_id": "*"},
    "an assignee who is a process": {"assignee_id": "system:cli"},
    "an assignee who is nobody": {"assignee_id": NOBODY},
    "a parent that is nothing": {"parent_id": NOBODY},
    "a project of all": {"project": "*"},
    "a project that is nothing": {"project": NOBODY},
    "a project by a task's key": {"project": "OPS-1"},
    "a project that is an object": {"project": {"ne": None}},
    "a number of one's own": {"key": "OPS-99"},
    "a number alone": {"number": 1},
    "a former key": {"former_keys": ["OPS-99"]},
    "a status of another case": {"status": "TODO"},
    "a status that is a list": {"status": ["todo"]},
    "a priority by number": {"priority": 3},
    "an override by word": {"override": "true"},
    "a long reason": {"reason": "x" * 500_000},
}
USER_VALUES: Mapping[str, Any] = {
    "a username of another script": {"username": "аdmin"},  # its first letter is Cyrillic
    "a username that is an id": {"username": NOBODY},
    "a username that means somebody else": {"username": "me"},
    "a name of a megabyte": {"name": "x" * 1_000_000},
    "a header in the e-mail address": {"email": "a@example.org\r\nBcc: b@example.org"},
    "two e-mail addresses": {"email": "a@example.org,b@example.org"},
    "a role above all": {"role": "root"},
    "several roles": {"role": ["member", "admin"]},
    "a kind of no kind": {"kind": {"ne": "person"}},
    "a password": {"password": "x"},
    "a token": {"token": "tm_x"},
}
TOKEN_VALUES: Mapping[str, Any] = {
    "all scopes by a star": {"scopes": ["*"]},
    "a scope of another case": {"scopes": ["ADMIN"]},
    "no scopes": {"scopes": []},
    "scopes as text": {"scopes": "admin"},
    "a token that has expired": {"expires_at": "2026-03-10T12:00:00Z"},
    "a day of expiry": {"expires_at": "2026-04-01"},
    "an expiry beyond all": {"expires_at": "10000-01-01T00:00:00Z"},
    "an expiry without an offset": {"expires_at": "2026-04-01T00:00:00"},
    "a token of everybody's": {"user_id": {"ne": NOBODY}},
    "a token of a name's": {"user_id": "ada"},
    "a token with a secret of one's own": {"token": "tm_x_y", "secret": "x"},
    "a name of a megabyte": {"name": "x" * 1_000_000},
}
COMMENT_VALUES: Mapping[str, Any] = {
    "a text of a megabyte": {"text": "x" * 1_000_000},
    "a text that does not show": {"text": "\u200b"},
    "a text that is a list": {"text": ["x"]},
    "no text": {"text": None},
    "somebody else's comment": {"text": "x", "author_id": NOBODY},
    "a comment on another task": {"text": "x", "task_id": NOBODY},
}
VALUES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "create_task": (TASK_VALUES, {f"due at {k}": {"due_date": v} for k, v in DATES.items()}),
    "change_task": (TASK_VALUES, {f"due at {k}": {"due_date": v} for k, v in DATES.items()}),
    "create_project": (PROJECT_VALUES, NEW_PROJECT_VALUES),
    "change_project": (PROJECT_VALUES, CHANGED_PROJECT_VALUES),
    "create_user": (USER_VALUES,),
    "change_user": (USER_VALUES,),
    "create_token": (TOKEN_VALUES,),
    "create_comment": (COMMENT_VALUES,),
    "change_comment": (COMMENT_VALUES,),
}


def _bulk(*operations: Any, **more: Any) -> dict[str, Any]:
    return {"operations": list(operations), **more}


def _where(**filters: Any) -> dict[str, Any]:
    return {"where": filters, "change": {"title": "x"}, "expect": 1}


def _refused(*parameters: tuple[str, str]) -> tuple[Row, ...]:
    """For each parameter and its text one row that is malformed."""
    return tuple(
        Row(name=f"{name} {text[:50]}", expected="malformed", query=f"{name}={text}")
        for name, text in parameters
    )


# --- to one operation alone

OWN: Mapping[str, tuple[Row, ...]] = {
    "perform": (
        Row(name="an unknown operation", expected="invalid", body=_bulk({"op": "__class__"})),
        Row(name="an operation of the database's", expected="malformed", body=_bulk({"op": "x", "$set": {}})),
        Row(name="no operation", expected="invalid", body=_bulk()),
        Row(name="1,001 operations", expected="invalid", body=_bulk(*[{"op": "bin", "id": NOBODY}] * 1001)),
        Row(name="1,000 things that are not there", expected="refused",
            body=_bulk(*[{"op": "bin", "id": NOBODY}] * 1000)),
        Row(name="an operation with an id of its own", expected="invalid",
            body=_bulk({"op": "create", "title": "x", "id": NOBODY})),
        Row(name="an id that is an object", expected="refused",
            body=_bulk({"op": "bin", "id": {"ne": None}})),
        Row(name="a good and a bad one", expected="refused",
            body=_bulk({"op": "create", "title": "x"}, {"op": "bin", "id": NOBODY})),
        Row(name="a role among the fields", expected="invalid",
            body=_bulk({"op": "change", "id": "{task}", "role": "admin"})),
        Row(name="another's task by a member", expected="refused", who="member",
            body=_bulk({"op": "create", "title": "x"}, {"op": "bin", "id": "{task}"})),
        Row(name="an unknown mode", expected="invalid",
            body=_bulk({"op": "create", "title": "x"}, mode="all")),
        Row(name="all tasks but", expected="invalid", body=_where(status__ne="todo")),
        Row(name="all tasks by an object", expected="invalid", body=_where(status={"ne": "todo"})),
        Row(name="all tasks by a raw query", expected="invalid", body=_where(__raw__="{}")),
        Row(name="all tasks, of whatever number", expected="unexpected_count", body=_where()),
        Row(name="all tasks of an unknown number", expected="invalid",
            body={"where": {}, "change": {"title": "x"}}),
        Row(name="a negative number of tasks", expected="invalid",
            body={"where": {}, "change": {"title": "x"}, "expect": -1}),
        Row(name="a change of nothing allowed", expected="invalid",
            body={"where": {}, "change": {"created_by": NOBODY}, "expect": 3}),
        Row(name="both ways at once", expected="invalid",
            body=_bulk({"op": "create", "title": "x"}, where={})),
    ),
    "change_user": (
        Row(name="a role raised by oneself", expected="not_permitted", who="ada", body={"role": "admin"}),
        Row(name="a role raised beside the name", expected="not_permitted", who="ada",
            body={"name": "Ada", "role": "manager"}),
        Row(name="somebody else's name", expected="not_permitted", who="manager", body={"name": "x"}),
        Row(name="a name that is taken", expected="username_taken", body={"username": "BERTHA"}),
    ),
    "create_user": (
        Row(name="an admin of a manager's making", expected="not_permitted", who="manager",
            body={"username": "grace", "name": "Grace", "role": "admin"}),
    ),
    "create_token": (
        Row(name="an admin's token", expected="not_permitted", who="member",
            body={"name": "x", "user_id": "{other_user}"}),
    ),
    "change_project": (
        Row(name="a project changed by a member", expected="not_permitted", who="member",
            body={"name": "x"}),
        Row(name="a default of a manager's choice", expected="not_permitted", who="manager",
            body={"name": "x", "default": True}),
    ),
    "create_project": (
        Row(name="a project of a member's making", expected="not_permitted", who="member",
            body={"key": "WEB", "name": "x"}),
        Row(name="a key that is taken", expected="project_key_taken", body={"key": "task", "name": "x"}),
    ),
    "list_projects": _refused(
        ("archived", "1"), ("archived", "$ne"), ("include", "tasks"), ("key", "OPS"), ("sort", "name"),
    ),
    "block": (
        Row(name="a task that waits for itself", expected="refused", ids={"other": "{task}"}),
        Row(name="a task in the bin", expected="not_found", ids={"other": "{binned}"}),
    ),
    "list_tasks": (
        *_refused(
            ("sort", "$natural"), ("sort", "-_id"), ("sort", "title__asc"), ("sort", "__raw__"),
            ("sort", "title;drop"), ("sort", "due_at"), ("sort", "title.x"), ("sort", "x" * 5000),
            ("limit", "1e9"), ("limit", "-1"), ("limit", "0"), ("limit", "201"), ("limit", "{}"),
            ("limit", "9" * 5000), ("limit", "١"),
            ("assignee", "{%22$ne%22:null}"), ("assignee", "$ne"), ("assignee", "nobody-of-this-name"),
            ("status", "{%22$ne%22:%22todo%22}"), ("status", "todo'||'1"), ("id", "$all"),
            ("id", ",".join([NOBODY] * 101)), ("label", "x" * 5000), ("include", "secret_hash"),
            ("include", "assignee.email"), ("bin", "{}"), ("total", "1"), ("cursor", "{}"),
            ("cursor", "AAAA"), ("cursor", "A" * 7000), ("cursor", "..%2F..%2Fetc"),
            ("fields", "secret_hash"), ("fields", "title.$"), ("q", "%00"), ("q", "x" * 5000),
            ("created_by", "$ne"), ("parent", "$ne"), ("blocked_by", "*"), ("blocked", "1"),
            ("created_from", "0000-01-01"), ("created_to", "10000-01-01"), ("updated_from", "2026-02-30"),
            ("due_to", "9999-12-31T23:59:59-01:00"), ("due", "$exists"),
        ),
        # Text like any other: it matches nothing.
        Row(name="a label that looks like an operator", expected=200, query="label={%22$ne%22:null}"),
    ),
    "list_activity": _refused(
        *(("at_from", text) for text in DATES.values() if isinstance(text, str) and text != "9999-12-31"),
        ("at_to", "10000-01-01"), ("entity", "board"), ("entity", "$ne"), ("entity_id", "$ne"),
        ("kind", "task.*"), ("by", "{}"), ("by", "system"), ("change_set", "__ne"),
    ),
    "list_users": _refused(
        ("include", "tokens"), ("include", "tasks,tasks"), ("include=tasks&tasks_limit", "101"),
        ("include=tasks&tasks_limit", "-1"), ("limit", "201"), ("role", "$ne"), ("email", "a"),
        ("username", "$ne"), ("username", "{}"), ("q", ".*"), ("active", "1"),
    ),
    "list_deliveries": _refused(("state", "$ne"), ("state", "done"), ("limit", "201"), ("cursor", "AAAA")),
    "create_webhook": (
        *(Row(name=f"a forbidden URL: {url}", expected="invalid", body={"url": url}) for url in URLS),
        *(Row(name=f"{name} {value}", expected="invalid", body={"url": "https://example.org/", name: value})
          for name, value in NO_WEBHOOK),
    ),
    "change_webhook": (
        *(Row(name=f"a forbidden URL: {url}", expected="invalid", body={"url": url}) for url in URLS),
        *(Row(name=f"{name} {value}", expected="invalid", body={name: value}) for name, value in NO_WEBHOOK),
    ),
    "replay_changes": tuple(
        Row(name=f"from {value}", expected="invalid", body={"since": value})
        for value in (-1, 2**53, 1.5, "0", None, True, [0], 7)
    ),
    "list_tokens": (
        *_refused(*(("user_id", text) for text in ("$ne", "{%22$ne%22:null}", "*", "ada"))),
        Row(name="somebody else's", expected="not_permitted", who="member", query="user_id={other_user}"),
    ),
}  # fmt: skip


def rows_of(operation: Operation) -> Iterator[Row]:
    """Everything that is sent to an operation."""
    for name, query in QUERIES.items():
        is_read = operation.name not in TAKES_ANY_QUERY or name in UNREADABLE
        yield Row(name=name, expected="malformed" if is_read else operation.status, query=query)
    if operation.scopes is not None:
        for name, header in TOKENS.items():
            yield Row(name=name, expected="unauthenticated", who=None, headers={"Authorization": header})
    for thing in (
        "task",
        "other",
        "binned",
        "blocker",
        "comment",
        "project",
        "user",
        "token",
        "view",
        "webhook",
        "delivery",
    ):
        if f"{{{thing}}}" in operation.path:
            for name, key in IDS.items():
                is_gone = thing == "blocker" and key in (NOBODY, "0" * 24)  # as it should be
                expected = operation.status if is_gone else "not_found"
                yield Row(name=f"a {thing} {name}", expected=expected, ids={thing: key})
    if operation.guarded:
        for name, header in PRECONDITIONS.items():
            yield Row(name=name, expected="malformed", headers={"If-Match": header})
    if operation.name in WITH_KEY:
        for name, header in KEYS.items():
            yield Row(name=name, expected="malformed", headers={"Idempotency-Key": header})
    if operation.body is not None:
        yield from _with_body(operation)
    yield from OWN.get(operation.name, ())


def _with_body(operation: Operation) -> Iterator[Row]:
    good = dict(operation.body or {})
    for name, (body, expected) in BODIES.items():
        yield Row(name=name, expected=expected, body=body)
    for name, (raw, expected) in RAW_BODIES.items():
        yield Row(name=name, expected=expected, raw=raw, headers=JSON)
    for name, headers in CONTENT_TYPES.items():
        raw = json.dumps(good).encode()
        yield Row(name=name, expected="unsupported_media_type", raw=raw, headers=headers)
    for name, value in FOREIGN.items():
        yield Row(name=f"foreign: {name}", expected="invalid", body={**good, name: value})
    most = (4 if operation.name == "perform" else 1) * MEBIBYTE
    yield Row(name="too much", expected="too_large", raw=b"{}".ljust(most + 1), headers=JSON)
    for table in VALUES.get(operation.name, ()):
        for name, values in table.items():
            yield Row(name=name, expected="invalid", body={**good, **values})


ROWS = {operation.name: tuple(rows_of(operation)) for operation in OPERATIONS}
assert set(OWN) | set(VALUES) <= set(BY_NAME)
