"""A second implementation of the rules over plain dictionaries, written from docs/rules.md alone.

Tasks and users are dictionaries of their fields. Timestamps are `datetime`s; all other values have the
same form as in the API.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

Fields = dict[str, Any]

# --- The default workflow: the category of each status, and the transitions

CATEGORY = {
    "backlog": "unstarted",
    "todo": "unstarted",
    "in_progress": "started",
    "in_review": "started",
    "completed": "completed",
    "cancelled": "cancelled",
}
TRANSITIONS = {
    "backlog": ["todo", "cancelled"],
    "todo": ["backlog", "in_progress", "cancelled"],
    "in_progress": ["todo", "in_review", "completed", "cancelled"],
    "in_review": ["in_progress", "completed", "cancelled"],
    "completed": ["in_progress"],
    "cancelled": ["todo"],
}
INITIAL = "todo"
PRIORITIES = ["low", "medium", "high", "urgent"]
MAX_LEVELS = 5

# The rights of each role: for "own", the actor must be the creator or assignee; for "created", the creator.
RIGHTS: dict[str, dict[str, str]] = {
    "viewer": {},
    "member": {"create": "any", "comment": "any", "change": "own", "take": "any", "urgent": "created"},
    "manager": dict.fromkeys(
        ["create", "comment", "change", "take", "assign", "override", "urgent", "projects"], "any"
    ),
}
RIGHTS["admin"] = RIGHTS["manager"] | dict.fromkeys(["users", "default_project"], "any")


def is_open(task: Fields) -> bool:
    return CATEGORY[task["status"]] in ("unstarted", "started")


def is_started(task: Fields) -> bool:
    return CATEGORY[task["status"]] == "started"


def is_completed(task: Fields) -> bool:
    return CATEGORY[task["status"]] == "completed"


def is_binned(task: Fields) -> bool:
    return task["deleted_at"] is not None


def due_at(due_date: str) -> datetime:
    """Returns the instant; a date without a time is due at the end of that day in UTC."""
    if len(due_date) == len("2026-12-01"):
        day = date.fromisoformat(due_date)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return datetime.fromisoformat(due_date)


class Book:
    """Holds all projects, tasks and users, and judges them by the rules. Projects are held by key."""

    def __init__(self, *, wip_limit: int, urgent_limit: int, four_eyes: bool) -> None:
        self.wip_limit = wip_limit
        self.urgent_limit = urgent_limit
        self.four_eyes = four_eyes
        self.projects: dict[str, Fields] = {}
        self.tasks: dict[str, Fields] = {}
        self.users: dict[str, Fields] = {}
        # The assignees of each task since it was last completed.
        self.assignees: dict[str, set[str | None]] = {}

    # --- Tasks and users

    def find_visible(self, task_id: str | None) -> Fields | None:
        """Returns a task unless it is unknown or in the bin."""
        task = self.tasks.get(task_id or "")
        return None if task is None or is_binned(task) else task

    def visible(self) -> list[Fields]:
        return [task for task in self.tasks.values() if not is_binned(task)]

    def subtasks(self, task_id: str) -> list[Fields]:
        return [task for task in self.visible() if task["parent_id"] == task_id]

    def waiting_for(self, task_id: str) -> list[Fields]:
        return [task for task in self.visible() if task_id in task["blocked_by"]]

    def unresolved(self, task: Fields) -> list[str]:
        """Returns the blockers that are neither completed nor in the bin; a cancelled one still blocks."""
        return [b for b in task["blocked_by"] if self.find_visible(b) and not is_completed(self.tasks[b])]

    @staticmethod
    def reopened_status(task: Fields) -> str:
        return TRANSITIONS[task["status"]][0]

    def role(self, actor: str) -> str:
        """Returns the role of an actor; system actors have the rights of an admin."""
        return "admin" if actor.startswith("system:") else self.users[actor]["role"]

    def default_project(self) -> Fields:
        (default,) = (project for project in self.projects.values() if project["is_default"])
        return default

    def active_admins(self) -> list[Fields]:
        return [user for user in self.users.values() if user["role"] == "admin" and user["active"]]

    # --- Permissions

    def may(self, right: str, actor: str, task: Fields | None = None) -> bool:
        scope = RIGHTS[self.role(actor)].get(right)
        if scope == "own":
            return task is not None and actor in (task["created_by"], task["assignee_id"])
        if scope == "created":
            return task is not None and task["created_by"] == actor
        return scope == "any"

    # --- The rules

    def refusal_codes(
        self,
        before: Fields,
        after: Fields,
        by: str,
        *,
        reason: str | None = None,
        override: bool = False,
        created: bool = False,
        version: int | None = None,  # noqa: ARG002 - one of the options, but not a rule
    ) -> list[str]:
        """Returns the codes of all rules that refuse a step, in the order of the rule book."""
        restored = is_binned(before)
        moves = created or before["status"] != after["status"]
        enters_started = moves and is_started(after)
        starts = enters_started and (created or not is_started(before))
        completes = is_completed(after) and (created or not is_completed(before))
        cancels = CATEGORY[after["status"]] == "cancelled" and (
            created or CATEGORY[before["status"]] != "cancelled"
        )
        reopens = moves and is_open(after) and not is_open(before)
        holder = after["assignee_id"]
        assigns = holder is not None and (created or holder != before["assignee_id"])
        unassigns = holder is None and before["assignee_id"] is not None
        was_urgent = before["priority"] == "urgent" and not created
        urgent = after["priority"] == "urgent"
        no_longer_dated = before["due_date"] is not None and after["due_date"] is None
        parent = self.find_visible(after["parent_id"])
        new_parent = created or restored or after["parent_id"] != before["parent_id"]

        def count_others(condition: Any) -> int:
            """Returns how many other tasks of the assignee fulfil the condition."""
            tasks = [t for t in self.visible() if t["assignee_id"] == holder and t["id"] != after["id"]]
            return sum(1 for task in tasks if condition(task))

        rules = {
            "project_archived": self.projects[after["project"]]["archived_at"] is not None,
            "transition_not_allowed": before["status"] != after["status"]
            and after["status"] not in TRANSITIONS[before["status"]],
            "assignee_required": is_started(after) and holder is None and (enters_started or unassigns),
            "assignee_inactive": holder is not None
            and not self.users[holder]["active"]
            and (assigns or enters_started),
            "blocked_by_unfinished_tasks": (starts or completes) and bool(self.unresolved(after)),
            "open_subtasks": completes and any(is_open(s) for s in self.subtasks(after["id"])),
            "parent_closed": (restored and after["parent_id"] is not None and parent is None)
            or (parent is not None and not is_open(parent) and is_open(after) and (moves or new_parent)),
            "wip_limit_reached": self.wip_limit > 0
            and is_started(after)
            and holder is not None
            and (starts or assigns or restored)
            and count_others(is_started) >= self.wip_limit,
            "reviewer_required": self.four_eyes
            and completes
            and by in self.users
            and by in {before["assignee_id"], holder, *self.assignees.get(after["id"], ())},
            "reason_required": not reason and (cancels or reopens or (was_urgent and not urgent) or override),
            "task_closed": not created
            and before["priority"] != after["priority"]
            and not is_open(before)
            and not is_open(after),
            "urgent_needs_due_date": urgent
            and after["due_date"] is None
            and not reason
            and (not was_urgent or no_longer_dated),
            "urgent_limit_reached": self.urgent_limit > 0
            and urgent
            and is_open(after)
            and holder is not None
            and (not was_urgent or assigns or reopens or restored)
            and count_others(lambda t: is_open(t) and t["priority"] == "urgent") >= self.urgent_limit,
            **self._relations(before, after, appears=created or restored),
        }
        return [code for code, refuses in rules.items() if refuses]

    def _relations(self, before: Fields, after: Fields, *, appears: bool) -> dict[str, bool]:
        """Returns which rules on relations refuse a step; they apply if it adds a parent or a blocker."""
        new_parent = after["parent_id"] is not None and (appears or after["parent_id"] != before["parent_id"])
        new_blocker = any(appears or b not in before["blocked_by"] for b in after["blocked_by"])
        if not (new_parent or new_blocker):
            return {}
        return {
            "cycle": after["id"] in self._awaited_by(after),
            "too_deep": after["parent_id"] is not None
            and self.levels_above(after) + self.levels_below(after) > MAX_LEVELS,
        }

    def _awaited_by(self, changed: Fields) -> set[str]:
        """Returns all tasks that this one waits for, directly or not: blockers and subtasks."""
        tasks = {task["id"]: task for task in self.visible()} | {changed["id"]: changed}
        waits_for: dict[str, set[str]] = {task_id: set(task["blocked_by"]) for task_id, task in tasks.items()}
        for task_id, task in tasks.items():
            waits_for.setdefault(task["parent_id"], set()).add(task_id)
        awaited: set[str] = set()
        pending = [changed["id"]]
        while pending:
            new = waits_for.get(pending.pop(), set()) - awaited
            awaited |= new
            pending.extend(new)
        return awaited

    def levels_above(self, task: Fields) -> int:
        """Returns the number of the task's ancestors."""
        count, parent_id = 0, task["parent_id"]
        while parent_id is not None and parent_id != task["id"]:
            count += 1
            parent = self.find_visible(parent_id)
            parent_id = parent["parent_id"] if parent else None
        return count

    def levels_below(self, task: Fields) -> int:
        """Returns the number of levels of subtasks below the task."""
        subtasks = [s for s in self.subtasks(task["id"]) if s["id"] != task["id"]]
        return max((1 + self.levels_below(subtask) for subtask in subtasks), default=0)

    def record_assignee(self, before: Fields, after: Fields) -> None:
        """Records the assignee; completing the task removes the earlier ones."""
        if is_completed(after) and not is_completed(before):
            self.assignees[after["id"]] = set()
        self.assignees.setdefault(after["id"], set()).add(after["assignee_id"])

    def moved(self, task: Fields, status: str, now: datetime) -> Fields:
        """Returns the task in another status, with the timestamps and the counter that depend on it."""
        if status == task["status"]:
            return dict(task)
        moved = {**task, "status": status, "status_changed_at": now}
        if not (is_completed(task) and is_completed(moved)):
            moved["completed_at"] = now if is_completed(moved) else None
        if is_started(moved) and task["started_at"] is None:
            moved["started_at"] = now
        if is_open(moved) and not is_open(task):
            moved["reopen_count"] += 1
        return moved

    # --- Derived values

    def moves(self, task: Fields, by: str, now: datetime) -> dict[str, tuple[bool, list[str], list[str]]]:
        """Returns for every status: is the move allowed, which fields it requires, and the refusals."""
        moves = {}
        for status in CATEGORY:
            codes = self.refusal_codes(task, self.moved(task, status, now), by)
            if status == task["status"]:
                codes = []
            required = ["reason" for code in codes if code == "reason_required"]
            codes = [code for code in codes if code != "reason_required"]
            if not self.may("change", by, task):
                codes = ["not_permitted"]
            moves[status] = (not codes, required, codes)
        return moves

    def derived(self, task: Fields, now: datetime) -> Fields:
        overdue = is_open(task) and task["due_date"] is not None and due_at(task["due_date"]) <= now
        waiting = [] if is_binned(task) else [w for w in self.waiting_for(task["id"]) if is_open(w)]
        return {
            "overdue": overdue,
            "blocked": bool(self.unresolved(task)),
            "blocks": sorted(w["id"] for w in waiting),
            "effective_priority": self.effective_priority(task, now),
        }

    def effective_priority(self, task: Fields, now: datetime) -> str | None:
        """Returns the highest of a task's priority, that of its due date, and of tasks that wait for it.

        Tasks are at least medium a day before they are due, high when overdue, and urgent after three
        days. Closed tasks have none.
        """
        if not is_open(task):
            return None
        reasons = [task["priority"]]
        if task["due_date"] is not None:
            late = now - due_at(task["due_date"])
            if late > timedelta(days=3):
                reasons.append("urgent")
            elif late >= timedelta(0):
                reasons.append("high")
            elif late >= timedelta(hours=-24):
                reasons.append("medium")
        if not is_binned(task):
            waiting = [w for w in self.waiting_for(task["id"]) if is_open(w)]
            reasons += [str(self.effective_priority(w, now)) for w in waiting]
        return max(reasons, key=PRIORITIES.index)
