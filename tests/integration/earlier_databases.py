"""Reads the databases of earlier releases that are kept in `fixtures/` (see its README)."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bson import json_util
from pymongo.database import Database

Row = Mapping[str, Any]

_FIXTURES = Path(__file__).with_name("fixtures")
_OPTIONS = json_util.JSONOptions(tz_aware=True)


def load_database(database: Database[Any], version: int) -> None:
    """Fills an empty database with everything that a release of this schema version stored."""
    for line in _read_lines(version):
        if "indexes" in line:
            database.command("createIndexes", line["in"], indexes=line["indexes"])
    for collection, rows in stored_rows(version).items():
        database[collection].insert_many(rows)


def stored_rows(version: int) -> Mapping[str, Sequence[Row]]:
    """Returns the documents of each collection of the database of this schema version."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for line in _read_lines(version):
        if "row" in line:
            rows[line["in"]].append(line["row"])
    return rows


def _read_lines(version: int) -> Iterator[Mapping[str, Any]]:
    with gzip.open(_FIXTURES / f"schema_version_{version}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json_util.loads(line, json_options=_OPTIONS)
