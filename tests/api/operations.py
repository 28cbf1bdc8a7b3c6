"""Lists every operation of the API with a request that succeeds, and who may make it.

Tests of all operations use this table. Its paths and bodies name the entities of a `World` in braces.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from taskmgr.domain.model.account import Person
from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.model.webhook import new_delivery
from tests.api.client import PASSWORD, Client, set_password
from tests.factories import SYSTEM, an_account

READ, WRITE = "tasks:read", "tasks:write"
USERS_READ, USERS_WRITE = "users:read", "users:write"
ALL_SCOPES = (READ, WRITE, USERS_READ, USERS_WRITE, "admin")

# The callers by username: one of each role, unrelated to the entities of `World`, and Ada, a member, who is
# the assignee of the task and the author of the comment.
EVERYBODY = ("viewer", "member", "ada", "manager", "admin")
MEMBERS = EVERYBODY[1:]
OWN = EVERYBODY[2:]
MANAGERS = EVERYBODY[3:]
ADMINS = EVERYBODY[4:]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """A request that an admin may make, and the response that each caller gets: see `expected`.

    `scopes` is None if no token is required.
    """

    name: str
    method: str
    path: str
    scopes: tuple[str, ...] | None
    status: int = 200
    may: tuple[str, ...] = EVERYBODY
    otherwise: str = "not_permitted"
    without: str = "scope_missing"
    free: tuple[str, ...] = ()  # the callers who need no scope
    body: Mapping[str, Any] | None = None
    refused: str | None = None  # the code that even an admin gets, because the world is not empty
    dry: bool = False  # accepts `dry_run`
    guarded: bool = False  # accepts `If-Match`

    @property
    def is_a_blind_write(self) -> bool:
        """Returns True if its scopes allow writing but not reading what is written."""
        return self.scopes in ((WRITE,), (USERS_WRITE,))

    def expected(self, who: str | None, scopes: Collection[str] = ()) -> int | str:
        """Returns the status or the code for a caller whose token has these scopes; no scopes mean all."""
        if self.scopes is None:
            return self.status
        if who is None:
            return "unauthenticated"
        if scopes and who not in self.free and not set(self.scopes) <= set(scopes):
            return self.without
        return (self.refused or self.status) if who in self.may else self.otherwise


def _public(name: str, path: str) -> Operation:
    return Operation(name=name, method="GET", path=path, scopes=None)


def _public_write(name: str, path: str, body: Mapping[str, Any], status: int) -> Operation:
    return Operation(name=name, method="POST", path=path, scopes=None, body=body, status=status)


def _read(name: str, path: str, *scopes: str) -> Operation:
    return Operation(name=name, method="GET", path=path, scopes=scopes)


def _webhook(name: str, method: str, path: str = "", body: Any = None, **more: Any) -> Operation:
    options = {"scopes": ("admin", READ), "may": ADMINS} | more
    return Operation(name=name, method=method, path=f"webhooks{path}", body=body, **options)


def _write(
    name: str, method: str, path: str, body: Mapping[str, Any] | None = None, **more: Any
) -> Operation:
    given = {"scopes": (WRITE,), "dry": True, "guarded": True} | more
    return Operation(name=name, method=method, path=path, body=body, **given)


def _own(
    name: str, method: str, path: str, body: Mapping[str, Any] | None = None, *, dry: bool = False
) -> Operation:
    """A write of what only the caller sees."""
    return Operation(name=name, method=method, path=path, body=body, scopes=(READ, WRITE), dry=dry)


OPERATIONS = (
    _public("get_links", "/"),
    _public("get_health", "/healthz"),
    _public("get_readiness", "/readyz"),
    _read("list_tasks", "tasks", READ),
    _read("get_task", "tasks/{task}", READ),
    _read("list_transitions", "tasks/{task}/transitions", READ),
    _read("list_task_activity", "tasks/{task}/activity", READ),
    _read("list_comments", "tasks/{task}/comments", READ),
    _read("get_comment", "tasks/{task}/comments/{comment}", READ),
    _read("list_activity", "activity", READ),
    _read("get_feed_head", "feed/head", READ),
    _read("list_changes", "changes", READ),
    _read("stream_events", "events", READ),
    _read("get_workflow", "workflow", READ),
    _read("get_stats", "stats", READ),
    _read("get_flow", "stats/flow", READ),
    _read("get_cycle_times", "stats/cycle-times", READ),
    _read("list_labels", "labels", READ),
    _read("list_projects", "projects", READ),
    _read("get_project", "projects/{project}", READ),
    _read("list_users", "users", USERS_READ),
    _read("get_user", "users/{user}", USERS_READ),
    _read("get_me", "users/me"),
    _read("list_inbox", "inbox", READ),
    _read("get_watch", "tasks/{task}/watch", READ),
    _read("get_notifications", "users/me/notifications", READ),
    _read("list_tasks_of_user", "users/{user}/tasks", READ),
    _read("list_tokens", "tokens"),
    _read("list_sessions", "auth/sessions"),
    _public_write("sign_in", "auth/sessions", {"username": "ada", "password": PASSWORD}, 201),
    _public_write("open_link", "auth/links/open", {"link": "{link}"}, 200),
    _public_write("use_link", "auth/links/use", {"link": "{link}", "password": PASSWORD}, 201),
    _read("list_accounts", "auth/accounts"),
    _read("list_methods", "auth/methods"),
    Operation(name="start_oidc", method="GET", path="auth/oidc/start", scopes=None, status=303),
    Operation(name="finish_oidc", method="GET", path="auth/oidc/callback", scopes=None, status=303),
    _write("create_task", "POST", "tasks", {"title": "Plan"}, may=MEMBERS, status=201, guarded=False),
    _write("change_task", "PATCH", "tasks/{task}", {"title": "Plan", "labels": ["a"]}, may=OWN),
    _write("change_status", "PUT", "tasks/{task}/status", {"status": "in_progress"}, may=OWN),
    _write("change_priority", "PUT", "tasks/{task}/priority", {"priority": "high"}, may=OWN),
    _write("assign", "PUT", "tasks/{task}/assignee", {"assignee_id": "{other_user}"}, may=MANAGERS),
    _write("rank_task", "PUT", "tasks/{task}/rank", {"first": True}, may=OWN),
    _write("block", "PUT", "tasks/{task}/blocked-by/{other}", may=OWN),
    _write("unblock", "DELETE", "tasks/{task}/blocked-by/{blocker}", may=OWN),
    _write("bin_task", "DELETE", "tasks/{task}", may=OWN),
    _write("restore_task", "POST", "tasks/{binned}/restore", may=MANAGERS),
    _write(
        "perform", "POST", "tasks/bulk", {"operations": [{"op": "create", "title": "Plan"}]},
        may=MEMBERS, otherwise="refused", guarded=False,
    ),
    _write(
        "create_comment", "POST", "tasks/{task}/comments", {"text": "Soon."},
        may=MEMBERS, status=201, guarded=False,
    ),
    _write("change_comment", "PATCH", "tasks/{task}/comments/{comment}", {"text": "Now."}, may=OWN),
    _write("delete_comment", "DELETE", "tasks/{task}/comments/{comment}", may=OWN),
    _write(
        "create_project", "POST", "projects", {"key": "WEB", "name": "Website"},
        may=MANAGERS, status=201, guarded=False,
    ),
    _write("change_project", "PATCH", "projects/{project}", {"name": "Operations"}, may=MANAGERS),
    _read("list_views", "views", READ),
    _read("get_view", "views/{view}", READ),
    _write("create_view", "POST", "views", {"name": "Mine"}, status=201, guarded=False),
    _write("change_view", "PATCH", "views/{view}", {"name": "Ours"}, may=OWN),
    _write("delete_view", "DELETE", "views/{view}", may=OWN),
    _write(
        "create_user", "POST", "users", {"username": "grace", "name": "Grace"},
        scopes=(USERS_WRITE,), may=ADMINS, status=201, guarded=False,
    ),
    _write(
        "change_user", "PATCH", "users/{user}", {"name": "Ada L."},
        scopes=(USERS_WRITE,), may=("ada", *ADMINS),
    ),
    _own("mark_inbox_read", "POST", "inbox/read", {"up_to": "2026-11-26T20:00:00Z"}),
    _own("watch_task", "PUT", "tasks/{task}/watch"),
    _own("unwatch_task", "DELETE", "tasks/{task}/watch"),
    _own("change_notifications", "PATCH", "users/me/notifications", {"moved": "mail"}, dry=True),
    # No token makes a wider one.
    _write(
        "create_token", "POST", "tokens", {"name": "job", "scopes": [READ]},
        scopes=(READ,), without="not_permitted", may=EVERYBODY, status=201, dry=False, guarded=False,
    ),
    # A token of one's own is somebody else's, and so not there, for the others.
    _write(
        "revoke_token", "DELETE", "tokens/{token}", scopes=("admin",), without="not_found", free=("ada",),
        may=("ada", *ADMINS), otherwise="not_found", status=204, dry=False, guarded=False,
    ),
    _webhook("list_webhooks", "GET"),
    _webhook("create_webhook", "POST", body={"url": "https://hooks.example.org/"}, status=201),
    _webhook("get_webhook", "GET", "/{webhook}"),
    _webhook("change_webhook", "PATCH", "/{webhook}", {"description": "On call"}, dry=True, guarded=True),
    _webhook("delete_webhook", "DELETE", "/{webhook}", status=204),
    _webhook("test_webhook", "POST", "/{webhook}/test"),
    _webhook("rotate_secret", "POST", "/{webhook}/rotate-secret"),
    _webhook("list_deliveries", "GET", "/{webhook}/deliveries"),
    _webhook("redeliver", "POST", "/{webhook}/deliveries/{delivery}/redeliver", status=202),
    _webhook("replay_changes", "POST", "/{webhook}/replay", {"since": 0}, status=202),
    Operation(
        name="create_demo", method="POST", path="demo", scopes=("admin", WRITE, USERS_WRITE), status=201,
        may=ADMINS, refused="database_not_empty",
    ),
    _write(
        "end_session", "DELETE", "auth/sessions/{session}", scopes=("admin",), without="not_found",
        free=("ada",), may=("ada", *ADMINS), otherwise="not_found", status=204, dry=False, guarded=False,
    ),
    _write(
        "link_account", "POST", "auth/accounts", {"next": "/docs"}, scopes=(), dry=False, guarded=False,
    ),
    _write(
        "unlink_account", "DELETE", "auth/accounts/{account}", scopes=("admin",), without="not_found",
        free=("ada",), may=("ada", *ADMINS), otherwise="not_found", status=204, dry=False, guarded=False,
    ),
    _write(
        "change_password", "PUT", "auth/password", {"current_password": PASSWORD, "password": PASSWORD},
        scopes=(), status=204, dry=False, guarded=False,
    ),
    _write(
        "create_link", "POST", "auth/links", {"user_id": "{other_user}"}, scopes=("admin",), may=ADMINS,
        status=201, dry=False, guarded=False,
    ),
)  # fmt: skip
# The same operations where something else in the request decides who may.
MORE = (
    _read("list_users, with tasks", "users?include=tasks", USERS_READ, READ),
    Operation(
        name="list_tokens, somebody's", method="GET", path="tokens?user_id={other_user}",
        scopes=("admin",), may=ADMINS,
    ),
    Operation(
        name="list_sessions, somebody's", method="GET", path="auth/sessions?user_id={other_user}",
        scopes=("admin",), may=ADMINS,
    ),
    _write(
        "create_token, for somebody", "POST", "tokens",
        {"name": "job", "scopes": ["admin"], "user_id": "{other_user}"},
        scopes=("admin",), may=ADMINS, status=201, dry=False,
    ),
    _write(
        "create_task, for oneself", "POST", "tasks", {"title": "x", "assignee_id": "me"},
        may=MEMBERS, status=201,
    ),
    _write(
        "create_task, for somebody", "POST", "tasks", {"title": "x", "assignee_id": "{other_user}"},
        may=MANAGERS, status=201,
    ),
    _write(
        "create_task, urgent", "POST", "tasks", {"title": "x", "priority": "urgent", "reason": "y"},
        may=MEMBERS, status=201,
    ),
    _write(
        "create_task, in a project", "POST", "tasks", {"title": "x", "project": "{project}"},
        may=MEMBERS, status=201,
    ),
    _write("change_task, its project", "PATCH", "tasks/{task}", {"project": "TASK"}, may=OWN),
    _write(
        "change_project, into the archive", "PATCH", "projects/{project}", {"archived": True}, may=MANAGERS
    ),
    _write("change_project, the default", "PATCH", "projects/{project}", {"default": True}, may=ADMINS),
    _write("assign, to oneself", "PUT", "tasks/{other}/assignee", {"assignee_id": "me"}, may=MEMBERS),
    _write("assign, to nobody", "PUT", "tasks/{task}/assignee", {"assignee_id": None}, may=OWN),
    _write("change_task, somebody's", "PATCH", "tasks/{other}", {"title": "x"}, may=MANAGERS),
    _write(
        "change_priority, to urgent", "PUT", "tasks/{task}/priority", {"priority": "urgent", "reason": "x"},
        may=MANAGERS,
    ),
    _write(
        "change_task, overriding", "PATCH", "tasks/{task}",
        {"title": "x", "override": True, "reason": "y"}, may=MANAGERS,
    ),
    _write(
        "change_comment, somebody's", "PATCH", "tasks/{task}/comments/{other_comment}", {"text": "x"},
        may=MANAGERS,
    ),
    _write("delete_comment, somebody's", "DELETE", "tasks/{task}/comments/{other_comment}", may=MANAGERS),
    Operation(
        name="get_view, a private one", method="GET", path="views/{private_view}", scopes=(READ,),
        may=("ada",), otherwise="not_found",
    ),
    _write(
        "change_user, the role", "PATCH", "users/{user}", {"role": "manager"},
        scopes=(USERS_WRITE,), may=ADMINS,
    ),
    _write(
        "change_user, the username", "PATCH", "users/{user}", {"username": "countess"},
        scopes=(USERS_WRITE,), may=ADMINS,
    ),
    _write(
        "change_user, shut out", "PATCH", "users/{user}", {"active": False},
        scopes=(USERS_WRITE,), may=ADMINS,
    ),
    _write(
        "perform, on a task", "POST", "tasks/bulk", {"operations": [{"op": "bin", "id": "{task}"}]},
        may=OWN, otherwise="refused",
    ),
    _write(
        "perform, by query", "POST", "tasks/bulk",
        {"where": {"id": "{task}"}, "change": {"title": "x"}, "expect": 1}, scopes=(WRITE, READ), may=OWN,
        otherwise="refused",
    ),
)  # fmt: skip
BY_NAME = {operation.name: operation for operation in OPERATIONS}
SUCCEEDING = tuple(operation for operation in OPERATIONS if operation.refused is None)
DRY = tuple(operation for operation in OPERATIONS if operation.dry)
GUARDED = tuple(operation for operation in OPERATIONS if operation.guarded)


class World(dict[str, str]):
    """The ids of one entity of each kind, and the keys of tasks, with which every operation succeeds."""

    def fill(self, template: Any) -> Any:
        """Returns a path or a body with ids in place of their names."""
        if isinstance(template, str):
            return template.format_map(self)
        if isinstance(template, Mapping):
            return {name: self.fill(value) for name, value in template.items()}
        return [self.fill(value) for value in template] if isinstance(template, list) else template

    def ask(self, client: Client, operation: Operation, **options: Any) -> Any:
        """Prepares an operation, sends its request and returns the response."""
        self.prepare(client, operation)
        return self.send(client, operation, **options)

    def prepare(self, client: Client, operation: Operation) -> None:
        """Stores what an operation needs besides the world."""
        if operation.name == "change_password" and client.token is not None:
            client.with_password(client.user.username)

    def send(self, client: Client, operation: Operation, **options: Any) -> Any:
        """Sends an operation's request and returns the response."""
        if operation.body is not None:
            options = {"body": self.fill(operation.body)} | options
        return client.open(operation.method, self.fill(operation.path), **options)


def make_world(services: Any) -> World:
    """Creates a task that can be started, its completed blocker, and one entity of every other kind."""
    ada, bertha = (
        services.users.create(by=SYSTEM, username=name, name=name.title()) for name in ("ada", "bertha")
    )

    project = services.projects.create(by=SYSTEM, key="OPS", name="Ops")

    def new_task(**given: Any) -> Task:
        return services.tasks.create(by=SYSTEM, **{"title": "Write", **given})

    started = {"assignee_id": ada.id, "status": "in_progress"}
    blocker = new_task(title="Blocker", **started)
    services.tasks.change_status(blocker.id, status="completed", by=SYSTEM)
    binned = new_task(title="Binned")
    services.tasks.bin(binned.id, by=SYSTEM)
    task = new_task(title="Task", project="OPS", assignee_id=ada.id, blocked_by=[blocker.id])
    other = new_task(title="Other", project="OPS")
    set_password(services, ada.id)
    session = services.sessions.sign_in("ada", PASSWORD, visitor=Visitor()).session
    link = services.links.create(bertha.id, by=SYSTEM)
    return World(
        account=link_account(services, ada),
        session=session.id,
        link=link.text,
        task=task.id,
        task_key=str(task.key),
        blocker=blocker.id,
        blocker_key=str(blocker.key),
        other=other.id,
        other_key=str(other.key),
        binned=binned.id,
        binned_key=str(binned.key),
        user=ada.id,
        other_user=bertha.id,
        comment=services.comments.create(task.id, text="Well.", by=Actor.of(ada)).id,
        project=project.id,
        other_comment=services.comments.create(task.id, text="So.", by=SYSTEM).id,
        token=services.tokens.create(by=SYSTEM, user_id=ada.id, name="laptop").token.id,
        view=services.views.create(name="Ours", shared=True, by=Actor.of(ada)).id,
        private_view=services.views.create(name="Secret", by=Actor.of(ada)).id,
        **make_webhook(services),
    )


def link_account(services: Any, user: User) -> str:
    """Links a new account to a user, and returns its id."""
    account = an_account()
    person = Person(issuer=account.issuer, subject=account.subject)
    return str(services.accounts.link(person, by=Actor.of(user)).id)


def make_webhook(services: Any) -> dict[str, str]:
    """Creates a webhook that has come to the seventh entry of the feed, and a delivery to it."""
    webhook = services.webhooks.create(url="https://hooks.example.org/", by=SYSTEM).webhook
    services.webhooks.store.webhooks.advance(webhook.id, 0, 7)
    # By the real clock, because the database removes old deliveries.
    delivery = new_delivery(webhook.id, 1, "task.created", now=utc_now())
    services.webhooks.store.deliveries.add([delivery])
    return {"webhook": webhook.id, "delivery": delivery.id}
