"""Describes the entries of the log, and the parameters of a search in it."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import CompiledOutput, Input, Moment, id_field
from taskmgr.api.schemas.parameters import comma_list, parameter, parse_time, projects_parameter
from taskmgr.api.schemas.queries import PageQuery
from taskmgr.domain.history.changes import ENTITIES, KINDS
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.due_date import parse_end, parse_start
from taskmgr.domain.model.parsing import BadValue


class ChangeOut(CompiledOutput):
    """One entry of the log; `before` and `after` hold only the fields that changed."""

    id = id_field("The entry's id.")
    at = Moment(required=True)
    by = fields.String(required=True, metadata={"description": "A user's id, or `system:…`."})
    change_set = fields.String(required=True)
    entity = fields.String(required=True, metadata={"enum": list(ENTITIES)})
    entity_id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    before = fields.Dict(required=True)
    after = fields.Dict(required=True)
    reason = fields.String(required=True, allow_none=True)
    override = fields.Boolean(required=True)
    version = fields.Integer(required=True)


def _parse_entity(text: str) -> str:
    """Parses an id, or the key of a task or a project."""
    if values.is_task_key(text):
        return text.upper()
    try:
        return values.project_reference(text)
    except BadValue as bad:
        raise BadValue("bad_id", "Must be an id, or the key of a task or project.") from bad


class ActivityFilters(Input):
    """An entry must match all filters. A date means its whole day."""

    is_timeless = True

    by = parameter(
        values.actor_key,
        pattern=patterns.ACTOR,
        description="Who made the change: a user's id or username, `me`, or `system:…`.",
    )
    kind = comma_list(
        parsing.one_of_names(KINDS),
        {"enum": list(KINDS)},
        description="Kinds of changes: `task.created`, …",
    )
    entity = parameter(
        parsing.one_of_names(ENTITIES), enum=list(ENTITIES), description="The type of what was changed."
    )
    project = projects_parameter(
        "Keys or ids of projects: changes of these projects, and of the tasks and comments that were in one "
        "of them at the time."
    )
    entity_id = parameter(
        _parse_entity,
        pattern=f"{patterns.ID}|{patterns.TASK}|{patterns.PROJECT_KEY}",
        description="The id of what was changed, or the key of a task or project.",
    )
    change_set = parameter(
        values.identifier,
        pattern=patterns.ID,
        description="The id that all changes of one request or script call share.",
    )
    at_from = parameter(
        parse_time(parse_start),
        **patterns.DATE_OR_MOMENT,
        description="Made at or after this time.",
    )
    at_to = parameter(
        parse_time(parse_end),
        **patterns.DATE_OR_MOMENT,
        description="Made before this time, or on this day.",
    )


class ActivityListQuery(ActivityFilters, PageQuery):
    """The parameters of the log."""
