"""The settings: the only reader of the environment, complete and checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from environs import Env, EnvError, EnvValidationError

from taskmgr.domain.model.errors import CannotStart

PREFIX = "TASKMGR_"
LOG_FORMATS = ("auto", "json", "text")
_SHORTEST_SECRET = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the environment says, in the program's own types; `docs/running.md` has the table.

    `mongodb_uri` is None for the embedded database in `data_dir`. `rate_limit` is in requests a
    minute and token, 0 for none; `trusted_proxies` is how many proxies in front may name the
    client in `X-Forwarded-For`.
    """

    mongodb_uri: str | None = field(default=None, repr=False)  # it may hold a password
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

    @classmethod
    def from_env(cls) -> Settings:
        """Reads every setting. Raises `CannotStart` naming all mistakes, a line each."""
        env = Env(eager=False)
        read = {}
        for name, (variable, reader) in _READERS.items():
            if PREFIX + variable in os.environ:
                env.add_parser(name, reader)
                read[name] = getattr(env, name)(PREFIX + variable)
        mistakes = _unknown_names()
        try:
            env.seal()
        except EnvValidationError as error:
            mistakes.update(error.error_messages)  # type: ignore[arg-type]
        if mistakes:
            raise CannotStart(_told(mistakes))
        return cls(**read)


def _unknown_names() -> dict[str, list[str]]:
    text = f"There is no such setting; there are: {', '.join(NAMES)}."
    return {name: [text] for name in os.environ if name.startswith(PREFIX) and name not in NAMES}


def _told(mistakes: Mapping[str, list[str]]) -> str:
    lines = (f"{name}: {' '.join(texts)}" for name, texts in sorted(mistakes.items()))
    return "\n".join(["These settings are not usable:", *lines])


def _bind(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise EnvError("Must be HOST:PORT, such as 127.0.0.1:5000.")
    return value


def _origins(value: str) -> tuple[str, ...]:
    origins = tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
    for origin in origins:
        scheme, separator, rest = origin.partition("://")
        if origin != "*" and not (separator and scheme in ("http", "https") and rest and "/" not in rest):
            raise EnvError(f"{origin!r} is no origin: write https://board.example.org, or * for all.")
    return origins


def _time_zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise EnvError(f"{value!r} is no time zone: write UTC or Europe/Berlin.") from error


def _file(value: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_file():
        raise EnvError(f"There is no file {value}.")
    return path


def _folder(value: str) -> Path:
    if not value:
        raise EnvError("Must be a folder.")
    return Path(value).expanduser().absolute()


def _uri(value: str) -> str:
    if not value.startswith(("mongodb://", "mongodb+srv://")):
        raise EnvError("Must begin with mongodb:// or mongodb+srv://.")
    return value


def _default_data_dir() -> Path:
    """The XDG base directory specification's place for a user's data."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "taskmgr"


def _database(value: str) -> str:
    if not value or len(value) > 38 or any(c in '/\\. "$*<>:|?\0' for c in value):
        raise EnvError("Must be a database's name: at most 38 characters, without / \\ . \" $ or spaces.")
    return value


def _secret(value: str) -> str:
    if len(value) < _SHORTEST_SECRET:
        raise EnvError(f"Must be at least {_SHORTEST_SECRET} characters.")
    return value


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not (value.isascii() and value.isdecimal() and least <= int(value) <= most):
            raise EnvError(f"Must be a whole number from {least} to {most}.")
        return int(value)

    return parse


def _log_format(value: str) -> str:
    if value not in LOG_FORMATS:
        raise EnvError(f"Must be one of: {', '.join(LOG_FORMATS)}.")
    return value


# Each setting: the variable behind the prefix, and the reader of its text;
# one that is not set has its default in `Settings`.
_READERS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "mongodb_uri": ("MONGODB_URI", _uri),
    "database": ("DATABASE", _database),
    "data_dir": ("DATA_DIR", _folder),
    "bind": ("BIND", _bind),
    "workers": ("WORKERS", _whole(1, 64)),
    "cors_origins": ("CORS_ORIGINS", _origins),
    "policy": ("POLICY", _file),
    "time_zone": ("TIMEZONE", _time_zone),
    "log_format": ("LOG_FORMAT", _log_format),
    "mongod": ("MONGOD", _file),
    "secret_key": ("SECRET_KEY", _secret),
    "rate_limit": ("RATE_LIMIT", _whole(0, 1_000_000)),
    "trusted_proxies": ("TRUSTED_PROXIES", _whole(0, 10)),
}
NAMES = tuple(PREFIX + variable for variable, _ in _READERS.values())
