"""How long the store may take: every command has a deadline, and what takes its time has none."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from taskmgr.infrastructure.mongo.client import without_deadline

SLOW = {"$where": "sleep(600) || true"}


def test_a_command_that_takes_longer_than_its_deadline_is_given_up(database: Database[Any]) -> None:
    database["tasks"].insert_one({"title": "One"})

    with pytest.raises(PyMongoError), pymongo.timeout(0.2):
        list(database["tasks"].find(SLOW))


def test_work_without_a_deadline_takes_as_long_as_it_takes(mongodb_uri: str, database: Database[Any]) -> None:
    database["tasks"].insert_one({"title": "One"})
    with MongoClient(mongodb_uri, timeoutMS=200) as client:
        tasks = client[database.name]["tasks"]

        with pytest.raises(PyMongoError):
            list(tasks.find(SLOW))
        with without_deadline():
            assert len(list(tasks.find(SLOW))) == 1
