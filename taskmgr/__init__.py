"""A task-management service for internal teams.

A script begins here:

    import taskmgr

    with taskmgr.connect() as services:
        ada = services.actor("ada")
        services.tasks.create(title="Write the report", by=ada)
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from taskmgr.version import __version__

if TYPE_CHECKING:
    from taskmgr.domain.services import Services

__all__ = ["__version__", "connect"]


def connect() -> AbstractContextManager[Services]:
    """The services, over the database that the `TASKMGR_…` settings name.

    Beside a running service this joins its database; otherwise the database is started, and
    stopped at the end. Raises `taskmgr.domain.errors.CannotStart` where that cannot be done.
    """
    from taskmgr.bootstrap import open_services
    from taskmgr.settings import Settings

    return open_services(Settings.from_env())
