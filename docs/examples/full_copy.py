"""Keeps a full copy of all tasks: `BASE=… TOKEN=… python full_copy.py`."""

import json
import os
import time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen


class Copy:
    """All tasks by id, also those in the bin, as of `position`. Store both together to go on later."""

    def __init__(self, base: str, token: str) -> None:
        self.base, self.token = base, token
        self.tasks: dict[str, Any] = {}
        self.position: str | None = None

    def call(self, path: str, **query: Any) -> Any:
        url = f"{self.base}/api/v1/{path}?{urlencode(query)}"
        request = Request(url, headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310
        with urlopen(request, timeout=60) as response:  # noqa: S310
            return json.load(response)

    def read_everything(self) -> None:
        position = self.call("changes")["next"]  # first, so that nothing is missed in between
        tasks: dict[str, Any] = {}
        for binned in ("false", "true"):
            query = {"limit": 200, "sort": "created_at", "bin": binned}
            page = self.call("tasks", **query)
            tasks |= {task["id"]: task for task in page["items"]}
            while page["next"]:
                page = self.call("tasks", **query, cursor=page["next"])
                tasks |= {task["id"]: task for task in page["items"]}
        self.tasks, self.position = tasks, position

    def follow(self, wait: int = 25) -> bool:
        """Applies the next changes, for which it waits if necessary; returns whether there may be more."""
        if self.position is None:
            self.read_everything()
        try:
            query = {"since": self.position, "entity": "task", "include": "task", "limit": 500, "wait": wait}
            page = self.call("changes", **query)
        except HTTPError as error:
            if error.code != 410:
                raise
            self.position = None  # a backup was restored
            return True
        for task in page["tasks"]:
            if task["version"] > self.tasks.get(task["id"], {"version": 0})["version"]:
                self.tasks[task["id"]] = task
        self.position = page["next"]
        return bool(page["more"])


if __name__ == "__main__":
    copy = Copy(os.environ["BASE"], os.environ["TOKEN"])
    while True:
        try:
            copy.follow()
            print(copy.position, len(copy.tasks), "tasks", flush=True)
        except OSError as error:  # also an HTTPError: the service is restarted, or the rate limit reached
            print(error, flush=True)
            time.sleep(3)
