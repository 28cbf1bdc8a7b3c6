"""Every operation of the API with a request that succeeds: what walks over all of them walks here.

The paths and bodies name the things of `World` in braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.api.client import Client
from tests.factories import SYSTEM

READ, WRITE = "tasks:read", "tasks:write"
USERS_READ, USERS_WRITE = "users:read", "users:write"
ALL_SCOPES = (READ, WRITE, USERS_READ, USERS_WRITE, "admin")


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """A request that an admin may make, and what is answered to whom.

    `viewer` is what a viewer is answered; `scopes` is None where no token is asked for.
    """

    name: str
    method: str
    path: str
    scopes: tuple[str, ...] | None
    status: int = 200
    viewer: int = 200
    body: Mapping[str, Any] | None = None
    dry: bool = False  # takes `dry_run`
    guarded: bool = False  # takes `If-Match`


def _public(name: str, path: str) -> Operation:
    return Operation(name=name, method="GET", path=path, scopes=None)


def _read(name: str, path: str, *scopes: str) -> Operation:
    return Operation(name=name, method="GET", path=path, scopes=scopes)


def _write(
    name: str, method: str, path: str, body: Mapping[str, Any] | None = None, **more: Any
) -> Operation:
    """A write that a viewer's role does not allow."""
    given = {"scopes": (WRITE,), "viewer": 403, "dry": True, "guarded": True} | more
    return Operation(name=name, method=method, path=path, body=body, **given)


OPERATIONS = (
    _public("get_links", "/"),
    _public("get_health", "/healthz"),
    _public("get_readiness", "/readyz"),
    _read("list_tasks", "tasks", READ),
    _read("get_task", "tasks/{task}", READ),
    _read("list_transitions", "tasks/{task}/transitions", READ),
    _read("list_task_activity", "tasks/{task}/activity", READ),
    _read("list_comments", "tasks/{task}/comments", READ),
    _read("list_activity", "activity", READ),
    _read("get_workflow", "workflow", READ),
    _read("list_users", "users", USERS_READ),
    _read("get_user", "users/{user}", USERS_READ),
    _read("get_me", "users/me"),
    _read("list_tasks_of_user", "users/{user}/tasks", READ),
    _read("list_tokens", "tokens"),
    _write("create_task", "POST", "tasks", {"title": "Plan"}, status=201, guarded=False),
    _write("change_task", "PATCH", "tasks/{task}", {"title": "Plan", "labels": ["a"]}),
    _write("change_status", "PUT", "tasks/{task}/status", {"status": "in_progress"}),
    _write("change_priority", "PUT", "tasks/{task}/priority", {"priority": "high"}),
    _write("assign", "PUT", "tasks/{task}/assignee", {"assignee_id": "{other_user}"}),
    _write("block", "PUT", "tasks/{task}/blocked-by/{other}"),
    _write("unblock", "DELETE", "tasks/{task}/blocked-by/{blocker}"),
    _write("bin_task", "DELETE", "tasks/{task}"),
    _write("restore_task", "POST", "tasks/{binned}/restore"),
    _write(
        "perform", "POST", "tasks/bulk", {"operations": [{"op": "create", "title": "Plan"}]},
        viewer=409, guarded=False,
    ),
    _write("create_comment", "POST", "tasks/{task}/comments", {"text": "Soon."}, status=201, guarded=False),
    _write("change_comment", "PATCH", "tasks/{task}/comments/{comment}", {"text": "Now."}),
    _write("delete_comment", "DELETE", "tasks/{task}/comments/{comment}"),
    _write(
        "create_user", "POST", "users", {"username": "grace", "name": "Grace"},
        scopes=(USERS_WRITE,), status=201, guarded=False,
    ),
    _write("change_user", "PATCH", "users/{user}", {"name": "Ada L."}, scopes=(USERS_WRITE,)),
    _write(
        "create_token", "POST", "tokens", {"name": "job", "scopes": [READ]},
        scopes=(), status=201, viewer=201, dry=False, guarded=False,
    ),
    # A token of one's own is somebody else's, and so not there, for the others.
    _write(
        "revoke_token", "DELETE", "tokens/{token}",
        scopes=(), status=204, viewer=404, dry=False, guarded=False,
    ),
)  # fmt: skip
BY_NAME = {operation.name: operation for operation in OPERATIONS}
DRY = tuple(operation for operation in OPERATIONS if operation.dry)
GUARDED = tuple(operation for operation in OPERATIONS if operation.guarded)


class World(dict[str, str]):
    """The ids of one of everything, such that every operation succeeds."""

    def fill(self, given: Any) -> Any:
        """A path or a body with the ids in place of their names."""
        if isinstance(given, str):
            return given.format_map(self)
        if isinstance(given, Mapping):
            return {name: self.fill(value) for name, value in given.items()}
        return given

    def ask(self, client: Client, operation: Operation, **how: Any) -> Any:
        """The answer to an operation's request."""
        if operation.body is not None:
            how = {"body": self.fill(operation.body)} | how
        return client.open(operation.method, self.fill(operation.path), **how)


def make_world(services: Any) -> World:
    """A task that may start and is nobody's fault, with a blocker done, and all that goes with it."""
    users = {
        name: services.users.create(by=SYSTEM, username=name, name=name.title()).id
        for name in ("ada", "bertha")
    }

    def task(**given: Any) -> str:
        return str(services.tasks.create(by=SYSTEM, **{"title": "Write", **given}).id)

    started = {"assignee_id": users["ada"], "status": "in_progress"}
    blocker = task(title="Blocker", **started)
    services.tasks.change_status(blocker, status="completed", by=SYSTEM)
    binned = task(title="Binned")
    services.tasks.bin(binned, by=SYSTEM)
    made = task(title="Task", assignee_id=users["ada"], blocked_by=[blocker])
    return World(
        task=made,
        blocker=blocker,
        other=task(title="Other"),
        binned=binned,
        user=users["ada"],
        other_user=users["bertha"],
        comment=services.comments.create(made, text="Well.", by=SYSTEM).id,
        token=services.tokens.create(by=SYSTEM, user_id=users["ada"], name="laptop").token.id,
    )
