"""What every code means and what to do about it: the page `/docs/errors`, made from the tables of codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup, escape

from taskmgr.api.problems.codes import CODES
from taskmgr.version import __version__

_TEMPLATE = Path(__file__).parent.parent / "pages" / "errors.html"

# What a caller does about an error, by its code.
FIXES: Mapping[str, str] = {
    "malformed": "Correct what `errors` names, or what `detail` says. Sending the same again fails again.",
    "unauthenticated": "Send `Authorization: Bearer tm_…` with a token that is neither revoked nor expired, "
    "of an active user. `taskmgr tokens create` makes one.",
    "not_permitted": "Ask somebody with the role that `detail` names.",
    "scope_missing": "Use a token with the scope that `detail` names.",
    "not_found": "Check the id and the path. What is in the bin is found with `GET /api/v1/tasks?bin=true`.",
    "method_not_allowed": "Use one of the methods in the header `Allow`.",
    "request_timeout": "Send the whole body at once, over a connection that is fast enough.",
    "refused": "Do what the `fix` of each reason says; the rules are explained below. What is `overridable`, "
    "a manager or an admin lifts with `override: true` and a `reason`.",
    "username_taken": "Choose another username.",
    "email_taken": "Use another address, or find the user who has this one.",
    "already_assigned": "Choose another task, or ask a manager to assign this one to you.",
    "idempotency_in_progress": "Wait as long as `Retry-After` says and send the same request again.",
    "unexpected_count": "Look at what matches, correct `where` or `expect`, and send it again.",
    "stale": "Look at `current`, decide again, and send the version that it has.",
    "too_large": "Send less, or in several requests.",
    "transaction_too_large": "Send it in several requests, with fewer operations in each.",
    "unsupported_media_type": "Send `Content-Type: application/json`, without compression.",
    "invalid": "Correct every value in `errors`: each says where, what is wrong and what is allowed.",
    "dependency_failed": "Look at the problem of the operation that `detail` names, and correct that one.",
    "idempotency_mismatch": "Make a new key for every new request; keep it only to send the same one again.",
    "too_many_requests": "Wait as long as `Retry-After` says. The headers `RateLimit-*` tell how it stands.",
    "internal": "Tell whoever runs the service the `request_id`: it is in the log.",
    "unavailable": "Wait as long as `Retry-After` says and send it again, with the same `Idempotency-Key`: "
    "whether a write has happened is not known.",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule forbids, what lifts it, and whether a manager's override does."""

    meaning: str
    fix: str
    overridable: bool = False


RULES: Mapping[str, Rule] = {
    "transition_not_allowed": Rule(
        "The workflow has no such transition.", "Move it to the status in the fix first, if there is one."
    ),
    "assignee_required": Rule("A task in a started status has to be assigned.", "Assign it to somebody."),
    "assignee_inactive": Rule(
        "A deactivated user can neither start a task nor get one.", "Assign it to somebody who is active."
    ),
    "blocked_by_unfinished_tasks": Rule(
        "A task neither starts nor completes while a task that blocks it is unfinished. A cancelled one "
        "still blocks.",
        "Complete the tasks in the fix, or remove them from `blocked_by`.",
        overridable=True,
    ),
    "open_subtasks": Rule(
        "A task does not complete while a subtask is open.",
        "Complete or cancel the subtasks in the fix.",
        overridable=True,
    ),
    "parent_closed": Rule(
        "A closed task, or one in the bin, cannot have an open subtask.",
        "Reopen or restore the parent in the fix first.",
    ),
    "wip_limit_reached": Rule(
        "The assignee has as many started tasks as the team's limit allows.",
        "Finish one of the tasks in the fix, or move it out of work.",
        overridable=True,
    ),
    "reviewer_required": Rule(
        "The team asks for four eyes: whoever worked on a task does not complete it.",
        "Ask somebody else to complete it.",
        overridable=True,
    ),
    "reason_required": Rule(
        "Cancelling, reopening, lowering from urgent and overriding are explained.", "Say why, in `reason`."
    ),
    "task_closed": Rule(
        "The priority of a closed task does not change.", "Reopen it first, or in the same command."
    ),
    "urgent_needs_due_date": Rule(
        "An urgent task has a due date.", "Give it one, or say in `reason` why it has none."
    ),
    "urgent_limit_reached": Rule(
        "The assignee has as many open urgent tasks as the team's limit allows.",
        "Close one of the tasks in the fix, or lower its priority.",
        overridable=True,
    ),
    "cycle": Rule(
        "A task would wait for itself, by way of blockers, subtasks or both.",
        "Remove one of the links in `detail`.",
    ),
    "chain_too_long": Rule(
        "Two rows of tasks that wait for each other cannot be joined if both are very long.",
        "Make the task wait for one that is nearer to the end of its row.",
    ),
    "too_deep": Rule("There would be too many levels of subtasks.", "Choose a parent further up."),
    "has_subtasks": Rule(
        "A task with subtasks outside the bin does not go into it.",
        "Bin the subtasks in the fix first, or give them another parent.",
    ),
    "last_admin": Rule(
        "The last active admin is neither demoted nor deactivated.", "Make somebody else an admin first."
    ),
}


def errors_page() -> str:
    """Returns the page as HTML."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["code"] = _with_code
    template = environment.from_string(_TEMPLATE.read_text("utf-8"))
    return template.render(codes=CODES, fixes=FIXES, rules=RULES, version=__version__)


def _with_code(text: str) -> Markup:
    """Marks up what stands between backticks."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(parts))
