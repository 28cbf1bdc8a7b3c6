"""The same contracts over a fake database and the real one."""

from __future__ import annotations

from typing import Any

import mongomock
import pytest
from pymongo.database import Database


@pytest.fixture(params=["mongomock", "mongodb"])
def either_database(request: pytest.FixtureRequest) -> Database[Any]:
    """An empty database: mongomock's, which has no indexes, and the real one.

    What mongomock lacks or gets wrong (transactions, unique indexes, `$lookup` with a pipeline) is
    asked of `database` alone.
    """
    if request.param == "mongodb":
        return request.getfixturevalue("database")
    return mongomock.MongoClient(tz_aware=True)["tests"]
