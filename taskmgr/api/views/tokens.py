"""`/tokens`: how programs get in."""

from __future__ import annotations

from typing import Any

from flask import request

from taskmgr.api.identity.bearer import require_scopes, takes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.runtime import actor, identity, services
from taskmgr.api.schemas.others import items_of
from taskmgr.api.schemas.queries import TokenListQuery
from taskmgr.api.schemas.users import NewTokenOut, TokenIn, TokenOut
from taskmgr.domain.model.token import Scope

tokens = Blueprint("tokens", __name__, url_prefix="/api/v1/tokens", description="Bearer tokens")

Tokens = items_of(TokenOut, "Tokens")


def _of_somebody_else() -> bool:
    return any(key != identity().user.id for key in request.args.getlist("user_id"))


@tokens.get("")
@takes(also={Scope.ADMIN: _of_somebody_else})
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
    if given.get("user_id") not in (None, identity().user.id):
        require_scopes({Scope.ADMIN.value})
    return services().tokens.create(**given, by=actor())


@tokens.delete("/<token_id>")
@takes()
@tokens.response(204)
def revoke_token(token_id: str) -> None:
    """Revoke a token

    By its id, or by the token itself.
    """
    services().tokens.revoke(token_id, by=actor())
