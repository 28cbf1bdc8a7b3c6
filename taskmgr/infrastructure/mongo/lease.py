"""A lease that one process at a time holds, by the clock of the database's server."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors

LEASE_SECONDS = 25  # others try every three seconds, so one takes over within 30
# Each renewal is a write, after which the next request of every list reads it anew. An idle server writes
# to its oplog every ten seconds anyway.
RENEWAL_SECONDS = 10.0

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_IS_EXPIRED: dict[str, Any] = {"$lte": ["$until", "$$NOW"]}
_UNTIL = {"$add": ["$$NOW", LEASE_SECONDS * 1000]}


@raises_domain_errors
class Lease:
    """The lease of a name. A process that is killed leaves it to others after `LEASE_SECONDS`.

    `holder` identifies the process, or several of which one runs at a time.
    """

    def __init__(self, database: Database[Any], name: str, *, holder: str | None = None) -> None:
        self._leases: Collection[Any] = database.get_collection(
            "leases", write_concern=WriteConcern("majority")
        )
        self._name = name
        self._holder = holder or secrets.token_hex(8)

    def acquire(self) -> bool:
        """Takes or renews the lease; returns False if another process holds it."""
        row = self._leases.find_one({"_id": self._name}, {"holder": True, "expired": _IS_EXPIRED})
        if row is None:
            return self._insert()
        if row["holder"] != self._holder and not row["expired"]:
            return False  # without an attempt to write
        free = {"_id": self._name, "$or": [{"holder": self._holder}, {"$expr": _IS_EXPIRED}]}
        taken = {"holder": {"$literal": self._holder}, "until": _UNTIL}
        return self._leases.update_one(free, [{"$set": taken}]).matched_count == 1

    def _insert(self) -> bool:
        """Stores the first lease, which the next call takes by the server's clock."""
        try:
            self._leases.insert_one({"_id": self._name, "holder": self._holder, "until": _LONG_AGO})
        except DuplicateKeyError:  # another process has stored it meanwhile
            return False
        return self.acquire()

    def release(self) -> None:
        """Lets another process take the lease at once."""
        held = {"_id": self._name, "holder": self._holder}
        self._leases.update_one(held, {"$set": {"until": _LONG_AGO}})
