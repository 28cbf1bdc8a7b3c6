"""The applications that gunicorn loads for tests over real HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from flask import Flask

from taskmgr.api.app import create_app
from taskmgr.api.conditional.idempotency import idempotent
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.input.limits import request_limits
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.task_bodies import TaskIn
from taskmgr.api.schemas.tasks import NewTaskOut
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.token import Scope
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.settings import Settings
from tests.api.conftest import SECRET_KEY

STORE_SECONDS = 2.0


def application() -> Flask:
    """Returns the application over the test database that the environment names."""
    database = open_database(os.environ["SERVED_MONGODB_URI"], os.environ["SERVED_DATABASE"])
    return create_app(build_services(mongo_store(database)), Settings(rate_limit=0), secret_key=SECRET_KEY)


def application_with_deadlines() -> Flask:
    """Returns the application with additional endpoints that create a task with short time limits."""
    app = application()
    blueprint = Blueprint("hurried", __name__, url_prefix="/api/v1")
    for path, body_seconds in (("/patient", 30.0), ("/impatient", 0.5)):
        blueprint.post(path, endpoint=path[1:])(_creating(blueprint, body_seconds))
    app.register_blueprint(blueprint)
    return app


def _creating(blueprint: Blueprint, body_seconds: float) -> Callable[..., Any]:
    @requires_scopes(Scope.TASKS_WRITE)
    @request_limits(max_body_bytes=1024, body_seconds=body_seconds, store_seconds=STORE_SECONDS)
    @idempotent(STORE_SECONDS)
    @blueprint.body(TaskIn)
    @blueprint.response(201, NewTaskOut)
    def create(body: dict[str, Any]) -> Any:
        return services().tasks.create(**body, by=actor())

    return create
