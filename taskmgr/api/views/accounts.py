"""`/auth/oidc` and `/auth/accounts`: signing in at the identity provider, and linked accounts.

A browser walks through these endpoints, so failures lead to the page for signing in, which explains them.
"""

from __future__ import annotations

import hmac
import re
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Response, request

from taskmgr.api.identity.cookies import Errand, Headers
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.input.limits import go_on_after_waiting
from taskmgr.api.problems.codes import ApiError
from taskmgr.api.problems.responses import problem_response
from taskmgr.api.request_state import actor, current_request, identity
from taskmgr.api.runtime import current_runtime, services
from taskmgr.api.schemas.accounts import (
    HOME,
    AccountListQuery,
    AccountOut,
    CallbackQuery,
    LinkStartIn,
    LinkStartOut,
    SignInMethodsOut,
    StartQuery,
)
from taskmgr.api.schemas.pages import items_of
from taskmgr.domain.model.account import Person
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.model.token import Scope
from taskmgr.domain.ports.identity_provider import IdentityProvider, NotSignedIn, Reason

accounts = Blueprint(
    "accounts", __name__, url_prefix="/api/v1/auth", description="Signing in at an identity provider"
)
Accounts = items_of(AccountOut, "Accounts")

SIGN_IN_PAGE = "/sign-in"
_ERROR = re.compile(r"[a-z_]{1,50}")
_DENIED = "access_denied"
_log = structlog.get_logger("taskmgr.sign_in")


@accounts.get("/oidc/start")
@accounts.query(StartQuery)
@accounts.response(303)
def start_oidc(params: dict[str, Any]) -> Any:
    """Go to the identity provider to sign in

    For browsers. The provider sends the browser to `/auth/oidc/callback`, from where it goes on to `next`.
    """
    current_runtime().own_origin.refuse_others(current_request())
    url, attempt = _provider().begin()
    errand = Errand(attempt=attempt, next=params["next"], user_id=params["user_id"])
    return _redirect(url, current_runtime().cookies.for_errand(errand))


@accounts.get("/oidc/callback")
@accounts.query(CallbackQuery)
@accounts.response(303)
def finish_oidc(params: dict[str, Any]) -> Any:
    """Come back from the identity provider

    For browsers. Signs in, or links the account if the browser was sent for that, and goes on to the page
    that was named at the start. If that fails, it goes to `/sign-in`, which says why.
    """
    provider, cookies = _provider(), current_runtime().cookies
    errand = cookies.errand_of(current_request())
    if errand is None:
        raise NotSignedIn(Reason.EXPIRED, "The browser has no cookie of an attempt.")
    person = _identify(provider, errand, params)
    visitor = cookies.visitor_of(current_request())
    if errand.links:
        _link(person, errand.user_id, visitor)
        return _redirect(errand.next, cookies.without_errand())
    new = services().accounts.sign_in(person, visitor=visitor, only=errand.user_id)
    return _redirect(errand.next, [*cookies.for_session(new, visitor), *cookies.without_errand()])


def _identify(provider: IdentityProvider, errand: Errand, params: dict[str, Any]) -> Person:
    """Returns the person for whom the provider answers."""
    state = (params["state"] or "").encode()
    if not hmac.compare_digest(state, errand.attempt.state.encode()):
        raise NotSignedIn(Reason.INVALID, "The state is not that of the browser's attempt.")
    provider.require_issuer(params["iss"])
    if params["error"] is not None:
        name = params["error"] if _ERROR.fullmatch(params["error"]) else "unknown"
        reason = Reason.DENIED if name == _DENIED else Reason.FAILED
        raise NotSignedIn(reason, f"The provider answers with the error {name}.")
    if params["code"] is None:
        raise NotSignedIn(Reason.INVALID, "The provider has given no code.")
    person = provider.finish(errand.attempt, params["code"])
    go_on_after_waiting()  # the provider is responsible for this time, not the store
    return person


def _link(person: Person, user_id: str | None, visitor: Visitor) -> None:
    """Links the account if the browser still has a session of the user who began to link it."""
    caller = services().sessions.identify(visitor.session)
    if caller is None or caller.user.id != user_id:
        raise NotSignedIn(Reason.EXPIRED, "The session of the user who began to link has ended.")
    services().accounts.link(person, by=caller.actor)


@accounts.errorhandler(NotSignedIn)
def explain(error: NotSignedIn) -> Response:
    """Sends the browser to the page for signing in, which says why nobody is signed in.

    A script that has called for a URL gets a problem instead.
    """
    _log.warning("nobody was signed in by the identity provider", reason=error.reason, detail=error.detail)
    if current_request().method == "POST":
        return problem_response("unavailable", "The identity provider cannot be used at the moment.")
    errand = current_runtime().cookies.errand_of(current_request())
    target = f"{SIGN_IN_PAGE}#{urlencode({'problem': error.reason, **_going_on(errand)})}"
    return _redirect(target, current_runtime().cookies.without_errand())


def _going_on(errand: Errand | None) -> dict[str, str]:
    """Returns what the page for signing in has to know to go on with an errand."""
    if errand is None:
        return {}
    going_on = {} if errand.next == HOME else {"next": errand.next}
    if errand.links:
        return {**going_on, "linking": "yes"}
    return going_on if errand.user_id is None else {**going_on, "user_id": errand.user_id}


@accounts.post("/accounts")
@requires_scopes()
@accounts.body(LinkStartIn)
@accounts.response(200, LinkStartOut)
def link_account(body: dict[str, Any]) -> Any:
    """Begin to link an account at the identity provider to the caller

    For browsers. Send the browser to `url`; once it has come back, its user can sign in with the account.
    """
    services().accounts.require_linking(actor())
    url, attempt = _provider().begin()
    errand = Errand(attempt=attempt, next=body["next"], user_id=identity().user.id, links=True)
    return {"url": url}, current_runtime().cookies.for_errand(errand)


def _names_another_user() -> bool:
    return any(key != identity().user.id for key in request.args.getlist("user_id"))


@accounts.get("/methods")
@requires_scopes()
@accounts.response(200, SignInMethodsOut)
def list_methods() -> Any:
    """Show how the caller can sign in"""
    return services().accounts.methods(by=actor())


@accounts.get("/accounts")
@requires_scopes(sometimes={Scope.ADMIN: _names_another_user})
@accounts.query(AccountListQuery)
@accounts.response(200, Accounts)
def list_accounts(params: dict[str, Any]) -> Any:
    """List the caller's linked accounts, or as an admin those of another user"""
    return services().accounts.list(params["user_id"], by=actor())


@accounts.delete("/accounts/<account_id>")
@requires_scopes()
@accounts.response(204)
def unlink_account(account_id: str) -> Any:
    """End the link to an account, and all sessions of its user"""
    services().accounts.end(account_id, by=actor())
    return Response(status=204)


def _provider() -> IdentityProvider:
    provider = services().accounts.provider
    if provider is None:
        raise ApiError("not_found", "No identity provider is configured: see TASKMGR_OIDC_ISSUER.")
    return provider


def _redirect(target: str, headers: Headers) -> Response:
    return Response(status=303, headers=[("Location", target), *headers])
