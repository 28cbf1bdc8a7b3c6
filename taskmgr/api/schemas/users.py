"""Users and their tokens, in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from taskmgr.api.input.strict_json import serialises_itself
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import Command, Flag, Moment, Name, Out, Text, Texts, Writer, key_text
from taskmgr.api.schemas.tasks import TaskOut, version
from taskmgr.domain.model import values
from taskmgr.domain.model.token import PARSERS as TOKEN_PARSERS
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import PARSERS, Kind, Role, User

_ROLES = [role.value for role in Role]
_KINDS = [kind.value for kind in Kind]
_SCOPES = [scope.value for scope in Scope]


def _username(**options: Any) -> Text:
    return Text(PARSERS["username"], metadata=patterns.USERNAME, **options)


def _name(**options: Any) -> Text:
    return Text(PARSERS["name"], metadata=patterns.line(values.MAX_NAME_LENGTH), **options)


def _email() -> Text:
    return Text(PARSERS["email"], allow_none=True, metadata=patterns.EMAIL)


class UserIn(Command):
    """A new user."""

    username = _username(required=True)
    name = _name(required=True)
    email = _email()
    role = Text(PARSERS["role"], metadata={"enum": _ROLES, "default": Role.MEMBER.value})
    kind = Text(PARSERS["kind"], metadata={"enum": _KINDS, "default": Kind.PERSON.value})


class UserPatch(Command):
    """Changes of a user: an absent field stays."""

    username = _username()
    name = _name()
    email = _email()
    role = Text(PARSERS["role"], metadata={"enum": _ROLES})
    kind = Text(PARSERS["kind"], metadata={"enum": _KINDS})
    active = Flag(PARSERS["active"])
    version = version()


class UserOut(Out):
    """A user. `email` is null where it is hidden from the caller."""

    id = key_text("The user's id.")
    username = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    role = Name(required=True, metadata={"enum": _ROLES})
    kind = Name(required=True, metadata={"enum": _KINDS})
    active = fields.Boolean(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


class NewUserOut(UserOut):
    """A new user."""

    id = key_text("The user's id; null where it was made dry.", allow_none=True)


class TaskCountsOut(Out):
    """How many of a user's tasks outside the bin are open, and of these overdue, blocked and so on."""

    open = fields.Integer(required=True)
    overdue = fields.Integer(required=True)
    blocked = fields.Integer(required=True, metadata={"description": "Those that wait for another."})
    started = fields.Integer(required=True)
    urgent = fields.Integer(required=True)


class UserRowOut(UserOut):
    """A user in a list; with `include=tasks` the tasks assigned to them come along."""

    tasks = fields.List(fields.Nested(TaskOut))
    tasks_total = fields.Integer()
    counts = fields.Nested(TaskCountsOut)
    wip_room = fields.Integer(
        allow_none=True, metadata={"description": "How many more may be started; null is without limit."}
    )

    _user = UserOut()
    _task = TaskOut()
    _counts = TaskCountsOut()

    def writer(self) -> Writer:
        user, task, counts = self._user.writer(), self._task.writer(), self._counts.writer()

        def write(obj: Any) -> dict[str, Any]:
            if isinstance(obj, User):
                return user(obj)
            return {
                **user(obj.user),
                "tasks": [item if serialises_itself(item) else task(item) for item in obj.tasks],
                "tasks_total": obj.tasks_total,
                "counts": counts(obj.counts),
                "wip_room": obj.wip_room,
            }

        return write


class TokenIn(Command):
    """A new token. Without scopes it goes as far as its owner's role."""

    name = Text(TOKEN_PARSERS["name"], required=True, metadata=patterns.line(values.MAX_TOKEN_NAME_LENGTH))
    scopes = Texts(TOKEN_PARSERS["scopes"], {"enum": _SCOPES}, allow_none=True, metadata={"minItems": 1})
    expires_at = Text(
        TOKEN_PARSERS["expires_at"],
        allow_none=True,
        metadata=patterns.MOMENT | {"description": "In the future, with an offset."},
    )
    user_id = Text(
        values.identifier,
        allow_none=True,
        metadata={"pattern": patterns.ID, "description": "An admin's alone."},
    )


class TokenOut(Out):
    """A token without its secret. `scopes` null is everything that the role allows."""

    id = key_text("The token's id.")
    user_id = key_text("Its owner.")
    name = fields.String(required=True)
    scopes = fields.List(fields.String(metadata={"enum": _SCOPES}), required=True, allow_none=True)
    created_at = Moment(required=True)
    expires_at = Moment(required=True, allow_none=True)
    last_used_at = Moment(required=True, allow_none=True)


class NewTokenOut(TokenOut):
    """A new token, with its secret text: shown this once."""

    token = fields.String(required=True)

    _token = TokenOut()

    def writer(self) -> Writer:
        token = self._token.writer()
        return lambda obj: {**token(obj.token), "token": obj.text}
