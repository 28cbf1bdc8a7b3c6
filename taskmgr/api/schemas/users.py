"""Describes users, in requests and responses."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.input.strict_json import serialises_itself
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import (
    CompiledOutput,
    EnumName,
    Input,
    Moment,
    ParsedBoolean,
    ParsedText,
    Writer,
    error_message,
    id_field,
)
from taskmgr.api.schemas.parameters import (
    boolean_filter,
    comma_list,
    integer,
    parameter,
    projects_parameter,
    search_words,
)
from taskmgr.api.schemas.queries import PageQuery
from taskmgr.api.schemas.task_bodies import version
from taskmgr.api.schemas.tasks import TaskOut
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.user import PARSERS, Kind, Role, User
from taskmgr.domain.services.users import DEFAULT_TASKS_LIMIT, MAX_TASKS_LIMIT

_ROLES = [role.value for role in Role]
_KINDS = [kind.value for kind in Kind]


def _username(**options: Any) -> ParsedText:
    return ParsedText(PARSERS["username"], metadata=patterns.USERNAME, **options)


def _name(**options: Any) -> ParsedText:
    return ParsedText(PARSERS["name"], metadata=patterns.line(values.MAX_NAME_LENGTH), **options)


def _email() -> ParsedText:
    return ParsedText(PARSERS["email"], allow_none=True, metadata=patterns.EMAIL)


class UserIn(Input):
    """A new user."""

    username = _username(required=True)
    name = _name(required=True)
    email = _email()
    role = ParsedText(PARSERS["role"], metadata={"enum": _ROLES, "default": Role.MEMBER.value})
    kind = ParsedText(PARSERS["kind"], metadata={"enum": _KINDS, "default": Kind.PERSON.value})


class UserPatch(Input):
    """Changes of a user: an absent field stays as it is."""

    username = _username()
    name = _name()
    email = _email()
    role = ParsedText(PARSERS["role"], metadata={"enum": _ROLES})
    kind = ParsedText(PARSERS["kind"], metadata={"enum": _KINDS})
    active = ParsedBoolean(PARSERS["active"])
    version = version()


class UserOut(CompiledOutput):
    """A user. `email` is null if it is not set, or if the caller may not see it."""

    id = id_field("The user's id.")
    username = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    role = EnumName(required=True, metadata={"enum": _ROLES})
    kind = EnumName(required=True, metadata={"enum": _KINDS})
    active = fields.Boolean(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


class NewUserOut(UserOut):
    """A new user."""

    id = id_field("The user's id; null if it was created in a dry run.", allow_none=True)


class MeOut(UserOut):
    """The calling user."""

    unread = fields.Integer(
        required=True, metadata={"description": "How many items of the user's inbox are unread."}
    )

    _user = UserOut()

    def writer(self) -> Writer:
        write_user = self._user.writer()

        def write(obj: Any) -> dict[str, Any]:
            return {**write_user(obj.user), "unread": obj.unread}

        return write


class TaskCountsOut(CompiledOutput):
    """How many of a user's tasks outside the bin are open, and how many of these are overdue, blocked, …"""

    open = fields.Integer(required=True)
    overdue = fields.Integer(required=True)
    blocked = fields.Integer(required=True, metadata={"description": "Open tasks that wait for another."})
    started = fields.Integer(required=True)
    urgent = fields.Integer(required=True)


class UserRowOut(UserOut):
    """A user in a list. The keys after `version` are added by `include=tasks`."""

    tasks = fields.List(fields.Nested(TaskOut))
    tasks_total = fields.Integer()
    counts = fields.Nested(TaskCountsOut)
    wip_room = fields.Integer(
        allow_none=True,
        metadata={"description": "How many more tasks the user may start; null if there is no limit."},
    )

    _user = UserOut()
    _task = TaskOut()
    _counts = TaskCountsOut()

    def writer(self) -> Writer:
        write_user, write_task, write_counts = self._user.writer(), self._task.writer(), self._counts.writer()

        def write(obj: Any) -> dict[str, Any]:
            if isinstance(obj, User):
                return write_user(obj)
            return {
                **write_user(obj.user),
                "tasks": [item if serialises_itself(item) else write_task(item) for item in obj.tasks],
                "tasks_total": obj.tasks_total,
                "counts": write_counts(obj.counts),
                "wip_room": obj.wip_room,
            }

        return write


class UserListQuery(PageQuery):
    """Users are sorted by username. A user must match all filters."""

    username = comma_list(values.username, patterns.USERNAME, description="Usernames.")
    q = search_words(
        "ada",
        "Words, or the beginnings of words, that must all occur in the username or the name. Case and "
        "accents are ignored.",
    )
    role = comma_list(parsing.one_of(Role), {"enum": _ROLES}, description="Roles.")
    active = boolean_filter("Whether the user is active.")
    include = parameter(
        parsing.one_of_names(("tasks",)), enum=["tasks"], description="`tasks` adds each user's tasks."
    )
    project = projects_parameter(
        "With `include=tasks`, keys or ids of the projects whose tasks are shown and counted. `wip_room` is "
        "over all projects."
    )
    tasks_limit = integer(
        0,
        MAX_TASKS_LIMIT,
        DEFAULT_TASKS_LIMIT,
        description="With `include=tasks`, the maximum number of tasks for each user.",
    )

    @ma.validates_schema(skip_on_field_errors=False, pass_original=True)
    def require_include(self, data: dict[str, Any], raw: Any, **_: Any) -> None:
        """Rejects what is about tasks without `include=tasks`, except the default limit.

        Generated clients send the default.
        """
        is_limited = "tasks_limit" in raw and data.get("tasks_limit") != DEFAULT_TASKS_LIMIT
        about_tasks = {"project": "project" in raw, "tasks_limit": is_limited}
        if "include" not in raw and any(about_tasks.values()):
            message = error_message("not_allowed", "Requires `include=tasks`.")
            raise ma.ValidationError({name: [message] for name, given in about_tasks.items() if given})
