"""The script of docs/api.md follows the events in JavaScript."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needed import needs
from tests.running import ROOT, serving, wait_until

pytestmark = pytest.mark.slow

_PROGRAM = """
import { follow } from "./events.mjs";
const [base, token, since] = process.argv.slice(2);
const onChange = (change) => console.log(JSON.stringify({ kind: change.kind, seq: change.seq }));
const onResync = (problem) => { console.log(JSON.stringify({ head: problem.head.seq })); return "0"; };
await follow({ base, token, since, onChange, onResync });
"""


@needs("node", "nodejs")
def test_the_script_gets_every_change_and_begins_anew_after_a_restored_backup(place: Path) -> None:
    shutil.copy(ROOT / "docs/examples/events.js", place / "events.mjs")
    (place / "program.mjs").write_text(_PROGRAM)
    with serving(place, WORKERS="1") as service, (place / "lines").open("w") as lines:
        service.create("Plan")
        base = f"http://127.0.0.1:{service.port}"
        command = ["node", "program.mjs", base, service.token, "1-000000"]
        with subprocess.Popen(command, cwd=place, stdout=lines) as script:
            task = service.create("Another")
            service.call("PATCH", f"/api/v1/tasks/{task}", {"title": "Größe"})

            def printed() -> list[dict[str, object]]:
                return [json.loads(line) for line in (place / "lines").read_text().splitlines()]

            assert wait_until(lambda: {"task.edited"} <= {line.get("kind") for line in printed()})
            script.kill()
        first, *changes = printed()
        assert "head" in first
        page = service.call("GET", "/api/v1/changes?since=0&limit=500")[1]
        assert changes == [{"kind": item["kind"], "seq": item["seq"]} for item in page["items"]]
