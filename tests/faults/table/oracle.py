"""What must hold after a fault, whatever it was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from tests.faults.table.load import Load, Write
from tests.faults.table.stages import Stage
from tests.faults.test_webhooks import let_time_pass
from tests.feeds import assert_feed_is_the_log, wait_until_complete
from tests.running import run, wait_until

_MESSAGE_ID = re.compile(rb"^webhook-id: *(\S+)\r$", re.IGNORECASE | re.MULTILINE)
# Seconds. MongoDB keeps the transaction of a killed process for 60, and only then are messages sent again.
_MAX_DELAY = 150.0


def lost_writes(database: Database[Any], load: Load) -> list[Write]:
    """Returns the acknowledged writes without an entry of the log that has what was acknowledged.

    That the stored documents are what the log says, is checked by `taskmgr doctor`.
    """
    ids = {ObjectId(write.entity_id) for write in load.acknowledged}
    rows = database["activity"].find({"entity_id": {"$in": list(ids)}})
    entries = {(str(row["entity_id"]), row["version"]): row["after"] for row in rows}
    return [
        write
        for write in load.acknowledged
        if not write.fields.items() <= entries.get((write.entity_id, write.version), {}).items()
    ]


def findings(stage: Stage, loads: Sequence[Load]) -> list[str]:
    """Returns everything else that is wrong after these loads, in words."""
    found = [*(problem for load in loads for problem in load.problems), *stage.follower.problems]
    found += [f"executed twice: {text}" for text in _doubles(stage.database)]
    try:
        wait_until_complete(stage.database)
        assert_feed_is_the_log(stage.database)
    except AssertionError as error:
        found.append(f"the feed is not the log: {error}")
    for check in (_follower_missed, _receiver_missed):
        if problem := check(stage):
            found.append(problem)
    for words in (["log", "verify"], ["doctor"]):
        outcome = run(stage.settings, *words)
        if outcome.status:
            found.append(f"{' '.join(words)}: {outcome.out}{outcome.err}")
    return [*found, *_log_lines(stage)] if found else []


def _log_lines(stage: Stage) -> list[str]:
    """Returns what the service has logged, without its requests."""
    return [line for line in stage.service.err.splitlines() if '"taskmgr.access"' not in line]


def _doubles(database: Database[Any]) -> list[str]:
    """Returns the texts of tasks and comments that were created more than once."""
    rows = database["activity"].find({"kind": {"$in": ["task.created", "comment.created"]}})
    texts = Counter(str(row["after"].get("title") or row["after"].get("text")) for row in rows)
    return [text for text, number in texts.items() if number > 1]


def _follower_missed(stage: Stage) -> str:
    expected = [(row["_id"], str(row["entry"])) for row in stage.database["feed"].find().sort("_id", 1)]
    delivered = stage.follower.delivered
    wait_until(lambda: len(delivered) >= len(expected))
    if delivered == expected:
        return ""
    return f"the follower got {len(delivered)} entries, not the {len(expected)} of the feed"


def _receiver_missed(stage: Stage) -> str:
    kinds = {"$regex": "^(task|comment)[.]"}
    ids = {row["_id"] for row in stage.database["activity"].find({"kind": kinds}, {"_id": True})}
    feed = stage.database["feed"].find()
    expected = {f"{stage.webhook}:{row['_id']}" for row in feed if row["entry"] in ids}

    def missed() -> set[str]:
        heads = map(_MESSAGE_ID.search, list(stage.receiver.requests))
        return expected - {head[1].decode() for head in heads if head}

    def has_all() -> bool:
        let_time_pass(stage.database)
        return not missed()

    has_received = wait_until(has_all, seconds=_MAX_DELAY)
    return "" if has_received else f"the receiver of webhooks missed {sorted(missed())}"
