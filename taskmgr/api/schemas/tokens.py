"""Describes tokens, in requests and responses."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import (
    CompiledOutput,
    Input,
    Moment,
    ParsedList,
    ParsedText,
    Writer,
    id_field,
)
from taskmgr.api.schemas.parameters import parameter
from taskmgr.domain.model import values
from taskmgr.domain.model.token import PARSERS, Scope

_SCOPES = [scope.value for scope in Scope]


class TokenListQuery(Input):
    """The parameter of a list of tokens."""

    user_id = parameter(
        values.identifier,
        pattern=patterns.ID,
        description="The owner, by default the caller. Only admins may name somebody else.",
    )


class TokenIn(Input):
    """A new token. Without scopes it may do whatever its owner's role allows."""

    name = ParsedText(PARSERS["name"], required=True, metadata=patterns.line(values.MAX_TOKEN_NAME_LENGTH))
    scopes = ParsedList(PARSERS["scopes"], {"enum": _SCOPES}, allow_none=True, metadata={"minItems": 1})
    expires_at = ParsedText(
        PARSERS["expires_at"],
        allow_none=True,
        metadata=patterns.MOMENT | {"description": "A date-time with an offset, in the future."},
    )
    user_id = ParsedText(
        values.identifier,
        allow_none=True,
        metadata={
            "pattern": patterns.ID,
            "description": "The owner, by default the caller. Only admins may name somebody else.",
        },
    )


class TokenOut(CompiledOutput):
    """A token without its secret text. If `scopes` is null, it may do whatever its owner's role allows."""

    id = id_field("The token's id.")
    user_id = id_field("The owner's id.")
    name = fields.String(required=True)
    scopes = fields.List(fields.String(metadata={"enum": _SCOPES}), required=True, allow_none=True)
    created_at = Moment(required=True)
    expires_at = Moment(required=True, allow_none=True)
    last_used_at = Moment(required=True, allow_none=True)


class NewTokenOut(TokenOut):
    """A new token, with its secret text, which is shown only here."""

    token = fields.String(required=True)

    _token = TokenOut()

    def writer(self) -> Writer:
        write_token = self._token.writer()

        def write(obj: Any) -> dict[str, Any]:
            return {**write_token(obj.token), "token": obj.text}

        return write
