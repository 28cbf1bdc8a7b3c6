"""Describes accounts at the identity provider, and signing in with them, in requests and responses."""

from __future__ import annotations

import re
from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import CompiledOutput, Input, Moment, Output, ParsedText, id_field
from taskmgr.api.schemas.parameters import parameter
from taskmgr.domain.model import values
from taskmgr.domain.model.parsing import BadValue

HOME = "/"
_MAX_PATH = 500
# One slash, and no backslash, space or control character: browsers would read `//` and `/\` as another host.
_PATH_PATTERN = r"^/(?![/\\])[!-\[\]-~]*$"
_PATH = re.compile(_PATH_PATTERN)
_MAX_PROVIDED = 4_096


def local_path(text: object) -> str:
    """Parses the path of a page of this service. Raises `BadValue`."""
    if not isinstance(text, str) or len(text) > _MAX_PATH or not _PATH.fullmatch(text):
        detail = f"Must be a path of this service, such as /docs, of at most {_MAX_PATH} characters."
        raise BadValue("bad_path", detail)
    return text


def _provided(description: str) -> fields.Field[Any]:
    return parameter(
        lambda value: values.text(value, max_length=_MAX_PROVIDED),
        description=description,
        **patterns.text(_MAX_PROVIDED),
    )


_NEXT: dict[str, Any] = {
    "pattern": _PATH_PATTERN,
    "maxLength": _MAX_PATH,
    "description": "The page to go on to, a path of this service.",
}


class StartQuery(Input):
    """Where to go after signing in, and who has to sign in."""

    next = parameter(local_path, HOME, **_NEXT, default=HOME)
    user_id = parameter(
        values.identifier,
        pattern=patterns.ID,
        description="The user who signs in again: nobody else is signed in.",
    )


class CallbackQuery(Input):
    """What the identity provider has given to the browser. Its other parameters have no meaning here."""

    class Meta:
        unknown = ma.EXCLUDE

    code = _provided("What the ID token is exchanged for.")
    state = _provided("What was sent to the provider as `state`.")
    iss = _provided("The provider's issuer.")
    error = _provided("Why the provider signs nobody in.")


class LinkStartIn(Input):
    """Where to go after the account has been linked."""

    next = ParsedText(local_path, load_default=HOME, metadata=_NEXT)


class LinkStartOut(Output):
    """Where to send the browser, which also needs the cookie of the response."""

    url = fields.String(required=True)


class AccountListQuery(Input):
    """The parameter of a list of accounts."""

    user_id = parameter(
        values.identifier,
        pattern=patterns.ID,
        description="The owner, by default the caller. Only admins may name somebody else.",
    )


class SignInMethodsOut(CompiledOutput):
    """How the caller can sign in."""

    password = fields.Boolean(required=True, metadata={"description": "Whether the caller has a password."})
    provider = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The identity provider of this service, or null if it has none."},
    )
    is_linked = fields.Boolean(
        required=True,
        metadata={"description": "Whether the caller has linked an account of this provider."},
    )


class AccountOut(CompiledOutput):
    """An account at the identity provider, linked to a user."""

    id = id_field("The id of the linked account.")
    user_id = id_field("The id of the user who signs in with it.")
    issuer = fields.String(required=True, metadata={"description": "The provider's issuer."})
    subject = fields.String(required=True, metadata={"description": "What the provider calls the account."})
    created_at = Moment(required=True)
