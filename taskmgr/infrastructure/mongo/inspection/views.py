"""Checks saved views beside their fields and their log."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.view import View
from taskmgr.domain.services.views import parsers
from taskmgr.infrastructure.mongo.inspection.entities import check_value
from taskmgr.infrastructure.mongo.inspection.snapshot import Report

_BY_POLICY = ("filters", "layout")


def inspect_views(views: Iterator[View], users: Collection[str], policy: Policy, report: Report) -> None:
    """Reports views with unknown owners, and those whose filters or columns the policy does not accept."""
    accepted = parsers(policy)
    for view in views:
        subject = f"view {view.id}"
        if view.owner_id not in users:
            report(subject, "unknown_user", f"Its owner {view.owner_id} does not exist.")
        for name in _BY_POLICY:
            if mistake := check_value(name, getattr(view, name), accepted[name]):
                report(subject, "bad_value", mistake)
