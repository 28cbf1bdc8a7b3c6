"""Translates the errors of services into problems."""

from __future__ import annotations

from typing import Any

from taskmgr.api.problems.codes import CODES
from taskmgr.api.problems.responses import problem_body, public_errors, public_reasons
from taskmgr.api.request_state import may_read_response, request_state
from taskmgr.api.schemas.base import CompiledOutput
from taskmgr.api.schemas.comments import CommentOut
from taskmgr.api.schemas.feed import FeedHeadOut
from taskmgr.api.schemas.projects import ProjectOut
from taskmgr.api.schemas.receipt import RECEIPT
from taskmgr.api.schemas.tasks import TaskOut
from taskmgr.api.schemas.users import UserOut
from taskmgr.api.schemas.views import ViewOut
from taskmgr.api.schemas.webhooks import WebhookOut
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.errors import AlreadyAssigned, DomainError, Invalid, Refused, Stale
from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.model.view import View
from taskmgr.domain.model.webhook import Webhook
from taskmgr.domain.services.bulk_results import UnexpectedCount
from taskmgr.domain.services.feed import ResyncRequired
from taskmgr.domain.services.throttle import TooManyAttempts

_SCHEMAS: dict[type, CompiledOutput] = {
    Task: TaskOut(),
    User: UserOut(),
    Comment: CommentOut(),
    Project: ProjectOut(),
    View: ViewOut(),
    Webhook: WebhookOut(),
}
_FEED_HEAD = FeedHeadOut()


def domain_problem(error: DomainError) -> dict[str, Any]:
    """Returns the members of the problem for an error of a service."""
    return problem_body(error.code, detail_of(error), **extensions_of(error))


def detail_of(error: DomainError) -> str:
    """Returns the error's text, or what its code means if the caller may not read the facts in the text."""
    shows_stored_facts = isinstance(error, Refused | AlreadyAssigned)
    return CODES[error.code].meaning if shows_stored_facts and not may_read_response() else str(error)


def extensions_of(error: DomainError) -> dict[str, Any]:
    """Returns the members that the error's own data add to its problem, and notes refusals for the log."""
    if isinstance(error, Invalid):
        return {"errors": public_errors([e.under("body") for e in error.errors])}
    if isinstance(error, Refused):
        request_state().refusals += tuple(reason.code for reason in error.reasons)
        return {"reasons": public_reasons(error.reasons)}
    if isinstance(error, Stale):
        return {"current": _current(error.current)}
    if isinstance(error, UnexpectedCount):
        return {"count": error.count}
    if isinstance(error, ResyncRequired):
        return {"head": _FEED_HEAD.dump(error.head)}
    return {}


def headers_of(error: DomainError) -> dict[str, str]:
    """Returns the headers that the error's own data add to its response."""
    return {"Retry-After": str(error.seconds)} if isinstance(error, TooManyAttempts) else {}


def _current(entity: object) -> object:
    """Returns the representation of the entity whose version was stale."""
    return (_SCHEMAS[type(entity)] if may_read_response() else RECEIPT).dump(entity)
