"""The application as gunicorn loads it for tests that speak real HTTP."""

from __future__ import annotations

import os

from flask import Flask

from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services
from taskmgr.infrastructure.connection import open_database
from taskmgr.infrastructure.store import mongo_store
from taskmgr.settings import Settings
from tests.api.conftest import SECRET_KEY


def application() -> Flask:
    """Over the database that the environment names, which is the tests' own."""
    database = open_database(os.environ["SERVED_MONGODB_URI"], os.environ["SERVED_DATABASE"])
    return create_app(build_services(mongo_store(database)), Settings(rate_limit=0), secret_key=SECRET_KEY)
