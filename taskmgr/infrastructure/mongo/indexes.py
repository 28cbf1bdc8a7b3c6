"""Compares the declared indexes with those of the database, and updates them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mongoengine import Document
from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from taskmgr.infrastructure.mongo.documents import DOCUMENTS

_INDEX_NOT_FOUND = 27


def update_indexes(database: Database[Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Creates missing indexes and drops stale ones; returns their names as (created, dropped)."""
    created: list[str] = []
    dropped: list[str] = []
    for document in DOCUMENTS:
        collection = database[document._meta["collection"]]
        for name in stale_indexes(collection, document):
            _drop(collection, name)
            dropped.append(f"{collection.name}.{name}")
        missing = missing_indexes(collection, document)
        if missing:
            collection.create_indexes(missing)
            created += [f"{collection.name}.{index.document['name']}" for index in missing]
    return tuple(created), tuple(dropped)


def describe_wrong_indexes(database: Database[Any]) -> Iterator[str]:
    """Yields a sentence for each index that `update_indexes` would create or drop."""
    for document in DOCUMENTS:
        collection = database[document._meta["collection"]]
        for index in missing_indexes(collection, document):
            yield f"The index {collection.name}.{index.document['name']} is missing"
        for name in stale_indexes(collection, document):
            yield f"The index {collection.name}.{name} is not the declared one"


def declared_indexes(document: type[Document]) -> Mapping[str, IndexModel]:
    """Returns the indexes that a document declares, by name."""
    models = {}
    for spec in document._meta["index_specs"]:
        options = {name: value for name, value in spec.items() if name not in ("fields", "cls")}
        models[options["name"]] = IndexModel(spec["fields"], **options)
    return models


def missing_indexes(collection: Collection[Any], document: type[Document]) -> list[IndexModel]:
    """Returns the declared indexes that the collection lacks."""
    existing = collection.index_information()
    return [index for name, index in declared_indexes(document).items() if name not in existing]


def stale_indexes(collection: Collection[Any], document: type[Document]) -> list[str]:
    """Returns the names of indexes that are not declared or differ from their declaration."""
    declared = declared_indexes(document)
    return [
        name
        for name, existing in collection.index_information().items()
        if name != "_id_" and (name not in declared or not _is_same(existing, declared[name]))
    ]


def _is_same(existing: Mapping[str, Any], declared: IndexModel) -> bool:
    expected = declared.document
    options = ("unique", "partialFilterExpression", "expireAfterSeconds", "sparse", "collation", "hidden")
    return list(existing["key"]) == list(expected["key"].items()) and all(
        existing.get(name) == expected.get(name) for name in options
    )


def _drop(collection: Collection[Any], name: str) -> None:
    try:
        collection.drop_index(name)
    except OperationFailure as error:  # dropped by another machine meanwhile
        if error.code != _INDEX_NOT_FOUND:
            raise
