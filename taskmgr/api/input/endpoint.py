"""What an endpoint takes, as its view is marked: read once, and not with every request."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request

from taskmgr.api.conditional.list_tags import is_conditional
from taskmgr.api.identity.bearer import Reach, reach_of
from taskmgr.api.input.blueprint import takes
from taskmgr.api.input.limits import USUAL, Allowance, allowance_of


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`reach` is None for a public one; `versioned` tells whether an ETag is one thing's version."""

    reach: Reach | None = None
    allowance: Allowance = USUAL
    takes_query: bool = True
    takes_body: bool = True
    versioned: bool = False


# A path that leads nowhere, a method that is not allowed, and OPTIONS: nothing is judged.
_NONE = Endpoint()


def endpoint_of(app: Flask, asked: Request) -> Endpoint:
    """The endpoint that a request asks."""
    rule = asked.url_rule
    if rule is None or asked.method == "OPTIONS":
        return _NONE
    return _read(app.view_functions[rule.endpoint])


@functools.cache
def _read(view: Any) -> Endpoint:
    reach = reach_of(view)
    return Endpoint(
        reach=reach,
        allowance=allowance_of(view),
        takes_query=takes(view, "query"),
        takes_body=takes(view, "json"),
        versioned=reach is not None and not is_conditional(view),  # a list judges for itself
    )
