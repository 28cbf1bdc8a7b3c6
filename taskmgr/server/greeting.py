"""Builds the text that the service prints once it is ready."""

from __future__ import annotations

from dataclasses import dataclass, field

from taskmgr.domain.services.first_user import FIRST_USERNAME


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstUser:
    """How the first user, who has just been created, gets in: by a token, and by a link."""

    token: str = field(repr=False)
    link: str = field(repr=False)


def build_greeting(address: str, first: FirstUser | None, admin: str | None) -> str:
    """Returns what the person who started the service can do next.

    `address` is the URL of the service without a path. `first` is None if the first user was created earlier.
    `admin` is the username of an active admin, or None if no admin is active.
    """
    lines = [f"The service is running on {address} (documentation: {address}/docs)."]
    if admin is None:
        return "\n".join([*lines, "No admin is active. Make one: taskmgr users set-role NAME admin"])
    if first is None:
        return "\n".join([*lines, f"Create a token to call it with: taskmgr tokens create --user {admin}"])
    return "\n".join(
        [
            *lines,
            f"Sign in as {FIRST_USERNAME} and choose a password, once and within an hour:",
            f"  {first.link}",
            f"The first user is {FIRST_USERNAME}. Its token, shown only once: {first.token}",
            "Try it:",
            f"  curl -H 'Authorization: Bearer {first.token}' -H 'Content-Type: application/json' "
            f"""-d '{{"title": "My first task"}}' {address}/api/v1/tasks""",
        ]
    )
