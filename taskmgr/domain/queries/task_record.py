"""A task in the form in which it is sent; lists are read in this form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class TaskRecord:
    """A task as an answer shows it. Reading a list as records costs half as much as reading entities.

    `fields` are those of an answer, `category` included: text, numbers and lists of text, instants in the
    form of `format_instant`. They must not be changed, because one record may be part of many answers.
    `json` is a slot in which the API keeps the record's JSON.
    """

    fields: Mapping[str, Any]
    json: Any = None

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]
