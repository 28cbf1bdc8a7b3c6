"""Performs commands on the model: the result of each command, and the order of its errors.

A command on a task is a dictionary like an operation of a bulk: `{"op": "status", "id": …,
"status": …, "reason": …}`. Commands return the changed entity, or raise `Rejected`.
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

# The refusals that an override with a reason allows to ignore.
OVERRIDABLE = {
    "wip_limit_reached",
    "urgent_limit_reached",
    "blocked_by_unfinished_tasks",
    "open_subtasks",
    "reviewer_required",
}

# The values of these fields if a command sets them to null; the other fields become null.
EMPTY: Fields = {"description": "", "labels": [], "blocked_by": []}


class Rejected(Exception):
    """The model rejects a command: has the class name of the error, and for `Refused` the codes in order."""

    def __init__(self, error: str, *codes: str) -> None:
        self.error = error
        self.codes = codes
        super().__init__(" ".join((error, *codes)))


class Model(Book):
    """Performs commands. `log` has an entry per version: id, version, actor, reason and override."""

    def __init__(self, **policy: Any) -> None:
        super().__init__(**policy)
        self.comments: dict[str, Fields] = {}
        self.keys: set[str] = set()  # all that tasks have or had
        self.log: list[tuple[Any, ...]] = []

    def copied(self) -> Model:
        return copy.deepcopy(self)

    def _log_version(
        self, entity: Fields, by: str, reason: str | None = None, *, override: bool = False
    ) -> None:
        self.log.append((entity["id"], entity["version"], by, reason, override))

    # --- Permissions and rules

    def _permit(self, right: str, actor: str, task: Fields | None = None) -> None:
        if not self.may(right, actor, task):
            raise Rejected("NotPermitted")

    def _permit_assignment(self, before: str | None, after: str | None, actor: str) -> None:
        """Requires the right "take" to take an unassigned task or give up one's own, otherwise "assign"."""
        if before == after:
            return
        takes = before is None and after == actor
        gives_up = before == actor and after is None
        self._permit("take" if takes or gives_up else "assign", actor)

    def _check_rules(
        self, before: Fields, after: Fields, options: Fields, by: str, *, created: bool = False
    ) -> bool:
        """Raises `Rejected` with all refusals; returns True if the override was needed."""
        codes = self.refusal_codes(before, after, by, created=created, **options)
        refusals = [code for code in codes if not (options["override"] and code in OVERRIDABLE)]
        if refusals:
            raise Rejected("Refused", *refusals)
        return bool(codes)

    # --- Commands on tasks, in the form of bulk operations

    def perform(
        self, operation: Fields, *, by: str, now: datetime, new_id: str = "new", new_key: str | None = None
    ) -> Fields:
        """Performs a command. `new_key` is the key of the task in the service's answer, or None."""
        command = dict(operation)
        op = command.pop("op")
        options = {name: command.pop(name, None) for name in ("reason", "version", "override")}
        options["override"] = bool(options["override"])
        if op == "create":
            return self._create(new_id, new_key, command, options, by=by, now=now)
        task_id = command.pop("id")
        if op == "bin":
            return self._bin(task_id, options, by=by, now=now)
        if op == "restore":
            return self._restore(task_id, options, by=by, now=now)
        if op == "block":
            command = self._with_blocker(task_id, command["blocker_id"])
        if op == "unblock":
            command = self._without_blocker(task_id, command["blocker_id"])
        return self._change(task_id, new_key, command, options, by=by, now=now)

    def _with_blocker(self, task_id: str, blocker: str) -> Fields:
        task = self.find_visible(task_id)
        if task is None or (blocker not in task["blocked_by"] and self.find_visible(blocker) is None):
            raise Rejected("NotFound")
        return {"blocked_by": list(dict.fromkeys([*task["blocked_by"], blocker]))}

    def _without_blocker(self, task_id: str, blocker: str) -> Fields:
        task = self.find_visible(task_id)
        if task is None:
            raise Rejected("NotFound")
        return {"blocked_by": [b for b in task["blocked_by"] if b != blocker]}

    def _validate(self, fields: Fields, before: Fields | None) -> None:
        """Raises `Rejected` for values that are invalid or name unknown tasks or users.

        Relations that the task already has may name tasks that are now in the bin.
        """
        parent, blockers = fields.get("parent_id"), fields.get("blocked_by") or []
        known_parent = before["parent_id"] if before else None
        known_blockers = before["blocked_by"] if before else []
        wrong = [
            not fields.get("title", "x").strip(),
            fields.get("status") not in (None, *CATEGORY),
            fields.get("priority") not in (None, *PRIORITIES),
            fields.get("assignee_id") not in (None, *self.users),
            fields.get("project", "TASK") not in self.projects,
            parent is not None and parent != known_parent and self.find_visible(parent) is None,
            any(self.find_visible(b) is None for b in blockers if b not in known_blockers),
        ]
        if any(wrong):
            raise Rejected("Invalid")

    def _create(
        self, task_id: str, key: str | None, values: Fields, options: Fields, *, by: str, now: datetime
    ) -> Fields:
        values = {name: value for name, value in values.items() if value is not None}
        self._validate(values, None)
        start = {
            "id": task_id,
            "project": self.default_project()["key"],
            "key": key,
            "former_keys": [],
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
            **{name: value for name, value in values.items() if name != "status"},
        }
        task = self.moved(start, values.get("status", INITIAL), now)
        self._permit("create", by)
        self._permit_assignment(None, task["assignee_id"], by)
        if options["override"]:
            self._permit("override", by)
        overridden = self._check_rules(start, task, options, by, created=True)
        self._take_key(key, task["project"])
        self.tasks[task_id] = task
        self.record_assignee(start, task)
        self._log_version(task, by, options["reason"], override=overridden)
        return task

    def _take_key(self, key: str | None, project: str) -> None:
        """Asserts that a key is one of its project, and new; a dry run takes none."""
        if key is None:
            return
        assert key.startswith(f"{project}-")
        assert key not in self.keys
        self.keys.add(key)

    def _change(
        self, task_id: str, key: str | None, values: Fields, options: Fields, *, by: str, now: datetime
    ) -> Fields:
        fields = {n: EMPTY[n] if value is None and n in EMPTY else value for n, value in values.items()}
        before = self.find_visible(task_id)
        self._validate(fields, before)
        if before is None:
            raise Rejected("NotFound")
        stale = options["version"] not in (None, before["version"])
        after = self.moved(before, fields.get("status", before["status"]), now)
        after |= {name: value for name, value in fields.items() if name != "status"}
        moves_on = after["project"] != before["project"]
        if moves_on:
            present = [] if before["key"] is None else [before["key"]]
            after |= {"key": key, "former_keys": [*present, *before["former_keys"]]}
        # Taking another user's task is judged before permissions, so that a user who is slightly too late
        # learns the reason. Actors with the right "assign" reassign it instead.
        held = before["assignee_id"] not in (None, by)
        if after["assignee_id"] == by and held and not self.may("assign", by):
            raise Rejected("Stale" if stale else "AlreadyAssigned")
        if before["assignee_id"] == after["assignee_id"] or set(fields) != {"assignee_id"}:
            self._permit("change", by, before)
        self._permit_assignment(before["assignee_id"], after["assignee_id"], by)
        if before["priority"] != after["priority"] and "urgent" in (before["priority"], after["priority"]):
            self._permit("urgent", by, before)
        if options["override"]:
            self._permit("override", by)
        if stale:
            raise Rejected("Stale")
        if after == before:
            return before
        stored = self._store(before, after, options, by=by, now=now)
        if moves_on:
            self._take_key(key, after["project"])
        return stored

    def _bin(self, task_id: str, options: Fields, *, by: str, now: datetime) -> Fields:
        before = self.find_visible(task_id)
        if before is None:
            raise Rejected("NotFound")
        self._permit("change", by, before)
        if options["version"] not in (None, before["version"]):
            raise Rejected("Stale")
        archived = self.projects[before["project"]]["archived_at"] is not None
        subtasks = bool(self.subtasks(task_id))
        refusals = ["project_archived"] * archived + ["has_subtasks"] * subtasks
        if refusals:
            raise Rejected("Refused", *refusals)
        task = {**before, "deleted_at": now, "version": before["version"] + 1, "updated_at": now}
        self.tasks[task_id] = task
        self._log_version(task, by)
        return task

    def _restore(self, task_id: str, options: Fields, *, by: str, now: datetime) -> Fields:
        before = self.tasks.get(task_id)
        if before is None:
            raise Rejected("NotFound")
        self._permit("change", by, before)
        if options["override"]:
            self._permit("override", by)
        if options["version"] not in (None, before["version"]):
            raise Rejected("Stale")
        if not is_binned(before):
            return before
        return self._store(before, {**before, "deleted_at": None}, options, by=by, now=now)

    def _store(self, before: Fields, after: Fields, options: Fields, *, by: str, now: datetime) -> Fields:
        overridden = self._check_rules(before, after, options, by)
        completes = is_completed(after) and not is_completed(before)
        task = {**after, "version": before["version"] + 1, "updated_at": now}
        self.tasks[task["id"]] = task
        self.record_assignee(before, task)
        self._log_version(task, by, options["reason"], override=overridden)
        return {**task, "unblocked": self._unblocked_by(task)} if completes else task

    def _unblocked_by(self, task: Fields) -> list[str]:
        """Returns the ids of the open tasks that waited for this one and have no other unresolved blocker."""
        waiting = self.waiting_for(task["id"])
        return sorted(w["id"] for w in waiting if is_open(w) and not self.unresolved(w))

    # --- Commands on users

    def create_user(self, user_id: str, fields: Fields, *, by: str, now: datetime) -> Fields:
        self._permit("users", by)
        user = {
            "email": None, "role": "member", "kind": "person", **fields, "id": user_id, "active": True,
            "created_at": now, "updated_at": now, "version": 1, "password_set_at": None,
        }  # fmt: skip
        self._require_unique(user)
        self.users[user_id] = user
        self._log_version(user, by)
        return user

    def change_user(
        self,
        user_id: str,
        fields: Fields,
        *,
        by: str,
        now: datetime,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Fields:
        """Changes a user; without the right "users", only one's own name and email address.

        A dry run does not tell members and viewers whether another user has an address.
        """
        before = self.users.get(user_id)
        if before is None:
            raise Rejected("NotFound")
        if not (by == user_id and set(fields) <= {"name", "email"}):
            self._permit("users", by)
        if version not in (None, before["version"]):
            raise Rejected("Stale")
        after = {**before, **fields}
        if after == before:
            return before
        stays_admin = after["role"] == "admin" and after["active"]
        if self.active_admins() == [before] and not stays_admin:
            raise Rejected("Refused", "last_admin")
        hides_email = dry_run and self.role(by) in ("member", "viewer")
        self._require_unique({**after, "email": None} if hides_email else after)
        after |= {"version": before["version"] + 1, "updated_at": now}
        self.users[user_id] = after
        self._log_version(after, by)
        return after

    def _require_unique(self, user: Fields) -> None:
        others = [other for other in self.users.values() if other["id"] != user["id"]]
        if any(other["username"] == user["username"] for other in others):
            raise Rejected("UsernameTaken")
        emails = [other["email"].lower() for other in others if other["email"]]
        if user["email"] and user["email"].lower() in emails:
            raise Rejected("EmailTaken")

    # --- Commands on projects

    def create_project(self, project_id: str, fields: Fields, *, by: str, now: datetime) -> Fields:
        self._permit("projects", by)
        if fields["key"] in self.projects:
            raise Rejected("ProjectKeyTaken")
        project = {
            "description": "", **fields, "id": project_id, "is_default": False, "archived_at": None,
            "created_by": by, "created_at": now, "updated_at": now, "version": 1,
        }  # fmt: skip
        self.projects[project["key"]] = project
        self._log_version(project, by)
        return project

    def change_project(
        self, key: str, fields: Fields, *, by: str, now: datetime, version: int | None = None
    ) -> Fields:
        """Changes a project; a new default project replaces the present one."""
        before = self.projects.get(key)
        if before is None:
            raise Rejected("NotFound")
        self._permit("projects", by)
        if "is_default" in fields:
            self._permit("default_project", by)
        if version not in (None, before["version"]):
            raise Rejected("Stale")
        after = {**before, **fields}
        if "archived" in fields:
            after["archived_at"] = (before["archived_at"] or now) if after.pop("archived") else None
        if after == before:
            return before
        if after["is_default"] and after["archived_at"] is not None:
            raise Rejected("Refused", "default_project")
        if after["is_default"] and not before["is_default"]:
            self._store_project({**self.default_project(), "is_default": False}, by, now)
        return self._store_project(after, by, now)

    def _store_project(self, project: Fields, by: str, now: datetime) -> Fields:
        stored = {**project, "version": project["version"] + 1, "updated_at": now}
        self.projects[stored["key"]] = stored
        self._log_version(stored, by)
        return stored

    # --- Commands on comments

    def comment(self, comment_id: str, task_id: str, text: str, *, by: str, now: datetime) -> Fields:
        if self.find_visible(task_id) is None:
            raise Rejected("NotFound")
        self._permit("comment", by)
        comment = {
            "id": comment_id, "task_id": task_id, "author_id": by, "text": text,
            "created_at": now, "updated_at": now, "version": 1,
        }  # fmt: skip
        self.comments[comment_id] = comment
        self._log_version(comment, by)
        return comment
