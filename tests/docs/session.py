"""Runs the calls that a page shows, as pasted into a shell."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

from tests.docs.markdown import Block, blocks
from tests.running import PATIENCE

_END = "\x1e"


@dataclass(frozen=True)
class Call:
    """A block of a page that calls the service, and the answer that the page shows, if any."""

    block: Block
    answer: Block | None

    @property
    def status(self) -> int:
        """The status in the words before the answer; 200 where they name none."""
        named = re.findall(r"`([2-5]\d\d)`", self.answer.before if self.answer else "")
        return int(named[-1]) if named else 200


@dataclass(frozen=True)
class Reply:
    """What a block really did: its output, and the status of its last request."""

    out: str
    status: int


def calls(page: str) -> list[Call]:
    """The blocks with `curl`, but for those with an ellipsis, each with its answer behind it."""
    found = blocks(page)
    following = [*found[1:], Block(len(found), "", "", "")]
    return [
        Call(block, after if after.language == "json" else None)
        for block, after in zip(found, following, strict=True)
        if block.language == "sh" and "curl" in block.text and "…" not in block.text
    ]


def pasted(shown: list[Call], *, base: str, token: str) -> list[Reply]:
    """What the blocks answer when they are pasted, one after the other, into one shell."""
    head = 'curl() { command curl --write-out "%{stderr}%{http_code}\\n" "$@"; }\n'
    mark = f"printf '\\n{_END}\\n'; printf '{_END}\\n' >&2\n"
    done = subprocess.run(
        ["bash", "-c", head + "".join(call.block.text + mark for call in shown)],
        env={**os.environ, "BASE": base, "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE,
    )
    outputs, statuses = done.stdout.split(_END), done.stderr.split(_END)
    return [
        Reply(out.strip(), int(numbers.split()[-1]))
        for out, numbers in zip(outputs[: len(shown)], statuses, strict=False)
    ]
