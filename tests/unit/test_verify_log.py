"""An exported log is verified without a database: whatever is done to an entry is found and named."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from taskmgr import verify_log
from taskmgr.domain.history.chain import GENESIS, canonical_json, next_hash, plain_entry
from taskmgr.verify_log import Head, parse_head, verify
from tests.factories import NOW, a_change

Lines = list[bytes]
Alter = Callable[[Lines], Any]


def exported(count: int, *, after: int = 0, digest: bytes = GENESIS) -> Lines:
    """Returns the lines of an export with so many entries."""
    lines = [canonical_json({"after": after, "hash": digest.hex()}) + b"\n"]
    for seq in range(after + 1, after + count + 1):
        entry = plain_entry(replace(a_change(), version=seq, after={"title": f"Title {seq}\u2028\x7f\n🎉"}))
        digest = next_hash(digest, canonical_json(entry))
        lines.append(canonical_json({"seq": seq, "hash": digest.hex(), "entry": entry}) + b"\n")
    return lines


def head_of(lines: Lines) -> Head:
    row = json.loads(lines[-1])
    return Head(row["seq"], bytes.fromhex(row["hash"]))


def mistakes(lines: Lines, noted: Head | None = None) -> Lines | list[str]:
    found: list[str] = []
    verify(lines, found.append, noted)
    return found


def rewritten(lines: Lines, first: int) -> None:
    """Computes the hashes anew from a line on, as somebody does who knows how."""
    digest = bytes.fromhex(json.loads(lines[first - 1])["hash"])
    for number in range(first, len(lines)):
        row = json.loads(lines[number])
        digest = next_hash(digest, canonical_json(row["entry"]))
        lines[number] = canonical_json({**row, "seq": number, "hash": digest.hex()}) + b"\n"


def altered(line: bytes) -> bytes:
    row = json.loads(line)
    row["entry"]["by"] = "system:nobody"
    return canonical_json(row) + b"\n"


def alter(lines: Lines) -> None:
    lines[3] = altered(lines[3])


def alter_with_its_hash(lines: Lines) -> None:
    rest = lines[4:]
    lines[3] = altered(lines[3])
    rewritten(lines, 3)
    lines[4:] = rest


def insert(lines: Lines) -> None:
    lines.insert(4, altered(lines[3]))


def insert_and_renumber(lines: Lines) -> None:
    lines.insert(4, altered(lines[3]))
    for number in range(4, len(lines)):
        lines[number] = canonical_json({**json.loads(lines[number]), "seq": number}) + b"\n"


def swap(lines: Lines) -> None:
    lines[3], lines[4] = lines[4], lines[3]


def test_an_export_is_in_order_and_ends_with_its_head() -> None:
    lines = exported(6)
    found: list[str] = []

    assert verify(lines, found.append, head_of(lines)) == head_of(lines)
    assert found == []
    assert mistakes(exported(5, after=6, digest=head_of(lines).hash)) == []
    assert mistakes(exported(0)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (alter, ["Line 4: the hash of entry 3 does not follow from it and the hash before."]),
        (alter_with_its_hash, ["Line 5: the hash of entry 4 does not follow from it and the hash before."]),
        (lambda lines: lines.pop(3), ["Line 4: entry 3 is missing before entry 4."]),
        (lambda lines: lines.pop(1), ["Line 2: entry 1 is missing before entry 2."]),
        (
            lambda lines: lines.__delitem__(slice(2, 5)),
            ["Line 3: entries 2 to 4 are missing before entry 5."],
        ),
        (insert, ["Line 5: entry 3 is in the wrong place, after entry 3."]),
        (
            insert_and_renumber,
            ["Line 5: the hash of entry 4 does not follow from it and the hash before."],
        ),
        (
            swap,
            [
                "Line 4: entry 3 is missing before entry 4.",
                "Line 5: entry 3 is in the wrong place, after entry 4.",
            ],
        ),
        (
            lambda lines: lines.__setitem__(3, lines[3][:-9]),
            ["Line 4 is not an entry.", "Line 5: entry 3 is missing before entry 4."],
        ),
        (lambda lines: lines.append(b" " + lines.pop()), ["Line 7 is not an entry."]),
        (
            lambda lines: lines.pop(0),
            [
                "Line 1 does not say after which entry the file begins.",
                "Line 2: entry 1 is missing before entry 2.",
            ],
        ),
        (
            lambda lines: lines.__setitem__(0, exported(0, digest=b"1" * 32)[0]),
            [
                "Line 1: the hash before entry 1 is not zero.",
                "Line 2: the hash of entry 1 does not follow from it and the hash before.",
            ],
        ),
    ],
)  # fmt: skip
def test_what_is_done_to_an_entry_is_found_and_named(change: Alter, found: list[str]) -> None:
    lines = exported(6)
    change(lines)

    assert mistakes(lines) == found


def test_only_a_noted_head_shows_that_the_end_is_missing() -> None:
    lines = exported(6)
    noted = head_of(lines)

    assert mistakes(lines[:-2]) == []
    assert mistakes(lines[:-2], noted) == ["The file ends with entry 4: entries 5 to 6 are missing."]


@pytest.mark.parametrize("change", [alter, lambda lines: lines.pop(3), insert_and_renumber, swap])
def test_only_a_noted_head_shows_that_all_hashes_were_computed_anew(change: Alter) -> None:
    lines = exported(6)
    noted = head_of(lines[:5])
    change(lines)
    rewritten(lines, 3)

    assert mistakes(lines) == []
    (found,) = mistakes(lines, noted)
    assert str(found).startswith("Line 5: entry 4 has the hash ")


def test_a_head_that_the_file_begins_after_is_named() -> None:
    lines = exported(3, after=6, digest=b"2" * 32)

    assert mistakes(lines, Head(6, b"2" * 32)) == []
    assert mistakes(lines, Head(5, GENESIS)) == ["The file begins after entry 6, and does not have entry 5."]
    assert len(mistakes(lines, Head(6, GENESIS))) == 1


@pytest.mark.parametrize("text", ["", "5", "5:", "5:ff", "x:" + "0" * 64, "-1:" + "0" * 64, ":" + "0" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_head(text)


def test_the_program_runs_alone(tmp_path: Path) -> None:
    program, file = tmp_path / "verify_log.py", tmp_path / "log"
    program.write_bytes(Path(verify_log.__file__).read_bytes())
    lines = exported(4)
    file.write_bytes(b"".join(lines))

    def run(*words: object) -> tuple[int, str]:
        command = [sys.executable, "-I", program, *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        return done.returncode, done.stdout

    head = str(head_of(lines))
    assert run(file) == (0, f"Everything is in order. The head is {head}.\n")
    assert run(file, "--head", head)[0] == 0
    assert run(file, "--head", head.replace("4:", "3:"))[0] == 1
    assert run(file, "--head", "nonsense")[0] == 2
    file.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    assert run(file) == (1, "Line 3: entry 2 is missing before entry 3.\n")


def test_the_program_imports_only_the_standard_library() -> None:
    tree = ast.parse(Path(verify_log.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names = [each.name for node in imports for each in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]

    assert set(names) <= sys.stdlib_module_names


# --- the canonical form

_TEXTS = st.one_of(
    st.text(), st.text(alphabet='\u2028\u2029\x00\x1f\x7f\x80"\\/\b\f\n\r\t\ufeff\ue000\uffff🎉\U0010ffff')
)
_NAMES = st.text(alphabet=st.characters(max_codepoint=127), max_size=5)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
)


@given(st.dictionaries(_NAMES, _VALUES), _TEXTS)
def test_the_canonical_form_is_that_of_rfc_8785(after: dict[str, Any], reason: str) -> None:
    entry = plain_entry(replace(a_change(), after=after, reason=reason))

    assert canonical_json(entry) == rfc8785.dumps(entry) == verify_log.canonical_json(entry)
    assert json.loads(canonical_json(entry)) == entry


@pytest.mark.parametrize("value", [1.0, 1.5, float("nan"), 2**53, -(2**53), b"x", object(), {"naïve": 1}])
def test_an_entry_has_no_value_whose_canonical_form_is_in_doubt(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        plain_entry(replace(a_change(), after={"title": [value]}))


def test_hashes_never_change() -> None:
    """These hashes are noted by people and stored in databases: no release may compute others."""
    change = replace(
        a_change(), id="0" * 24, at=NOW, by="system:tests", change_set="1" * 24, entity="task",
        entity_id="2" * 24, kind="task.edited", before={"title": "A"}, after={"title": "B"}, reason=None,
        override=False, version=2, projects=("TASK",),
    )  # fmt: skip
    text = (
        '{"after":{"title":"B"},"at":"2026-03-10T12:00:00.000Z","before":{"title":"A"},"by":"system:tests",'
        '"change_set":"111111111111111111111111","entity":"task","entity_id":"222222222222222222222222",'
        '"id":"000000000000000000000000","kind":"task.edited","override":false,"projects":["TASK"],'
        '"reason":null,"version":2}'
    )

    assert canonical_json(plain_entry(change)).decode() == text
    assert next_hash(GENESIS, text.encode()) == hashlib.sha256(bytes(32) + text.encode()).digest()
    assert verify_log.next_hash(GENESIS, json.loads(text)) == next_hash(GENESIS, text.encode())
