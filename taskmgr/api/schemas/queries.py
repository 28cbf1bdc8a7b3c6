"""Describes the parameters that several endpoints share."""

from __future__ import annotations

from taskmgr.api.schemas.base import Input
from taskmgr.api.schemas.parameters import boolean_flag, integer, parameter
from taskmgr.domain.queries.pages import DEFAULT_LIMIT, MAX_LIMIT


class PageQuery(Input):
    """Which page of a list to return."""

    is_timeless = True

    limit = integer(1, MAX_LIMIT, DEFAULT_LIMIT, description="The maximum number of items.")
    cursor = parameter(
        str,
        pattern="^[A-Za-z0-9_-]+$",
        description="`next` of the previous page, with the same filters and the same sort.",
    )
    total = boolean_flag("Whether to count all items that match, in `total`.")


class WriteQuery(Input):
    """The parameter that every write has."""

    is_timeless = True

    dry_run = boolean_flag("Whether to only try: the response is the same, but nothing is stored.")


class VersionQuery(WriteQuery):
    """The parameters of a write without a body: its precondition is here or in `If-Match`."""

    version = integer(1, 2**63 - 1, description="The version that the caller expects.")
