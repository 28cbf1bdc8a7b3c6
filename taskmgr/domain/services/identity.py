"""Recognises the texts that identify callers, and describes the caller that one of them identifies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from taskmgr.domain.model import values
from taskmgr.domain.model.session import Session
from taskmgr.domain.model.token import Token
from taskmgr.domain.model.user import Actor, User

TOKEN, SESSION, LINK = "tm", "tms", "tml"
USE_RECORDED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller that a token or a session identifies: its owner, as an actor with its scopes."""

    actor: Actor
    user: User
    credential: Token | Session


def text_of(prefix: str, entity_id: str, secret: str) -> str:
    """Returns the text that identifies its holder."""
    return f"{prefix}_{entity_id}_{secret}"


def parts_of(prefix: str, text: str) -> tuple[str, str]:
    """Returns the id and the secret in a text with this prefix, or two empty texts for any other text."""
    found, _, rest = text.partition("_")
    entity_id, _, secret = rest.partition("_")
    return (entity_id, secret) if found == prefix and values.is_identifier(entity_id) else ("", "")
