"""What every command comes to by the rule book, and in which order its errors are judged.

A command on tasks is a dictionary as bulk takes it: `{"op": "status", "id": …, "status": …,
"reason": …}`. It answers the task as it is afterwards, or raises `No`.
"""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

from tests.stateful.book import (
    CATEGORY,
    INITIAL,
    PRIORITIES,
    Book,
    Fields,
    is_binned,
    is_completed,
    is_open,
)

# What an override with a reason lifts: limits, blockers, subtasks, reviewer; never a missing edge.
OVERRIDABLE = {
    "wip_limit_reached",
    "urgent_limit_reached",
    "blocked_by_unfinished_tasks",
    "open_subtasks",
    "reviewer_required",
}


# What null makes of these; the other fields that can be empty are null then.
EMPTY: Fields = {"description": "", "labels": [], "blocked_by": []}


class No(Exception):
    """A command is not done: the error's class, and for `Refused` the codes in their order."""

    def __init__(self, error: str, *codes: str) -> None:
        self.error = error
        self.codes = codes
        super().__init__(" ".join((error, *codes)))


class Model(Book):
    """`log` is what the log must have of every version: whose, by whom, why, and whether by force."""

    def __init__(self, **policy: Any) -> None:
        super().__init__(**policy)
        self.comments: dict[str, Fields] = {}
        self.log: list[tuple[Any, ...]] = []

    def copied(self) -> Model:
        return copy.deepcopy(self)

    def _note(self, thing: Fields, by: str, reason: str | None = None, *, override: bool = False) -> None:
        self.log.append((thing["id"], thing["version"], by, reason, override))

    # --- Rights and rules as commands meet them

    def _permit(self, right: str, actor: str, task: Fields | None = None) -> None:
        if not self.may(right, actor, task):
            raise No("NotPermitted")

    def _permit_assignment(self, before: str | None, after: str | None, actor: str) -> None:
        """Everybody but viewers takes an unassigned task for themselves and gives up their own."""
        if before == after:
            return
        takes = before is None and after == actor
        gives_up = before == actor and after is None
        self._permit("take" if takes or gives_up else "assign", actor)

    def _judge(
        self, before: Fields, after: Fields, beside: Fields, by: str, *, created: bool = False
    ) -> bool:
        """Raises with all that stands against it; answers whether the override lifted anything."""
        codes = self.against(before, after, by, created=created, **beside)
        standing = [code for code in codes if not (beside["override"] and code in OVERRIDABLE)]
        if standing:
            raise No("Refused", *standing)
        return bool(codes)

    # --- Commands on tasks, all of them told as bulk tells them

    def perform(self, given: Fields, *, by: str, now: datetime, new_id: str = "new") -> Fields:
        command = dict(given)
        what = command.pop("op")
        beside = {name: command.pop(name, None) for name in ("reason", "version", "override")}
        beside["override"] = bool(beside["override"])
        if what == "create":
            return self._create(new_id, command, beside, by=by, now=now)
        task_id = command.pop("id")
        if what == "bin":
            return self._bin(task_id, beside, by=by, now=now)
        if what == "restore":
            return self._restore(task_id, beside, by=by, now=now)
        if what == "block":
            command = self._with_blocker(task_id, command["blocker_id"])
        if what == "unblock":
            command = self._without_blocker(task_id, command["blocker_id"])
        return self._change(task_id, command, beside, by=by, now=now)

    def _with_blocker(self, task_id: str, blocker: str) -> Fields:
        task = self.there(task_id)
        if task is None or (blocker not in task["blocked_by"] and self.there(blocker) is None):
            raise No("NotFound")
        return {"blocked_by": list(dict.fromkeys([*task["blocked_by"], blocker]))}

    def _without_blocker(self, task_id: str, blocker: str) -> Fields:
        task = self.there(task_id)
        if task is None:
            raise No("NotFound")
        return {"blocked_by": [b for b in task["blocked_by"] if b != blocker]}

    def _require_sense(self, fields: Fields, before: Fields | None) -> None:
        """What no state of the system would make acceptable, and names of what is not there.

        A relation that the task already has may lead to what has gone into the bin since.
        """
        parent, blockers = fields.get("parent_id"), fields.get("blocked_by") or []
        known_parent = before["parent_id"] if before else None
        known_blockers = before["blocked_by"] if before else []
        wrong = [
            not fields.get("title", "x").strip(),
            fields.get("status") not in (None, *CATEGORY),
            fields.get("priority") not in (None, *PRIORITIES),
            fields.get("assignee_id") not in (None, *self.users),
            parent is not None and parent != known_parent and self.there(parent) is None,
            any(self.there(b) is None for b in blockers if b not in known_blockers),
        ]
        if any(wrong):
            raise No("Invalid")

    def _create(self, task_id: str, given: Fields, beside: Fields, *, by: str, now: datetime) -> Fields:
        given = {name: value for name, value in given.items() if value is not None}
        self._require_sense(given, None)
        start = {
            "id": task_id,
            "description": "",
            "status": INITIAL,
            "priority": "medium",
            "due_date": None,
            "assignee_id": None,
            "labels": [],
            "parent_id": None,
            "blocked_by": [],
            "created_by": by,
            "created_at": now,
            "updated_at": now,
            "started_at": None,
            "completed_at": None,
            "status_changed_at": now,
            "reopen_count": 0,
            "deleted_at": None,
            "version": 1,
            **{name: value for name, value in given.items() if name != "status"},
        }
        task = self.moved(start, given.get("status", INITIAL), now)
        self._permit("create", by)
        self._permit_assignment(None, task["assignee_id"], by)
        if beside["override"]:
            self._permit("override", by)
        lifted = self._judge(start, task, beside, by, created=True)
        self.tasks[task_id] = task
        self.note_assignee(start, task)
        self._note(task, by, beside["reason"], override=lifted)
        return task

    def _change(self, task_id: str, given: Fields, beside: Fields, *, by: str, now: datetime) -> Fields:
        fields = {n: EMPTY[n] if value is None and n in EMPTY else value for n, value in given.items()}
        before = self.there(task_id)
        self._require_sense(fields, before)
        if before is None:
            raise No("NotFound")
        stale = beside["version"] not in (None, before["version"])
        after = self.moved(before, fields.get("status", before["status"]), now)
        after |= {name: value for name, value in fields.items() if name != "status"}
        # Taking a task that another has: judged before permission, so that the loser of a race
        # learns the truth. Who may assign to others, assigns.
        held = before["assignee_id"] not in (None, by)
        if after["assignee_id"] == by and held and not self.may("assign", by):
            raise No("Stale" if stale else "AlreadyAssigned")
        if before["assignee_id"] == after["assignee_id"] or set(fields) != {"assignee_id"}:
            self._permit("change", by, before)
        self._permit_assignment(before["assignee_id"], after["assignee_id"], by)
        if before["priority"] != after["priority"] and "urgent" in (before["priority"], after["priority"]):
            self._permit("urgent", by, before)
        if beside["override"]:
            self._permit("override", by)
        if stale:
            raise No("Stale")
        if after == before:
            return before
        return self._keep(before, after, beside, by=by, now=now)

    def _bin(self, task_id: str, beside: Fields, *, by: str, now: datetime) -> Fields:
        before = self.there(task_id)
        if before is None:
            raise No("NotFound")
        self._permit("change", by, before)
        if beside["version"] not in (None, before["version"]):
            raise No("Stale")
        if self.subtasks(task_id):
            raise No("Refused", "has_subtasks")
        task = {**before, "deleted_at": now, "version": before["version"] + 1, "updated_at": now}
        self.tasks[task_id] = task
        self._note(task, by)
        return task

    def _restore(self, task_id: str, beside: Fields, *, by: str, now: datetime) -> Fields:
        before = self.tasks.get(task_id)
        if before is None:
            raise No("NotFound")
        self._permit("change", by, before)
        if beside["override"]:
            self._permit("override", by)
        if beside["version"] not in (None, before["version"]):
            raise No("Stale")
        if not is_binned(before):
            return before
        return self._keep(before, {**before, "deleted_at": None}, beside, by=by, now=now)

    def _keep(self, before: Fields, after: Fields, beside: Fields, *, by: str, now: datetime) -> Fields:
        lifted = self._judge(before, after, beside, by)
        completes = is_completed(after) and not is_completed(before)
        task = {**after, "version": before["version"] + 1, "updated_at": now}
        self.tasks[task["id"]] = task
        self.note_assignee(before, task)
        self._note(task, by, beside["reason"], override=lifted)
        return {**task, "unblocked": self._unblocked_by(task)} if completes else task

    def _unblocked_by(self, task: Fields) -> list[str]:
        """The open tasks that waited for it and now wait for nothing."""
        waiting = self.waiting_for(task["id"])
        return sorted(w["id"] for w in waiting if is_open(w) and not self.unresolved(w))

    # --- Commands on users

    def create_user(self, user_id: str, fields: Fields, *, by: str, now: datetime) -> Fields:
        self._permit("users", by)
        user = {
            "email": None, "role": "member", "kind": "person", **fields, "id": user_id, "active": True,
            "created_at": now, "updated_at": now, "version": 1,
        }  # fmt: skip
        self._require_unique(user)
        self.users[user_id] = user
        self._note(user, by)
        return user

    def change_user(
        self, user_id: str, fields: Fields, *, by: str, now: datetime, version: int | None = None
    ) -> Fields:
        """One's own name and e-mail address are one's own; the rest is an admin's."""
        before = self.users.get(user_id)
        if before is None:
            raise No("NotFound")
        if not (by == user_id and set(fields) <= {"name", "email"}):
            self._permit("users", by)
        if version not in (None, before["version"]):
            raise No("Stale")
        after = {**before, **fields}
        if after == before:
            return before
        stays_admin = after["role"] == "admin" and after["active"]
        if self.active_admins() == [before] and not stays_admin:
            raise No("Refused", "last_admin")
        self._require_unique(after)
        after |= {"version": before["version"] + 1, "updated_at": now}
        self.users[user_id] = after
        self._note(after, by)
        return after

    def _require_unique(self, user: Fields) -> None:
        others = [other for other in self.users.values() if other["id"] != user["id"]]
        if any(other["username"] == user["username"] for other in others):
            raise No("UsernameTaken")
        emails = [other["email"].lower() for other in others if other["email"]]
        if user["email"] and user["email"].lower() in emails:
            raise No("EmailTaken")

    # --- Commands on comments

    def comment(self, comment_id: str, task_id: str, text: str, *, by: str, now: datetime) -> Fields:
        if self.there(task_id) is None:
            raise No("NotFound")
        self._permit("comment", by)
        comment = {
            "id": comment_id, "task_id": task_id, "author_id": by, "text": text,
            "created_at": now, "updated_at": now, "version": 1,
        }  # fmt: skip
        self.comments[comment_id] = comment
        self._note(comment, by)
        return comment
