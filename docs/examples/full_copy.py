"""Keeps a full copy of all tasks, comments, projects and users: `BASE=… TOKEN=… python full_copy.py`."""

import json
import os
import time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

KINDS = ("task", "comment", "project", "user")


class Copy:
    """All entities by kind and id, as of `position`. Store both together to go on later."""

    def __init__(self, base: str, token: str) -> None:
        self.base, self.token = base, token
        self.begin()

    def begin(self) -> None:
        self.position = "0"  # the beginning of history
        self.entities: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}

    def follow(self, wait: int = 25) -> bool:
        """Applies the next changes, for which it waits if necessary; returns whether there may be more."""
        query = urlencode({"since": self.position, "limit": 500, "wait": wait})
        url, headers = f"{self.base}/api/v1/changes?{query}", {"Authorization": f"Bearer {self.token}"}
        try:
            with urlopen(Request(url, headers=headers), timeout=60) as response:  # noqa: S310
                page = json.load(response)
        except HTTPError as error:
            if error.code != 410:
                raise
            self.begin()  # a backup was restored
            return True
        for change in page["items"]:
            if change["entity"] in KINDS:
                self.apply(change)
        self.position = page["next"]
        return bool(page["more"])

    def apply(self, change: dict[str, Any]) -> None:
        entities, entity_id = self.entities[change["entity"]], change["entity_id"]
        if change["kind"] == "comment.deleted":
            del entities[entity_id]
            return
        entity = entities.setdefault(entity_id, {"id": entity_id})
        entity |= {**change["after"], "version": change["version"], "updated_at": change["at"]}


if __name__ == "__main__":
    copy = Copy(os.environ["BASE"], os.environ["TOKEN"])
    while True:
        try:
            copy.follow()
            print(copy.position, len(copy.entities["task"]), "tasks", flush=True)
        except OSError as error:  # also an HTTPError: the service is restarted, or the rate limit reached
            print(error, flush=True)
            time.sleep(3)
