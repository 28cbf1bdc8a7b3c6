"""`python -m tests.api.clients.lint`: holds the OpenAPI document against the rules of two linters.

Where Node or the registry is missing, it says so and succeeds; in CI it fails. A document on which they
reported nothing the last time is not linted again.
"""

from __future__ import annotations

import sys

from tests.api.clients import tools
from tests.api.clients.document import document
from tests.needed import IN_CI

LINTERS = (
    ("redocly", "lint", "--config", "redocly.yaml"),
    ("spectral", "lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint"),
)


def main() -> int:
    try:
        place = tools.install()
    except tools.Missing as missing:
        print(f"NOT LINTED: the OpenAPI document. {missing}", file=sys.stderr)
        return int(IN_CI)
    current, accepted = document(), place / "pleased.json"
    if accepted.exists() and accepted.read_bytes() == current:
        return 0
    candidate = place / "openapi.json"
    candidate.write_bytes(current)
    status = 0
    for linter in LINTERS:
        done = tools.run(*linter, candidate)
        if done.returncode:
            print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
            status = 1
    if not status:
        candidate.replace(accepted)
        print("redocly and spectral report nothing on the OpenAPI document")
    return status


if __name__ == "__main__":
    sys.exit(main())
