"""Lets browsers on other sites call the API, if the settings name their origins."""

from __future__ import annotations

import re

from flask import Flask, Response
from flask_cors import CORS

from taskmgr.settings import Settings

EXPOSED_HEADERS = (
    "ETag", "Location", "Retry-After", "X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining",
    "RateLimit-Reset", "Dry-Run", "Idempotent-Replayed",
)  # fmt: skip
_ALLOWED_HEADERS = (
    "Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID",
    "X-Request-Id",
)  # fmt: skip


def register(app: Flask, settings: Settings) -> None:
    """Allows the origins in the settings, which are none by default; never with credentials."""
    if not settings.cors_origins:
        return
    CORS(
        app,
        # Compiled and anchored, because flask-cors treats text with an escaped dot as a pattern, and
        # only matches the beginning of an origin.
        origins=[
            origin if origin == "*" else re.compile(re.escape(origin) + r"\Z", re.IGNORECASE)
            for origin in settings.cors_origins
        ],
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=list(_ALLOWED_HEADERS),
        expose_headers=list(EXPOSED_HEADERS),
        supports_credentials=False,
        vary_header=False,
        max_age=600,
    )

    @app.after_request
    def add_vary(response: Response) -> Response:
        """Keeps caches from serving one origin's response to another, even if neither is allowed."""
        response.vary.add("Origin")
        return response
