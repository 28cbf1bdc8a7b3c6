"""Lists the public error codes, which clients may rely on, and the exception that names one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskmgr.domain.model.errors import FieldError


@dataclass(frozen=True, slots=True)
class Kind:
    """The HTTP status of a code, its title, and what it means."""

    status: int
    title: str
    meaning: str


CODES: Mapping[str, Kind] = {
    "malformed": Kind(400, "Malformed request", "The JSON, the query or a header cannot be read."),
    "unauthenticated": Kind(401, "Not authenticated", "A valid bearer token or session is required."),
    "wrong_credentials": Kind(
        401,
        "Wrong username or password",
        "The username or the password is wrong, or the user is deactivated or has no password.",
    ),
    "not_permitted": Kind(403, "Not permitted", "The caller's role does not allow this."),
    "scope_missing": Kind(403, "Scope missing", "The token lacks a scope that this request requires."),
    "recent_sign_in_required": Kind(
        403, "Sign in again", "The session is too old for this request, whose effect would outlast it."
    ),
    "cross_site": Kind(
        403, "Request from another site", "A browser has sent a session's cookie for another site's page."
    ),
    "not_found": Kind(404, "Not found", "The path or entity does not exist, or the caller may not see it."),
    "method_not_allowed": Kind(
        405,
        "Method not allowed",
        "The path does not support this method; the header Allow lists the methods that it supports.",
    ),
    "request_timeout": Kind(
        408, "Request timeout", "The body did not arrive in time; the connection is closed."
    ),
    "refused": Kind(409, "Refused by the rules", "Rules forbid this command; `reasons` lists all of them."),
    "username_taken": Kind(409, "Username taken", "Another user has this username."),
    "email_taken": Kind(409, "E-mail address taken", "Another user has this e-mail address."),
    "project_key_taken": Kind(409, "Project key taken", "Another project has this key."),
    "view_name_taken": Kind(409, "Name of a view taken", "Another view of this user has this name."),
    "too_many_views": Kind(409, "Too many views", "The user has as many saved views as are possible."),
    "database_not_empty": Kind(
        409, "Database not empty", "The demo is only created in a database without tasks."
    ),
    "already_assigned": Kind(409, "Already assigned", "The task is assigned to somebody else."),
    "idempotency_in_progress": Kind(
        409, "Still in progress", "Another request with this Idempotency-Key is still in progress."
    ),
    "unexpected_count": Kind(
        409, "Unexpected count", "The query matches `count` tasks, not the expected number."
    ),
    "resync_required": Kind(
        410,
        "Resync required",
        "The feed does not have this position; `head` is its end. A backup was restored, or the position is "
        "that of another database.",
    ),
    "link_unusable": Kind(410, "Link not usable", "The sign-in link is unknown, expired, used or replaced."),
    "stale": Kind(
        412, "Stale version", "The version is not the current one; `current` is the current state."
    ),
    "too_large": Kind(413, "Too large", "The body is larger than this endpoint accepts."),
    "transaction_too_large": Kind(
        413,
        "Transaction too large",
        "The database cannot make so many changes at once; nothing was changed. Send fewer operations.",
    ),
    "unsupported_media_type": Kind(
        415, "Unsupported media type", "The body must be JSON in UTF-8, with the matching Content-Type."
    ),
    "invalid": Kind(422, "Invalid values", "Some values are not acceptable; `errors` lists them."),
    "idempotency_mismatch": Kind(
        422, "Key used before", "This Idempotency-Key was used for a different request."
    ),
    "dependency_failed": Kind(
        424, "Dependency failed", "The operation refers to a task whose creation in the same bulk failed."
    ),
    "too_many_requests": Kind(
        429,
        "Too many requests",
        "The token or session made too many requests; wait as many seconds as Retry-After says.",
    ),
    "too_many_attempts": Kind(
        429,
        "Too many attempts",
        "Too many passwords have been wrong; wait as many seconds as Retry-After says.",
    ),
    "internal": Kind(500, "Internal error", "The service failed; quote the request id when reporting it."),
    "unavailable": Kind(503, "Unavailable", "The database did not answer in time; try again later."),
}


class ApiError(Exception):
    """A failure that the API detects itself, before it calls a service."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        super().__init__(detail)

    @classmethod
    def malformed(cls, location: str, detail: str) -> ApiError:
        """Returns the error for one place of the request that cannot be read, such as `header.If-Match`."""
        name = location.partition(".")[2]
        error = FieldError(location=location, code="malformed", detail=detail)
        return cls("malformed", f"{name}: {detail}" if name else detail, errors=[error])
