"""Describes signing in, sessions and sign-in links, in requests and responses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import CompiledOutput, Input, Moment, ParsedText, Writer, id_field
from taskmgr.api.schemas.parameters import parameter
from taskmgr.domain.model import values
from taskmgr.domain.model.password import MAX_LENGTH, MAX_TYPED_LENGTH, MIN_LENGTH, typed_password
from taskmgr.domain.model.session import Session

_MAX_TYPED_NAME = 100
_MAX_LINK_LENGTH = 200
_TYPED = {"format": "password", "maxLength": MAX_TYPED_LENGTH}


def _typed_line(max_length: int) -> ParsedText:
    return ParsedText(
        lambda value: values.text(value, max_length=max_length),
        required=True,
        metadata={"maxLength": max_length},
    )


def _new_password() -> ParsedText:
    description = (
        f"{MIN_LENGTH} to {MAX_LENGTH} characters, neither the username nor a password that many people use."
    )
    return ParsedText(typed_password, required=True, metadata=_TYPED | {"description": description})


class SignInIn(Input):
    """A username, in any case, and the user's password."""

    username = _typed_line(_MAX_TYPED_NAME)
    password = ParsedText(typed_password, required=True, metadata=_TYPED)


class PasswordChangeIn(Input):
    """The present password of the caller, and a new one."""

    current_password = ParsedText(typed_password, required=True, metadata=_TYPED)
    password = _new_password()


class LinkIn(Input):
    """The user for whom a sign-in link is made."""

    user_id = ParsedText(
        values.identifier, required=True, metadata={"pattern": patterns.ID, "description": "The user's id."}
    )


class LinkTextIn(Input):
    """The text of a sign-in link: `tml_…`, what follows the `#` in its address."""

    link = _typed_line(_MAX_LINK_LENGTH)


class LinkUseIn(LinkTextIn):
    """A sign-in link, and the password that its user chooses."""

    password = _new_password()


class SessionListQuery(Input):
    """The parameter of a list of sessions."""

    user_id = parameter(
        values.identifier,
        pattern=patterns.ID,
        description="The owner, by default the caller. Only admins may name somebody else.",
    )


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session, and whether the request was made with it."""

    session: Session
    current: bool


class SessionOut(CompiledOutput):
    """A session without its secret. `user_agent` and `address` are those of the browser when it began."""

    id = id_field("The session's id.")
    user_id = id_field("The owner's id.")
    user_agent = fields.String(required=True)
    address = fields.String(required=True)
    created_at = Moment(required=True)
    last_used_at = Moment(required=True, metadata={"description": "Recorded once a minute."})
    expires_at = Moment(required=True)
    current = fields.Boolean(
        required=True, metadata={"description": "Whether this request was made with it."}
    )

    def writer(self) -> Writer:
        write_session = CompiledOutput.writer(_WITHOUT_CURRENT)

        def write(obj: Any) -> dict[str, Any]:
            return {**write_session(obj.session), "current": obj.current}

        return write


class NewLinkOut(CompiledOutput):
    """A new sign-in link. Append `path` to the address of the service; it is shown only here."""

    id = id_field("The link's id.")
    user_id = id_field("The id of the user whom it is for.")
    created_at = Moment(required=True)
    expires_at = Moment(required=True)
    path = fields.String(required=True)

    def writer(self) -> Writer:
        write_link = CompiledOutput.writer(_WITHOUT_PATH)

        def write(obj: Any) -> dict[str, Any]:
            return {**write_link(obj.link), "path": obj.path}

        return write


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom a link is for, as its holder may know."""

    username: str
    name: str
    expires_at: datetime


class InvitationOut(CompiledOutput):
    """Whom a sign-in link is for, and until when it works."""

    username = fields.String(required=True)
    name = fields.String(required=True)
    expires_at = Moment(required=True)


# What the writers add is no attribute of a session or a link.
_WITHOUT_CURRENT = SessionOut(exclude=("current",))
_WITHOUT_PATH = NewLinkOut(exclude=("path",))
