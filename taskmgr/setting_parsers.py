"""Parses the values of settings; an error says what a value must look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from environs import EnvError

from taskmgr.domain.model.user import Role

LOG_FORMATS = ("auto", "json", "text")
_MIN_SECRET_LENGTH = 32
_SMTP_FORM = "Must be smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ if the server needs them."
_PUBLIC_FORM = "Must be the address at which people reach the service, such as https://tasks.example.org."
_MAIL_ADDRESS = re.compile(r"[^\s@<>\"]+@[A-Za-z0-9.-]+")
_ISSUER_FORM = "Must be the https:// address that the provider calls its issuer, without a query."
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z0-9-]+")
# An identity provider must not be able to make admins.
_NEWCOMER_ROLES = (Role.VIEWER.value, Role.MEMBER.value, Role.MANAGER.value)
ALL_DOMAINS = "*"
_MAX_DATABASE_NAME = 38  # characters, the limit of Atlas's free clusters; MongoDB itself allows 63


def address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise EnvError("Must be HOST:PORT, such as 127.0.0.1:5000.")
    return value


def origins(value: str) -> tuple[str, ...]:
    parts = tuple(part.rstrip("/") for part in _parts(value))
    for origin in parts:
        scheme, separator, rest = origin.partition("://")
        if origin != "*" and not (separator and scheme in ("http", "https") and rest and "/" not in rest):
            raise EnvError(f"{origin!r} is not an origin such as https://board.example.org, or * for all.")
    return parts


def time_zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise EnvError(f"{value!r} is not a time zone such as UTC or Europe/Berlin.") from error


def file(value: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_file():
        raise EnvError(f"{value!r} is not a file.")
    return path


def folder(value: str) -> Path:
    if not value:
        raise EnvError("Must be the path of a folder.")
    return Path(value).expanduser().absolute()


def uri(value: str) -> str:
    if not value.startswith(("mongodb://", "mongodb+srv://")):
        raise EnvError("Must begin with mongodb:// or mongodb+srv://.")
    return value


def database(value: str) -> str:
    if not value or len(value) > _MAX_DATABASE_NAME or any(c in '/\\. "$*<>:|?\0' for c in value):
        raise EnvError(
            f"Must be 1 to {_MAX_DATABASE_NAME} characters long. "
            'Spaces and the characters / \\ . " $ * < > : | ? are not allowed.'
        )
    return value


def secret(value: str) -> str:
    if len(value) < _MIN_SECRET_LENGTH:
        raise EnvError(f"Must be at least {_MIN_SECRET_LENGTH} characters.")
    return value


def integer(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not (value.isascii() and value.isdecimal() and minimum <= int(value) <= maximum):
            raise EnvError(f"Must be a whole number from {minimum} to {maximum}.")
        return int(value)

    return parse


def networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(_network(part) for part in _parts(value))


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise EnvError(f"{text!r} is not a network such as 10.20.0.0/16 or fd12:3456::/32.") from error


def ports(value: str) -> tuple[int, ...]:
    parse, parts = integer(1, 65535), _parts(value)
    if not parts:
        raise EnvError("Must have at least one port, such as 443.")
    return tuple(sorted({parse(part) for part in parts}))


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def smtp_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise EnvError(_SMTP_FORM) from None
    has_more = parts.path not in ("", "/") or parts.query or parts.fragment
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not port_is_valid or has_more:
        raise EnvError(_SMTP_FORM)
    return value


def mail_address(value: str) -> str:
    address = parseaddr(value)[1]
    if not _MAIL_ADDRESS.fullmatch(address) or not value.isprintable():
        raise EnvError("Must be an address such as tasks@example.org or Tasks <tasks@example.org>.")
    return value


def public_url(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        raise EnvError(_PUBLIC_FORM) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise EnvError(_PUBLIC_FORM)
    return value.rstrip("/")


def log_format(value: str) -> str:
    if value not in LOG_FORMATS:
        raise EnvError(f"Must be one of: {', '.join(LOG_FORMATS)}.")
    return value


def issuer(value: str) -> str:
    """Parses the address of an identity provider; plain HTTP is acceptable on this machine only."""
    try:
        parts = urlsplit(value)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS)
    except ValueError:
        raise EnvError(_ISSUER_FORM) from None
    if not is_safe or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise EnvError(_ISSUER_FORM)
    return value


def line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise EnvError("Must be a line of text.")
    return value.strip()


def domains(value: str) -> tuple[str, ...]:
    names = tuple(part.lower() for part in _parts(value))
    for name in names:
        if name != ALL_DOMAINS and not _DOMAIN.fullmatch(name):
            raise EnvError(f"{name!r} is not a domain such as example.org, or * for all.")
    if not names:
        raise EnvError("Must have at least one domain such as example.org, or * for all.")
    return names


def newcomer_role(value: str) -> Role:
    if value not in _NEWCOMER_ROLES:
        raise EnvError(f"Must be one of: {', '.join(_NEWCOMER_ROLES)}.")
    return Role(value)
