"""`/tokens`: how programs get in."""

from __future__ import annotations

from typing import Any

from taskmgr.api.blueprint import Blueprint
from taskmgr.api.context import actor, services
from taskmgr.api.identity import takes
from taskmgr.api.schemas.others import items_of
from taskmgr.api.schemas.queries import TokenListQuery
from taskmgr.api.schemas.users import NewTokenOut, TokenIn, TokenOut

tokens = Blueprint("tokens", __name__, url_prefix="/api/v1/tokens", description="Bearer tokens")

Tokens = items_of(TokenOut, "Tokens")


@tokens.get("")
@takes()
@tokens.query(TokenListQuery)
@tokens.response(200, Tokens)
def list_tokens(query: dict[str, Any]) -> Any:
    """List one's own tokens, or as an admin somebody's"""
    return services().tokens.list(query["user_id"], by=actor())


@tokens.post("")
@takes()
@tokens.body(TokenIn)
@tokens.response(201, NewTokenOut)
def create_token(given: dict[str, Any]) -> Any:
    """Create a token

    Its secret text is in the answer, this once. No token makes a wider one.
    """
    return services().tokens.create(**given, by=actor())


@tokens.delete("/<token_id>")
@takes()
@tokens.response(204)
def revoke_token(token_id: str) -> None:
    """Revoke a token"""
    services().tokens.revoke(token_id, by=actor())
