"""Builds commands that are close to a rule in the current state; random commands rarely are."""

from __future__ import annotations

from tests.stateful.book import MAX_LEVELS, Book, Fields, is_open, is_started


def _move(task: Fields, status: str, **more: object) -> Fields:
    return {"op": "status", "id": task["id"], "status": status, **more}


def _change(task: Fields, **fields: object) -> Fields:
    return {"op": "change", "id": task["id"], **fields}


def _block(task: Fields, blocker: str) -> Fields:
    return {"op": "block", "id": task["id"], "blocker_id": blocker}


def temptations(model: Book) -> dict[str, list[Fields]]:
    """Returns the possible commands of each kind, which may be none. `by` is set if only one actor fits."""
    return _of_projects(model) | _into_and_out_of_work(model) | _of_priority(model) | _of_relations(model)


def _into_and_out_of_work(model: Book) -> dict[str, list[Fields]]:
    tasks = model.visible()
    opened = [task for task in tasks if is_open(task)]
    closed = [task for task in tasks if not is_open(task)]
    started = [task for task in opened if is_started(task)]
    unstarted = [task for task in opened if not is_started(task)]
    parents = [task for task in opened if any(map(is_open, model.subtasks(task["id"])))]
    members = [user["id"] for user in model.users.values() if user["role"] == "member"]
    inactive = [user["id"] for user in model.users.values() if not user["active"]]
    held = [task["assignee_id"] for task in started]
    full = [who for who in members if held.count(who) >= model.wip_limit > 0]
    return {
        "start": [_move(task, "in_progress") for task in unstarted if task["assignee_id"]],
        "start nobody's": [_move(task, "in_progress") for task in unstarted],
        "start for": [
            _change(t, status="in_progress", assignee_id=who) for t in unstarted for who in members
        ],
        "one too many": [
            _change(t, status="in_progress", assignee_id=who) for t in unstarted for who in full
        ],
        "hand over": [_change(t, assignee_id=who) for t in started for who in (*members, None)],
        "hand to the absent": [_change(t, assignee_id=who) for t in opened for who in inactive],
        "complete": [_move(task, "completed") for task in started],
        "complete one's own": [_move(t, "completed", by=t["assignee_id"]) for t in started],
        "complete what one had": [
            _move(t, "completed", by=who)
            for t in started
            for who in model.assignees[t["id"]] - {t["assignee_id"], None}
        ],
        "take": [
            {"op": "assign", "id": t["id"], "assignee_id": who, "by": who} for t in opened for who in members
        ],
        "complete what waits": [_move(task, "completed") for task in started if task["blocked_by"]],
        "complete a parent": [_move(task, "completed") for task in parents if is_started(task)],
        "start a parent": [
            _change(t, status="in_progress", assignee_id=who) for t in parents for who in members
        ],
        "hang under a started one": [_change(t, parent_id=s["id"]) for t in opened for s in started],
        "complete by force": [
            _move(task, "completed", override=True, reason="It must be") for task in started
        ],
        "cancel": [_move(task, "cancelled", reason="No more") for task in opened],
        "cancel a parent": [_move(task, "cancelled", reason="No more") for task in parents],
        "reopen": [_move(t, model.reopened_status(t), reason="Again") for t in closed],
        "reopen without a word": [_move(t, model.reopened_status(t)) for t in closed],
        "reopen and start": [_move(task, "in_progress", reason="Again") for task in closed],
    }


def _of_priority(model: Book) -> dict[str, list[Fields]]:
    tasks = model.visible()
    opened = [task for task in tasks if is_open(task)]
    members = [user["id"] for user in model.users.values() if user["role"] == "member"]
    urgent = [task for task in tasks if task["priority"] == "urgent"]
    others = [task for task in opened if task["priority"] != "urgent"]
    pressed = [task["assignee_id"] for task in urgent if is_open(task) and task["assignee_id"]]
    return {
        "raise without a date": [_change(t, priority="urgent") for t in others if t["due_date"] is None],
        "raise": [_change(task, priority="urgent", due_date="2026-04-01") for task in others],
        "raise for": [
            _change(t, assignee_id=who, priority="urgent", reason="Now") for t in others for who in members
        ],
        "one more urgent": [
            _change(t, assignee_id=who, priority="urgent", reason="Now") for t in others for who in pressed
        ],
        "lower": [_change(task, priority="low") for task in urgent],
        "lower with a word": [_change(task, priority="low", reason="So") for task in urgent],
        "of a closed task": [_change(task, priority="high") for task in tasks if not is_open(task)],
        "undate": [_change(task, due_date=None) for task in tasks if task["due_date"] is not None],
    }


def _of_relations(model: Book) -> dict[str, list[Fields]]:
    tasks = model.visible()
    closed = [task for task in tasks if not is_open(task)]
    subtasks = [task for task in tasks if task["parent_id"] is not None]
    parents = [task for task in tasks if model.subtasks(task["id"])]
    under_closed = [t for t in subtasks if not is_open(model.tasks[t["parent_id"]])]
    alone = [task for task in tasks if task not in subtasks and task not in parents]
    deep = [task for task in tasks if model.levels_above(task) >= MAX_LEVELS]
    binned = [task for task in model.tasks.values() if task["deleted_at"]]
    return {
        "turn an edge round": [_block(model.tasks[b], t["id"]) for t in tasks for b in t["blocked_by"]],
        "wait for the parent": [_block(task, task["parent_id"]) for task in subtasks],
        "wait for oneself": [_block(task, task["id"]) for task in tasks],
        "hang under oneself": [_change(task, parent_id=task["id"]) for task in tasks],
        "hang under what it waits for": [_change(t, parent_id=b) for t in tasks for b in t["blocked_by"]],
        "hang deeper": [_change(t, parent_id=s["id"]) for t in parents for s in subtasks],
        "hang too deep": [_change(t, parent_id=below["id"]) for t in alone for below in deep],
        "hang under a closed one": [_change(t, parent_id=c["id"]) for t in tasks for c in closed],
        "start under a closed one": [_move(task, "in_progress", reason="Go") for task in under_closed],
        "reopen under a closed one": [_move(t, model.reopened_status(t), reason="Go") for t in under_closed],
        "bin": [{"op": "bin", "id": task["id"]} for task in tasks if task["blocked_by"] or is_started(task)],
        "bin a parent": [{"op": "bin", "id": task["id"]} for task in parents],
        "bin a subtask": [{"op": "bin", "id": task["id"]} for task in subtasks],
        "restore": [{"op": "restore", "id": task["id"]} for task in binned],
        "hang under a binned one": [_change(t, parent_id=b["id"]) for t in tasks for b in binned],
        "wait for a binned one": [_change(t, blocked_by=[b["id"]]) for t in tasks for b in binned],
    }


def _of_projects(model: Book) -> dict[str, list[Fields]]:
    tasks = model.visible()
    archived = [key for key, project in model.projects.items() if project["archived_at"] is not None]
    active = [key for key in model.projects if key not in archived]
    inside = [task for task in tasks if task["project"] in archived]
    binned = [task for task in model.tasks.values() if task["deleted_at"]]
    return {
        "move to another project": [_change(t, project=p) for t in tasks for p in active],
        "move into an archived project": [_change(t, project=p) for t in tasks for p in archived],
        "move out of an archived project": [_change(t, project=p) for t in inside for p in active],
        "change in an archived project": [_change(task, title="Late") for task in inside],
        "bin in an archived project": [{"op": "bin", "id": task["id"]} for task in inside],
        "restore in an archived project": [
            {"op": "restore", "id": task["id"]} for task in binned if task["project"] in archived
        ],
    }
