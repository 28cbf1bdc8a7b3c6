"""Compares the page on security with the limits of the code and the tests that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from taskmgr.api import bulk_rows
from taskmgr.api.input.field_errors import MAX_ERRORS
from taskmgr.api.input.limits import DEFAULT_LIMITS
from taskmgr.api.input.strict_json import MAX_DEPTH, MAX_KEYS
from taskmgr.api.views.bulk import BODY_SECONDS
from taskmgr.domain.queries.pages import MAX_LIMIT
from taskmgr.domain.services.bulk import MAX_OPERATIONS, SECONDS
from tests.docs.markdown import ROOT, anchor, code, headings, links, read, section, table

PAGE = "docs/security.md"
TOP_TEN = "OWASP API Security Top 10 (2023)"


def test_every_point_has_its_tests() -> None:
    rows = table(section(read(PAGE), TOP_TEN))

    assert [row[0].split(" ")[0] for row in rows] == [f"API{number}" for number in range(1, 11)]
    assert all(code(row[2]) for row in rows)


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[^`]+)`", read(PAGE)))))
def test_a_test_that_the_page_names_exists(named: str) -> None:
    path, _, name = named.partition("::")

    assert f"def {name}(" in (ROOT / path).read_text("utf-8") if name else (ROOT / path).is_file()


def test_the_limits_are_those_of_the_code() -> None:
    documented = " ".join(cell for row in table(section(read(PAGE), "Input")) for cell in row)

    mebibyte = 1024 * 1024
    for text in (
        f"{DEFAULT_LIMITS.max_body_bytes // mebibyte} MiB", f"{MAX_DEPTH} levels", f"{MAX_KEYS:,} keys",
        f"in one answer {MAX_ERRORS}", f"{MAX_LIMIT} items", f"{MAX_OPERATIONS:,} operations",
        f"{DEFAULT_LIMITS.store_seconds:.0f} seconds", f"for a bulk {SECONDS:.0f}",
        f"{bulk_rows.MAX_BYTES // mebibyte} MiB",
        f"{DEFAULT_LIMITS.body_seconds:.0f} seconds", f"for a bulk {BODY_SECONDS:.0f}",
    ):  # fmt: skip
        assert text in documented


def test_every_link_of_the_policy_leads_somewhere() -> None:
    for link in links(read("SECURITY.md")):
        path, _, fragment = link.partition("#")
        assert (ROOT / path).exists()
        assert not fragment or fragment in map(anchor, headings(read(path)))


def test_the_policy_invents_no_address() -> None:
    assert not re.search(r"@|https?://", Path(ROOT / "SECURITY.md").read_text("utf-8"))
