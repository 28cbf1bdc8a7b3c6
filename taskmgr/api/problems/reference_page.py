"""Makes the page `/docs/errors`: what every code means and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup, escape

from taskmgr.api.problems.codes import CODES
from taskmgr.version import __version__

_TEMPLATE = Path(__file__).parent.parent / "pages" / "errors.html"

# What to do about an error, by its code.
FIXES: Mapping[str, str] = {
    "malformed": "Correct what `errors` or `detail` names. The same request will always fail.",
    "unauthenticated": "Send `Authorization: Bearer tm_…` with a token of an active user that is neither "
    "revoked nor expired. `taskmgr tokens create` creates one.",
    "wrong_credentials": "Type the password again. If it is forgotten, an admin can make a sign-in link "
    "with which you choose another: `taskmgr users invite` or `POST /api/v1/auth/links`.",
    "recent_sign_in_required": "Sign in again, with the password or at the identity provider, and "
    "repeat the request within 10 minutes.",
    "cross_site": "Send the request from the service's own pages, or with a token. If it did come from them, "
    "the operators should set `TASKMGR_PUBLIC_URL` to the address that the browser shows.",
    "link_unusable": "Ask an admin for a new link.",
    "too_many_attempts": "Wait as many seconds as `Retry-After` says, or use a browser in which you have "
    "signed in before.",
    "not_permitted": "Ask somebody with the role that `detail` names.",
    "scope_missing": "Use a token with the scope that `detail` names.",
    "not_found": "Check the id and the path. `GET /api/v1/tasks?bin=true` lists the tasks in the bin.",
    "method_not_allowed": "Use one of the methods in the header `Allow`.",
    "request_timeout": "Send the whole body at once, over a connection that is fast enough.",
    "refused": "Do what the `fix` of each reason says; the rules are explained below. Managers and admins "
    "can override the `overridable` ones with `override: true` and a `reason`.",
    "username_taken": "Choose another username.",
    "email_taken": "Use another address, or find the user who has this one.",
    "project_key_taken": "Choose another key, or use the project that has it.",
    "view_name_taken": "Choose another name, or change the view that has it.",
    "too_many_views": "Delete a view first.",
    "database_not_empty": "Use a database of its own for the demo: `detail` says what this one has.",
    "already_assigned": "Choose another task, or ask a manager to assign this one to you.",
    "idempotency_in_progress": "Wait as many seconds as `Retry-After` says, and send the same request again.",
    "unexpected_count": "Look at the tasks that match, correct `where` or `expect`, and send it again.",
    "resync_required": "Read everything again, and then the changes after `head`. Changes that were made "
    "after the backup are lost to the service.",
    "stale": "Look at `current`, decide again, and send its version.",
    "too_large": "Send less, or split it into several requests.",
    "transaction_too_large": "Split it into several requests with fewer operations.",
    "unsupported_media_type": "Send `Content-Type: application/json`, without compression.",
    "invalid": "Correct every value in `errors`, which names its location, the mistake and what is allowed.",
    "dependency_failed": "Correct the operation that `detail` names; its own row has the problem.",
    "idempotency_mismatch": "Use a new key for every new request, and the same key only for retries.",
    "too_many_requests": "Wait as many seconds as `Retry-After` says. The headers `RateLimit-*` show how "
    "many requests are left.",
    "internal": "Report the `request_id` to the operators; the service's log has the details.",
    "unavailable": "Wait as many seconds as `Retry-After` says, and send the request again with the same "
    "`Idempotency-Key`, because a write may or may not have taken place.",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule forbids, what to do about it, and whether managers and admins can override it."""

    meaning: str
    fix: str
    overridable: bool = False


RULES: Mapping[str, Rule] = {
    "project_archived": Rule(
        "An archived project takes no new, moved or restored tasks, and its tasks cannot be changed. They "
        "can be moved to another project.",
        "Take the project in the fix out of the archive, or move the task to another project.",
    ),
    "transition_not_allowed": Rule(
        "The workflow has no such transition.",
        "Move the task to the status in the fix first. Without a fix, the status cannot be reached.",
    ),
    "assignee_required": Rule("A task in a started status must have an assignee.", "Assign it to a user."),
    "assignee_inactive": Rule(
        "A task of a deactivated user cannot be started, and no task can be assigned to one.",
        "Assign it to an active user.",
    ),
    "blocked_by_unfinished_tasks": Rule(
        "A task cannot be started or completed while a task that blocks it is unfinished. A cancelled "
        "blocker still blocks.",
        "Complete the tasks in the fix, or remove them from `blocked_by`.",
        overridable=True,
    ),
    "open_subtasks": Rule(
        "A task with open subtasks cannot be completed.",
        "Complete or cancel the subtasks in the fix.",
        overridable=True,
    ),
    "parent_closed": Rule(
        "A parent that is closed or in the bin cannot have an open subtask.",
        "Reopen or restore the parent in the fix first.",
    ),
    "wip_limit_reached": Rule(
        "The assignee already has as many started tasks as the limit allows.",
        "Finish one of the tasks in the fix, or move one to a status that does not count as started.",
        overridable=True,
    ),
    "reviewer_required": Rule(
        "The four-eyes rule: a task cannot be completed by somebody who has been its assignee.",
        "Ask another user to complete it.",
        overridable=True,
    ),
    "reason_required": Rule(
        "Cancelling, reopening, lowering the priority from urgent, and overriding require a reason.",
        "Give the reason in `reason`.",
    ),
    "task_closed": Rule(
        "The priority of a closed task cannot be changed.",
        "Reopen the task first, or in the same command.",
    ),
    "urgent_needs_due_date": Rule(
        "An urgent task needs a due date, or a reason why it has none.",
        "Set a due date, or give the reason in `reason`.",
    ),
    "urgent_limit_reached": Rule(
        "The assignee already has as many open urgent tasks as the limit allows.",
        "Close one of the tasks in the fix, or lower its priority.",
        overridable=True,
    ),
    "cycle": Rule(
        "A task would wait for itself, through blockers, subtasks or both.",
        "Remove one of the relations in `detail`.",
    ),
    "chain_too_long": Rule(
        "Two chains of waiting tasks cannot be joined if both are very long.",
        "Make the task wait for one that is nearer to the end of its chain.",
    ),
    "too_deep": Rule("There would be too many levels of subtasks.", "Choose a parent on a higher level."),
    "has_subtasks": Rule(
        "A task with subtasks outside the bin cannot be moved to the bin.",
        "Bin the subtasks in the fix first, or give them another parent.",
    ),
    "default_project": Rule(
        "The default project cannot be archived.", "Make another project the default first."
    ),
    "last_admin": Rule(
        "The last active admin can be neither demoted nor deactivated.", "Make another user an admin first."
    ),
}


def errors_page() -> str:
    """Returns the page as HTML."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["code"] = _with_code
    template = environment.from_string(_TEMPLATE.read_text("utf-8"))
    return template.render(codes=CODES, fixes=FIXES, rules=RULES, version=__version__)


def _with_code(text: str) -> Markup:
    """Marks up text between backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(parts))
