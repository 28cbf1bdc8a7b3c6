"""The declared indexes against those that a collection has."""

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
    """Makes what is missing and drops what is stale; the names of both, as (made, dropped)."""
    made: list[str] = []
    dropped: list[str] = []
    for document in DOCUMENTS:
        collection = database[document._meta["collection"]]
        for name in stale_indexes(collection, document):
            _drop(collection, name)
            dropped.append(f"{collection.name}.{name}")
        missing = missing_indexes(collection, document)
        if missing:
            collection.create_indexes(missing)
            made += [f"{collection.name}.{index.document['name']}" for index in missing]
    return tuple(made), tuple(dropped)


def describe_wrong_indexes(database: Database[Any]) -> Iterator[str]:
    """What `update_indexes` would mend, each in a sentence."""
    for document in DOCUMENTS:
        collection = database[document._meta["collection"]]
        for index in missing_indexes(collection, document):
            yield f"The index {collection.name}.{index.document['name']} is missing"
        for name in stale_indexes(collection, document):
            yield f"The index {collection.name}.{name} is not the declared one"


def declared_indexes(document: type[Document]) -> Mapping[str, IndexModel]:
    """The indexes that a document declares, by name."""
    models = {}
    for spec in document._meta["index_specs"]:
        options = {name: value for name, value in spec.items() if name not in ("fields", "cls", "sparse")}
        models[options["name"]] = IndexModel(spec["fields"], **options)
    return models


def missing_indexes(collection: Collection[Any], document: type[Document]) -> list[IndexModel]:
    """The declared indexes that the collection lacks."""
    there = collection.index_information()
    return [index for name, index in declared_indexes(document).items() if name not in there]


def stale_indexes(collection: Collection[Any], document: type[Document]) -> list[str]:
    """The names of indexes that are not declared, or differ from their declaration."""
    declared = declared_indexes(document)
    return [
        name
        for name, there in collection.index_information().items()
        if name != "_id_" and (name not in declared or not _same(there, declared[name]))
    ]


def _same(there: Mapping[str, Any], declared: IndexModel) -> bool:
    wanted = declared.document
    options = ("unique", "partialFilterExpression", "expireAfterSeconds", "sparse", "collation", "hidden")
    return list(there["key"]) == list(wanted["key"].items()) and all(
        there.get(name) == wanted.get(name) for name in options
    )


def _drop(collection: Collection[Any], name: str) -> None:
    try:
        collection.drop_index(name)
    except OperationFailure as error:  # another machine was quicker
        if error.code != _INDEX_NOT_FOUND:
            raise
