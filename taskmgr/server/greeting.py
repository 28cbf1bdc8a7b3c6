"""Builds the text that the service prints once it is ready."""

from __future__ import annotations

from taskmgr.domain.services.first_user import FIRST_USERNAME


def build_greeting(address: str, token: str | None, admin: str | None) -> str:
    """Returns what the person who started the service can do next.

    `address` is the URL of the service without a path. `token` is that of the first user, or None if the user
    was created earlier. `admin` is the username of an active admin, or None if no admin is active.
    """
    lines = [f"The service is running on {address} (documentation: {address}/docs)."]
    if admin is None:
        return "\n".join([*lines, "No admin is active. Make one: taskmgr users set-role NAME admin"])
    if token is None:
        return "\n".join([*lines, f"Create a token to call it with: taskmgr tokens create --user {admin}"])
    return "\n".join(
        [
            *lines,
            f"The first user is {FIRST_USERNAME}. Its token, shown only once: {token}",
            "Try it:",
            f"  curl -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' "
            f"""-d '{{"title": "My first task"}}' {address}/api/v1/tasks""",
        ]
    )
