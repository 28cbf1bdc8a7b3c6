"""Reads the settings from the environment, and checks them all before anything starts.

No other module of the package reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from environs import Env, EnvError, EnvValidationError

from taskmgr import setting_parsers as parsers
from taskmgr.domain.model.account import Admission
from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.session import SessionLimits
from taskmgr.domain.model.user import Role

PREFIX = "TASKMGR_"
_OTLP_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
DEFAULT_METRICS_BIND = "127.0.0.1:9464"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings with their defaults; `docs/running.md` describes each.

    `mongodb_uri` is None for the embedded database in `data_dir`. `metrics_bind` is the address for
    Prometheus, or None for no metrics. `rate_limit` is the number of requests per minute and token, 0 for
    no limit. `trusted_proxies` is the number of proxies in front of the service whose entries in
    `X-Forwarded-For` are believed. `outgoing_networks` may be called by webhooks although their addresses
    are not public, and `outgoing_ports` are the only ports that may. Mails are sent through the server
    `smtp_url`, if it is set, by `mail_from`; links in them begin with `public_url`, the address that
    browsers show. A session ends after `session_idle_hours` without a request, and after
    `session_days`. `traces_exporter` is where traces are sent to, by the variables of OpenTelemetry: `otlp`,
    `console`, or None for no traces. People can sign in at the OpenID Connect provider `oidc_issuer`, if it
    is set, with e-mail addresses in `oidc_allowed_domains`; `oidc_role` is the role of those who come for the
    first time.
    """

    mongodb_uri: str | None = field(default=None, repr=False)  # it may contain a password
    database: str = "taskmgr"
    data_dir: Path = field(default_factory=lambda: _default_data_dir())
    bind: str = "127.0.0.1:5000"
    metrics_bind: str | None = DEFAULT_METRICS_BIND
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
    traces_exporter: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    oidc_allowed_domains: tuple[str, ...] = ()
    oidc_role: Role | None = None

    @property
    def session_limits(self) -> SessionLimits:
        """Returns how long sessions last."""
        idle, absolute = timedelta(hours=self.session_idle_hours), timedelta(days=self.session_days)
        return SessionLimits(idle=idle, absolute=absolute)

    @property
    def admission(self) -> Admission:
        """Returns whom the identity provider may let in."""
        domains = self.oidc_allowed_domains
        is_open = not domains or parsers.ALL_DOMAINS in domains
        return Admission(domains=None if is_open else frozenset(domains), role=self.oidc_role)

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
        for variable, detail in _missing(values):
            errors.setdefault(variable, [detail])
        try:
            values["traces_exporter"] = _traces_exporter()
        except EnvError as error:
            errors["OTEL_TRACES_EXPORTER"] = [str(error)]
        if errors:
            raise CannotStart(_message(errors))
        return cls(**values)


def _traces_exporter() -> str | None:
    """Returns the exporter that the standard variables choose; without any of them, there are no traces.

    They are described at https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    name = os.environ.get("OTEL_TRACES_EXPORTER")
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or name == "none":
        return None
    if not name:
        return "otlp" if any(os.environ.get(variable) for variable in _OTLP_ENDPOINTS) else None
    if name not in ("otlp", "console"):
        raise EnvError("Must be otlp, console or none.")
    return name


def _missing(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yields the variables that other settings require, each with the reason."""
    for given, required in _REQUIRED_BY:
        if values.get(given) and required not in values:
            yield PREFIX + _PARSERS[required][0], f"Must be set if {PREFIX}{_PARSERS[given][0]} is."


def _unknown_names() -> dict[str, list[str]]:
    text = f"Unknown setting. The settings are: {', '.join(NAMES)}."
    return {name: [text] for name in os.environ if name.startswith(PREFIX) and name not in NAMES}


def _message(errors: Mapping[str, list[str]]) -> str:
    lines = (f"{name}: {' '.join(texts)}" for name, texts in sorted(errors.items()))
    return "\n".join(["Invalid settings:", *lines])


def _default_data_dir() -> Path:
    """Returns the folder for a user's data: https://specifications.freedesktop.org/basedir-spec/latest/"""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "taskmgr"


# The environment variable of each setting, without the prefix, and the function that parses its value.
_PARSERS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "mongodb_uri": ("MONGODB_URI", parsers.uri),
    "database": ("DATABASE", parsers.database),
    "data_dir": ("DATA_DIR", parsers.folder),
    "bind": ("BIND", parsers.address),
    "metrics_bind": ("METRICS_BIND", lambda value: parsers.address(value) if value else None),
    "workers": ("WORKERS", parsers.integer(1, 64)),
    "cors_origins": ("CORS_ORIGINS", parsers.origins),
    "policy": ("POLICY", parsers.file),
    "time_zone": ("TIMEZONE", parsers.time_zone),
    "log_format": ("LOG_FORMAT", parsers.log_format),
    "mongod": ("MONGOD", parsers.file),
    "secret_key": ("SECRET_KEY", parsers.secret),
    "rate_limit": ("RATE_LIMIT", parsers.integer(0, 1_000_000)),
    "trusted_proxies": ("TRUSTED_PROXIES", parsers.integer(0, 10)),
    "outgoing_networks": ("OUTGOING_NETWORKS", parsers.networks),
    "outgoing_ports": ("OUTGOING_PORTS", parsers.ports),
    "smtp_url": ("SMTP_URL", parsers.smtp_url),
    "mail_from": ("MAIL_FROM", parsers.mail_address),
    "public_url": ("PUBLIC_URL", parsers.public_url),
    "session_idle_hours": ("SESSION_IDLE_HOURS", parsers.integer(1, 720)),
    "session_days": ("SESSION_DAYS", parsers.integer(1, 90)),
    "oidc_issuer": ("OIDC_ISSUER", parsers.issuer),
    "oidc_client_id": ("OIDC_CLIENT_ID", parsers.line),
    "oidc_client_secret": ("OIDC_CLIENT_SECRET", parsers.line),
    "oidc_allowed_domains": ("OIDC_ALLOWED_DOMAINS", parsers.domains),
    "oidc_role": ("OIDC_ROLE", parsers.newcomer_role),
}
# Pairs of a setting and another one that it requires.
_REQUIRED_BY = (
    ("smtp_url", "mail_from"),
    ("oidc_issuer", "public_url"),
    ("oidc_issuer", "oidc_client_id"),
    ("oidc_issuer", "oidc_client_secret"),
    ("oidc_client_id", "oidc_issuer"),
    ("oidc_client_secret", "oidc_issuer"),
    ("oidc_allowed_domains", "oidc_issuer"),
    ("oidc_role", "oidc_issuer"),
    ("oidc_role", "oidc_allowed_domains"),
)
NAMES = tuple(PREFIX + variable for variable, _ in _PARSERS.values())
