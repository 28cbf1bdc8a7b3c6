"""`ProjectRepository` on the collection `projects`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pymongo
from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from taskmgr.domain.model.errors import NotFound, ProjectKeyTaken
from taskmgr.domain.model.project import NextKey, Project
from taskmgr.domain.model.values import is_identifier, stored_reference
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.client import COMMAND_DEADLINE, renewing_connections
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.reads import keyset
from taskmgr.infrastructure.mongo.reads.keyset import Filter
from taskmgr.infrastructure.mongo.transaction import current_transaction
from taskmgr.infrastructure.mongo.writing import insert, replace

_BY_KEY = [("key", 1), ("_id", 1)]


@raises_domain_errors
class MongoProjectRepository:
    def __init__(self, database: Database[Any], *, deadline: float = COMMAND_DEADLINE) -> None:
        self._deadline = deadline
        self._projects = database["projects"]
        self._keys: dict[str, str] = {}  # by id and key, for ever: projects stay, and so do their keys
        # A single number does not wait for a majority: if a failover loses it, the unique index refuses the
        # second task that gets it, and that one takes another number (docs/decisions/0029).
        self._counters = database.get_collection("projects", write_concern=WriteConcern(w=1))

    def get(self, reference: str | None) -> Project:
        row = self._projects.find_one(_selector(reference))
        if row is None:
            raise NotFound("project", reference or "default")
        return mappers.project(row)

    def get_many(self, keys: Collection[str]) -> Mapping[str, Project]:
        known = _known_projects()
        missing = [key for key in keys if key not in known]
        rows = self._projects.find({"key": {"$in": missing}}) if missing else ()
        known.update((project.key, project) for project in map(mappers.project, rows))
        return {key: known[key] for key in keys if key in known}

    def find_keys(self, references: Collection[str]) -> Mapping[str, str]:
        # A transaction may be rolled back, and with it a project that it has created.
        known = self._keys if current_transaction() is None else dict(self._keys)
        stored = {reference: stored_reference(reference) for reference in references}
        missing = [reference for reference in set(stored.values()) if reference not in known]
        if missing:
            ids = [ObjectId(reference) for reference in missing if is_identifier(reference)]
            filters = {"$or": [{"key": {"$in": missing}}, {"_id": {"$in": ids}}]}
            for row in self._projects.find(filters, {"key": True}):
                known[row["key"]] = known[str(row["_id"])] = row["key"]
        return {given: known[reference] for given, reference in stored.items() if reference in known}

    def find(self, page_request: PageRequest, *, archived: bool | None = None) -> Page[Project]:
        filters: Filter = {} if archived is None else {"archived_at": {"$ne" if archived else "$eq": None}}
        return keyset.page(self._projects, filters, _BY_KEY, page_request, mappers.project)

    def add(self, project: Project) -> None:
        try:
            insert(self._projects, mappers.project_document(project, last_number=0))
        except DuplicateKeyError as error:
            raise ProjectKeyTaken(project.key) from error

    def replace(self, project: Project) -> None:
        replace(self._projects, mappers.project_document(project))
        _known_projects().pop(project.key, None)

    def next_key(self, reference: str | None) -> NextKey | None:
        with self._own_session() as session:
            row = self._projects.find_one(_selector(reference), session=session)
        if row is None:
            return None
        return NextKey(mappers.project(row), row.get("last_number", 0) + 1, taken=False)

    def take_keys(self, reference: str | None, count: int = 1) -> tuple[NextKey, ...]:
        raised = {"$inc": {"last_number": count}}
        counters = self._counters if count == 1 else self._projects
        with self._own_session() as session:
            row = counters.find_one_and_update(
                _selector(reference), raised, return_document=True, session=session
            )
        if row is None:
            return ()
        project, last = mappers.project(row), row["last_number"]
        return tuple(NextKey(project, number) for number in range(last - count + 1, last + 1))

    def return_keys(self, keys: Sequence[NextKey]) -> None:
        if not keys or not keys[0].taken:
            return
        unchanged = {"_id": ObjectId(keys[0].project.id), "last_number": keys[-1].number}
        lower = {"$inc": {"last_number": -len(keys)}}
        with self._own_session() as session:
            self._counters.update_one(unchanged, lower, session=session)

    @contextmanager
    def _own_session(self) -> Iterator[ClientSession]:
        """Yields a session for calls that take part in no transaction, even while a command is running."""
        client = self._projects.database.client
        with (
            pymongo.timeout(self._deadline),
            renewing_connections(client),
            client.start_session(causal_consistency=False) as session,
        ):
            yield session


def _selector(reference: str | None) -> Filter:
    if reference is None:
        return {"is_default": True}
    return {"_id": ObjectId(reference)} if is_identifier(reference) else {"key": stored_reference(reference)}


def _known_projects() -> dict[str, Project]:
    """Returns the projects that the running transaction has read, by key; outside of one, an empty dict."""
    transaction = current_transaction()
    return {} if transaction is None else transaction.projects
