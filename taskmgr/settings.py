"""Reads the settings from the environment, and checks them all before anything starts.

No other module of the package reads the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from environs import Env, EnvError, EnvValidationError

from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.session import SessionLimits

PREFIX = "TASKMGR_"
LOG_FORMATS = ("auto", "json", "text")
_MIN_SECRET_LENGTH = 32
_SMTP_FORM = "Must be smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ if the server needs them."
_PUBLIC_FORM = "Must be the address at which people reach the service, such as https://tasks.example.org."
_MAIL_ADDRESS = re.compile(r"[^\s@<>\"]+@[A-Za-z0-9.-]+")
_MAX_DATABASE_NAME = 38  # characters, the limit of Atlas's free clusters; MongoDB itself allows 63


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings with their defaults; `docs/running.md` describes each.

    `mongodb_uri` is None for the embedded database in `data_dir`. `rate_limit` is the number of requests
    per minute and token, 0 for no limit. `trusted_proxies` is the number of proxies in front of the service
    whose entries in `X-Forwarded-For` are believed. `outgoing_networks` may be called by webhooks although
    their addresses are not public, and `outgoing_ports` are the only ports that may. Mails are sent through
    the server `smtp_url`, if it is set, by `mail_from`; links in them begin with `public_url`,
    the address that browsers show. A session ends after `session_idle_hours` without a request, and after
    `session_days`.
    """

    mongodb_uri: str | None = field(default=None, repr=False)  # it may contain a password
    database: str = "taskmgr"
    data_dir: Path = field(default_factory=lambda: _default_data_dir())
    bind: str = "127.0.0.1:5000"
    workers: int = 2
    cors_origins: tuple[str, ...] = ()
    policy: Path | None = None
    time_zone: tzinfo = UTC
    log_format: str = "auto"
    mongod: Path | None = None
    secret_key: str | None = field(default=None, repr=False)
    rate_limit: int = 600
    trusted_proxies: int = 0
    outgoing_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    outgoing_ports: tuple[int, ...] = (80, 443)
    smtp_url: str | None = field(default=None, repr=False)  # it may contain a password
    mail_from: str | None = None
    public_url: str | None = None
    session_idle_hours: int = 8
    session_days: int = 7

    @property
    def session_limits(self) -> SessionLimits:
        """Returns how long sessions last."""
        idle, absolute = timedelta(hours=self.session_idle_hours), timedelta(days=self.session_days)
        return SessionLimits(idle=idle, absolute=absolute)

    @classmethod
    def from_env(cls) -> Settings:
        """Returns the settings of the environment.

        Raises `CannotStart` with a line for each unknown name and each invalid value.
        """
        env = Env(eager=False)
        values = {}
        for name, (variable, parse) in _PARSERS.items():
            if PREFIX + variable in os.environ:
                env.add_parser(name, parse)
                values[name] = getattr(env, name)(PREFIX + variable)
        errors = _unknown_names()
        try:
            env.seal()
        except EnvValidationError as error:
            errors.update(error.error_messages)  # type: ignore[arg-type]
        if values.get("smtp_url") and not values.get("mail_from"):
            errors.setdefault(f"{PREFIX}MAIL_FROM", ["Must be set if TASKMGR_SMTP_URL is."])
        if errors:
            raise CannotStart(_message(errors))
        return cls(**values)


def _unknown_names() -> dict[str, list[str]]:
    text = f"Unknown setting. The settings are: {', '.join(NAMES)}."
    return {name: [text] for name in os.environ if name.startswith(PREFIX) and name not in NAMES}


def _message(errors: Mapping[str, list[str]]) -> str:
    lines = (f"{name}: {' '.join(texts)}" for name, texts in sorted(errors.items()))
    return "\n".join(["Invalid settings:", *lines])


def _address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise EnvError("Must be HOST:PORT, such as 127.0.0.1:5000.")
    return value


def _origins(value: str) -> tuple[str, ...]:
    origins = tuple(part.rstrip("/") for part in _parts(value))
    for origin in origins:
        scheme, separator, rest = origin.partition("://")
        if origin != "*" and not (separator and scheme in ("http", "https") and rest and "/" not in rest):
            raise EnvError(f"{origin!r} is not an origin such as https://board.example.org, or * for all.")
    return origins


def _time_zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise EnvError(f"{value!r} is not a time zone such as UTC or Europe/Berlin.") from error


def _file(value: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_file():
        raise EnvError(f"{value!r} is not a file.")
    return path


def _folder(value: str) -> Path:
    if not value:
        raise EnvError("Must be the path of a folder.")
    return Path(value).expanduser().absolute()


def _uri(value: str) -> str:
    if not value.startswith(("mongodb://", "mongodb+srv://")):
        raise EnvError("Must begin with mongodb:// or mongodb+srv://.")
    return value


def _default_data_dir() -> Path:
    """Returns the folder for a user's data: https://specifications.freedesktop.org/basedir-spec/latest/"""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "taskmgr"


def _database(value: str) -> str:
    if not value or len(value) > _MAX_DATABASE_NAME or any(c in '/\\. "$*<>:|?\0' for c in value):
        raise EnvError(
            f"Must be 1 to {_MAX_DATABASE_NAME} characters long. "
            'Spaces and the characters / \\ . " $ * < > : | ? are not allowed.'
        )
    return value


def _secret(value: str) -> str:
    if len(value) < _MIN_SECRET_LENGTH:
        raise EnvError(f"Must be at least {_MIN_SECRET_LENGTH} characters.")
    return value


def _integer(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not (value.isascii() and value.isdecimal() and minimum <= int(value) <= maximum):
            raise EnvError(f"Must be a whole number from {minimum} to {maximum}.")
        return int(value)

    return parse


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(_network(part) for part in _parts(value))


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise EnvError(f"{text!r} is not a network such as 10.20.0.0/16 or fd12:3456::/32.") from error


def _ports(value: str) -> tuple[int, ...]:
    parse, parts = _integer(1, 65535), _parts(value)
    if not parts:
        raise EnvError("Must have at least one port, such as 443.")
    return tuple(sorted({parse(part) for part in parts}))


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _smtp_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise EnvError(_SMTP_FORM) from None
    has_more = parts.path not in ("", "/") or parts.query or parts.fragment
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not port_is_valid or has_more:
        raise EnvError(_SMTP_FORM)
    return value


def _mail_address(value: str) -> str:
    address = parseaddr(value)[1]
    if not _MAIL_ADDRESS.fullmatch(address) or not value.isprintable():
        raise EnvError("Must be an address such as tasks@example.org or Tasks <tasks@example.org>.")
    return value


def _public_url(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        raise EnvError(_PUBLIC_FORM) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise EnvError(_PUBLIC_FORM)
    return value.rstrip("/")


def _log_format(value: str) -> str:
    if value not in LOG_FORMATS:
        raise EnvError(f"Must be one of: {', '.join(LOG_FORMATS)}.")
    return value


# The environment variable of each setting, without the prefix, and the function that parses its value.
_PARSERS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "mongodb_uri": ("MONGODB_URI", _uri),
    "database": ("DATABASE", _database),
    "data_dir": ("DATA_DIR", _folder),
    "bind": ("BIND", _address),
    "workers": ("WORKERS", _integer(1, 64)),
    "cors_origins": ("CORS_ORIGINS", _origins),
    "policy": ("POLICY", _file),
    "time_zone": ("TIMEZONE", _time_zone),
    "log_format": ("LOG_FORMAT", _log_format),
    "mongod": ("MONGOD", _file),
    "secret_key": ("SECRET_KEY", _secret),
    "rate_limit": ("RATE_LIMIT", _integer(0, 1_000_000)),
    "trusted_proxies": ("TRUSTED_PROXIES", _integer(0, 10)),
    "outgoing_networks": ("OUTGOING_NETWORKS", _networks),
    "outgoing_ports": ("OUTGOING_PORTS", _ports),
    "smtp_url": ("SMTP_URL", _smtp_url),
    "mail_from": ("MAIL_FROM", _mail_address),
    "public_url": ("PUBLIC_URL", _public_url),
    "session_idle_hours": ("SESSION_IDLE_HOURS", _integer(1, 720)),
    "session_days": ("SESSION_DAYS", _integer(1, 90)),
}
NAMES = tuple(PREFIX + variable for variable, _ in _PARSERS.values())
