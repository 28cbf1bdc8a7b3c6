"""Describes projects, in requests and responses."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import (
    CompiledOutput,
    Input,
    Moment,
    ParsedBoolean,
    ParsedText,
    Writer,
    id_field,
)
from taskmgr.api.schemas.parameters import Parameter, boolean_filter, parameter
from taskmgr.api.schemas.queries import PageQuery
from taskmgr.api.schemas.task_bodies import version
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.project import CHANGE_PARSERS, NEW_PARSERS, Project


def _name(**options: bool) -> ParsedText:
    metadata = patterns.line(values.MAX_NAME_LENGTH)
    return ParsedText(NEW_PARSERS["name"], metadata=metadata, **options)


def _description() -> ParsedText:
    return ParsedText(NEW_PARSERS["description"], allow_none=True, metadata=patterns.DESCRIPTION)


class ProjectIn(Input):
    """A new project."""

    key = ParsedText(
        NEW_PARSERS["key"],
        required=True,
        metadata={
            "pattern": patterns.PROJECT_KEY,
            "description": "The beginning of the keys of its tasks; converted to upper case. It cannot be "
            "changed later.",
        },
    )
    name = _name(required=True)
    description = _description()


class ProjectPatch(Input):
    """Changes of a project: an absent field stays as it is, and null empties the description."""

    name = _name()
    description = _description()
    archived = ParsedBoolean(
        CHANGE_PARSERS["archived"],
        metadata={"description": "Whether the project is archived: then its tasks cannot be changed."},
    )
    default = ParsedBoolean(
        CHANGE_PARSERS["is_default"],
        metadata={
            "x-const": True,
            "description": "Makes this the default project in place of the present one. Only admins may.",
        },
    )
    version = version()


class ProjectOut(CompiledOutput):
    """A project."""

    id = id_field("The project's id.")
    key = fields.String(
        required=True,
        metadata={
            "pattern": patterns.STORED_PROJECT_KEY,
            "description": "The beginning of the keys of its tasks; it never changes.",
        },
    )
    name = fields.String(required=True)
    description = fields.String(required=True)
    default = fields.Boolean(
        required=True,
        attribute="is_default",
        metadata={"description": "Whether a new task goes into this project if the request names none."},
    )
    archived_at = Moment(required=True, allow_none=True)
    created_by = fields.String(required=True, metadata={"description": "A user's id, or `system:…`."})
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


class NewProjectOut(ProjectOut):
    """A new project."""

    id = id_field("The project's id; null if it was created in a dry run.", allow_none=True)


class ProjectCountsOut(CompiledOutput):
    """How many of a project's tasks outside the bin are open, overdue, and recently completed."""

    open = fields.Integer(required=True)
    overdue = fields.Integer(required=True, metadata={"description": "Open tasks past their due date."})
    completed_30_days = fields.Integer(
        required=True, metadata={"description": "Tasks completed in the last 30 days, to the second."}
    )


class ProjectRowOut(ProjectOut):
    """A project. `include=counts` adds the key after `version`."""

    counts = fields.Nested(ProjectCountsOut)

    _project = ProjectOut()
    _counts = ProjectCountsOut()

    def writer(self) -> Writer:
        write_project, write_counts = self._project.writer(), self._counts.writer()

        def write(obj: Any) -> dict[str, Any]:
            if isinstance(obj, Project):
                return write_project(obj)
            return {**write_project(obj.project), "counts": write_counts(obj.counts)}

        return write


def _include() -> Parameter:
    return parameter(
        parsing.one_of_names(("counts",)),
        enum=["counts"],
        description="`counts` adds how many of the project's tasks are open, overdue and completed.",
    )


class ProjectQuery(Input):
    """The parameter of a request for one project."""

    is_timeless = True

    include = _include()


class ProjectListQuery(PageQuery):
    """Projects are sorted by key."""

    include = _include()
    archived = boolean_filter("Whether the project is archived.")
