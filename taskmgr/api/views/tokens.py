"""`/tokens`: the bearer tokens of users."""

from __future__ import annotations

from typing import Any

from flask import request

from taskmgr.api.identity.scopes import ensure_scopes, requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor, identity
from taskmgr.api.runtime import services
from taskmgr.api.schemas.pages import items_of
from taskmgr.api.schemas.tokens import NewTokenOut, TokenIn, TokenListQuery, TokenOut
from taskmgr.domain.model.token import Scope

tokens = Blueprint("tokens", __name__, url_prefix="/api/v1/tokens", description="Bearer tokens")

Tokens = items_of(TokenOut, "Tokens")


def _names_another_user() -> bool:
    return any(key != identity().user.id for key in request.args.getlist("user_id"))


@tokens.get("")
@requires_scopes(sometimes={Scope.ADMIN: _names_another_user})
@tokens.query(TokenListQuery)
@tokens.response(200, Tokens)
def list_tokens(params: dict[str, Any]) -> Any:
    """List the caller's tokens, or as an admin those of another user"""
    return services().tokens.list(params["user_id"], by=actor())


@tokens.post("")
@requires_scopes()
@tokens.body(TokenIn)
@tokens.response(201, NewTokenOut)
def create_token(body: dict[str, Any]) -> Any:
    """Create a token

    Only this response shows its secret text. A token cannot create one with more scopes.
    """
    if body.get("user_id") not in (None, identity().user.id):
        ensure_scopes({Scope.ADMIN.value})
    return services().tokens.create(**body, by=actor())


@tokens.delete("/<token_id>")
@requires_scopes()
@tokens.response(204)
def revoke_token(token_id: str) -> None:
    """Revoke a token

    `token_id` is its id or its secret text.
    """
    services().tokens.revoke(token_id, by=actor())
