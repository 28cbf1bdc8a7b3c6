"""Describes webhooks in requests and responses."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import (
    CompiledOutput,
    EnumName,
    Input,
    Moment,
    ParsedBoolean,
    ParsedInteger,
    ParsedList,
    ParsedText,
    Writer,
    id_field,
)
from taskmgr.api.schemas.task_bodies import version
from taskmgr.domain.history.changes import ENTITIES, KINDS
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.webhook import (
    ALL_KINDS,
    MAX_URL_LENGTH,
    MAX_WEBHOOK_DESCRIPTION,
    Disabled,
    parsers,
)
from taskmgr.domain.services.webhooks.replays import MAX_SEQ, REPLAY_PARSERS

_PARSERS = parsers(KINDS)
KIND_FILTERS = (ALL_KINDS, *(f"{entity}.*" for entity in ENTITIES), *KINDS)
_KINDS = {"enum": list(KIND_FILTERS)}
_SEQ = {"minimum": 0, "maximum": MAX_SEQ}


def _url(**options: bool) -> ParsedText:
    return ParsedText(
        _PARSERS["url"],
        metadata={
            "maxLength": MAX_URL_LENGTH,
            "pattern": r"^\s*[Hh][Tt][Tt][Pp][Ss]?://[!$%&'()*+,./0-9:;=?A-Z\[\]_a-z~-]+\s*$",
            "description": "An http or https URL with a public address, or one that the settings permit.",
        },
        **options,
    )


def _description() -> ParsedText:
    pattern = patterns.LABEL_PREFIX["pattern"]
    metadata = {"maxLength": MAX_WEBHOOK_DESCRIPTION, "pattern": pattern}
    return ParsedText(_PARSERS["description"], allow_none=True, metadata=metadata)


def _kinds() -> ParsedList:
    return ParsedList(
        _PARSERS["kinds"],
        _KINDS,
        metadata={"minItems": 1, "description": "Kinds of changes, such as `task.*`; `*` stands for all."},
    )


def _project() -> ParsedText:
    return ParsedText(
        _PARSERS["project"],
        allow_none=True,
        metadata={
            "pattern": patterns.PROJECT,
            "description": "The key or id of the only project whose changes are sent; null for all.",
        },
    )


def _active() -> ParsedBoolean:
    return ParsedBoolean(
        _PARSERS["active"],
        metadata={"description": "While false, nothing is sent; afterwards it goes on where it stopped."},
    )


class WebhookIn(Input):
    """A new webhook. It gets the changes from now on that its creator may see."""

    url = _url(required=True)
    description = _description()
    kinds = _kinds()
    project = _project()
    active = _active()


class WebhookPatch(Input):
    """Changes of a webhook: an absent field stays as it is."""

    url = _url()
    description = _description()
    kinds = _kinds()
    project = _project()
    active = _active()
    version = version()


class ReplayIn(Input):
    """Which changes to send again: those after the number `since`, up to `until`."""

    since = ParsedInteger(REPLAY_PARSERS["since"], required=True, strict=True, metadata=_SEQ)
    until = ParsedInteger(REPLAY_PARSERS["until"], allow_none=True, strict=True, metadata=_SEQ)


class ReplayOut(CompiledOutput):
    """A replay in progress: the changes after the number `since`, up to `until`, are still to be sent."""

    since = fields.Integer(required=True, attribute="after")
    until = fields.Integer(required=True)


class WebhookOut(CompiledOutput):
    """A webhook, without its secret."""

    id = id_field("The webhook's id.")
    url = fields.String(required=True)
    description = fields.String(required=True)
    kinds = fields.List(fields.String(metadata=_KINDS), required=True)
    project = fields.String(required=True, allow_none=True, metadata={"pattern": patterns.STORED_PROJECT_KEY})
    active = fields.Boolean(required=True)
    disabled_because = EnumName(
        required=True,
        allow_none=True,
        metadata={
            "enum": [*(each.value for each in Disabled), None],
            "description": "Why the service has disabled it: the receiver answered 410, there were only "
            "failures for five days, or its creator was deactivated.",
        },
    )
    scopes = fields.List(
        fields.String(metadata={"enum": [scope.value for scope in Scope]}),
        required=True,
        allow_none=True,
        metadata={"description": "The scopes of the token with which it was created, or null for all."},
    )
    secret_changed_at = Moment(required=True)
    created_by = fields.String(required=True, metadata={"description": "A user's id, or `system:…`."})
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


class WebhookRowOut(WebhookOut):
    """A webhook with how far it has come."""

    position = fields.Integer(
        required=True, metadata={"description": "The number of the last change that was considered."}
    )
    failing_since = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Since when no attempt has succeeded; null after a success."},
    )
    replay = fields.Nested(ReplayOut, required=True, allow_none=True)

    _webhook = WebhookOut()
    _replay = ReplayOut()

    def writer(self) -> Writer:
        write_webhook, write_replay = self._webhook.writer(), self._replay.writer()

        def write(obj: Any) -> dict[str, Any]:
            return {
                **write_webhook(obj.webhook),
                "position": obj.position,
                "failing_since": obj.failing_since,
                "replay": None if obj.replay is None else write_replay(obj.replay),
            }

        return write


def _secret() -> fields.String:
    metadata = {"pattern": "^whsec_[A-Za-z0-9+/]{43}=$", "description": "Verifies its messages."}
    return fields.String(required=True, metadata=metadata)


class SecretOut(CompiledOutput):
    """The new secret of a webhook, which is shown only here."""

    secret = _secret()
    former_until = Moment(
        required=True, metadata={"description": "Until then, messages are signed with the former one, too."}
    )


class NewWebhookOut(WebhookOut):
    """A new webhook, with its secret, which is shown only here."""

    secret = _secret()

    _webhook = WebhookOut()

    def writer(self) -> Writer:
        write_webhook = self._webhook.writer()

        def write(obj: Any) -> dict[str, Any]:
            return {**write_webhook(obj.webhook), "secret": obj.secret}

        return write
