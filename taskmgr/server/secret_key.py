"""Loads the secret key that signs cursors, or creates it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from tempfile import NamedTemporaryFile

from taskmgr.domain.model.errors import CannotStart
from taskmgr.settings import Settings

_FILE_NAME = "secret_key"


def load_secret_key(settings: Settings) -> str:
    """Returns the secret key of the settings, or else the one in the data folder, created on first use.

    Raises `CannotStart` if the database is not the embedded one and no key is set, because the service may
    then run on several machines, which need the same key.
    """
    if settings.secret_key is not None:
        return settings.secret_key
    if settings.mongodb_uri is not None:
        raise CannotStart(
            "TASKMGR_SECRET_KEY: Must be set if TASKMGR_MONGODB_URI is. Set it to the same 32 or more random "
            "characters for every process of the service."
        )
    file = settings.data_dir / _FILE_NAME
    if not file.exists():
        # Written to another file and then linked, so that no other process reads an incomplete key.
        with NamedTemporaryFile("w", dir=settings.data_dir) as new, suppress(FileExistsError):
            new.write(secrets.token_urlsafe(32))
            new.flush()
            os.link(new.name, file)
    return file.read_text("ascii")
