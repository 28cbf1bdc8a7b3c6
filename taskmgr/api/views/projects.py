"""`/projects`: the projects to which tasks belong."""

from __future__ import annotations

from typing import Any, cast

from flask import request

from taskmgr.api.conditional.idempotency import idempotent
from taskmgr.api.conditional.list_tags import list_etag, record_list_version
from taskmgr.api.conditional.versions import etag, expected_version
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.pages import page_of
from taskmgr.api.schemas.projects import (
    NewProjectOut,
    ProjectIn,
    ProjectListQuery,
    ProjectOut,
    ProjectPatch,
    ProjectQuery,
    ProjectRowOut,
)
from taskmgr.api.schemas.queries import WriteQuery
from taskmgr.api.views.responses import build_page, build_page_request, changed, created
from taskmgr.domain.model.commands import ProjectChanges
from taskmgr.domain.model.token import Scope

READ, WRITE = Scope.TASKS_READ, Scope.TASKS_WRITE

projects = Blueprint("projects", __name__, url_prefix="/api/v1/projects", description="Projects of tasks")

ProjectPage = page_of(ProjectRowOut, "ProjectPage")
_NAMES = {"default": "is_default"}  # the domain's names of fields that it calls otherwise


@projects.get("")
@requires_scopes(READ)
@list_etag
@projects.query(ProjectListQuery)
@projects.response(200, ProjectPage)
def list_projects(params: dict[str, Any]) -> Any:
    """List projects, by key

    `include=counts` adds to each project how many of its tasks outside the bin are open, how many of these
    are overdue, and how many tasks were completed in the last 30 days.
    """
    archived, include = params["archived"], params["include"]
    list_key = ("projects", archived, include)
    page_request = build_page_request(params, list_key)
    if include:  # the counts depend on the clock
        counted = services().projects.list_with_counts(page_request, archived=archived, by=actor())
        return build_page(counted, list_key)
    record_list_version(services().health.latest_write())
    return build_page(services().projects.list(page_request, archived=archived, by=actor()), list_key)


@projects.post("")
@requires_scopes(WRITE)
@idempotent()
@projects.query(WriteQuery)
@projects.body(ProjectIn)
@projects.response(201, NewProjectOut)
def create_project(params: dict[str, Any], body: dict[str, Any]) -> Any:
    """Create a project

    Only managers and admins may.
    """
    project = services().projects.create(**body, **params, by=actor())
    return created(project, f"{request.path}/{project.id}", **params)


@projects.get("/<project_id>")
@requires_scopes(READ)
@projects.query(ProjectQuery)
@projects.response(200, ProjectRowOut)
def get_project(params: dict[str, Any], project_id: str) -> Any:
    """Get a project

    The ETag is the project's version. With `include=counts` the response has no ETag, because the counts
    change without a new version of the project.
    """
    if params["include"]:
        return services().projects.get_with_counts(project_id, by=actor())
    project = services().projects.get(project_id, by=actor())
    return project, etag(project)


@projects.patch("/<project_id>")
@requires_scopes(WRITE)
@projects.query(WriteQuery)
@projects.body(ProjectPatch)
@projects.response(200, ProjectOut)
def change_project(params: dict[str, Any], body: dict[str, Any], project_id: str) -> Any:
    """Change a project

    Managers and admins may change it, and admins may make it the default. An archived project takes no new
    tasks, and its tasks cannot be changed; commands that have already begun are completed.
    """
    version = expected_version(body.pop("version", None))
    changes = {_NAMES.get(name, name): value for name, value in body.items()}
    project = services().projects.change(
        project_id, cast("ProjectChanges", changes), by=actor(), version=version, **params
    )
    return changed(project, **params)
