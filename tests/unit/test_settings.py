"""The settings: defaults, every reader at its edges, and all mistakes at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.user import Role
from taskmgr.settings import NAMES, Settings

Read = Callable[..., Settings]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads the settings from an environment that has only these: `read(BIND="127.0.0.1:1")`."""
    for name in list(os.environ):
        if name.startswith("TASKMGR_") or name == "XDG_DATA_HOME":
            monkeypatch.delenv(name)

    def from_env(**values: str) -> Settings:
        for name, value in values.items():
            monkeypatch.setenv(f"TASKMGR_{name}", value)
        return Settings.from_env()

    return from_env


def mistakes(read: Read, **values: str) -> list[str]:
    with pytest.raises(CannotStart) as caught:
        read(**values)
    first, *lines = str(caught.value).splitlines()
    assert first == "Invalid settings:"
    return lines


def test_without_an_environment_there_are_defaults(read: Read) -> None:
    assert read() == Settings(
        mongodb_uri=None,
        database="taskmgr",
        data_dir=Path("~/.local/share/taskmgr").expanduser(),
        bind="127.0.0.1:5000",
        workers=2,
        cors_origins=(),
        policy=None,
        time_zone=UTC,
        log_format="auto",
        mongod=None,
        secret_key=None,
        rate_limit=600,
        trusted_proxies=0,
        outgoing_networks=(),
        outgoing_ports=(80, 443),
        smtp_url=None,
        mail_from=None,
        public_url=None,
    )


def test_every_setting_has_a_name_in_the_environment() -> None:
    standard = {"traces_exporter"}  # has the variables of OpenTelemetry

    assert len(NAMES) == len({field.name for field in fields(Settings)} - standard)


@pytest.mark.parametrize(
    ("variables", "exporter"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_SERVICE_NAME": "tasks"}, None),
    ],
)
def test_the_standard_variables_decide_whether_traces_are_sent(
    variables: dict[str, str], exporter: str | None, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert read().traces_exporter == exporter


def test_the_data_folder_follows_xdg(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert read().data_dir == Path("/data/taskmgr")


def test_every_setting_is_read(read: Read, tmp_path: Path) -> None:
    policy, mongod = tmp_path / "policy.toml", tmp_path / "mongod"
    policy.touch()
    mongod.touch()
    assert read(
        MONGODB_URI="mongodb+srv://u:p@cluster.example.org/tasks",
        DATABASE="team",
        DATA_DIR="/srv/taskmgr",
        BIND="[::1]:8080",
        WORKERS="8",
        CORS_ORIGINS=" https://board.example.org/, http://localhost:3000 ",
        POLICY=str(policy),
        TIMEZONE="Europe/Berlin",
        LOG_FORMAT="json",
        MONGOD=str(mongod),
        SECRET_KEY="s" * 32,
        RATE_LIMIT="0",
        TRUSTED_PROXIES="1",
        OUTGOING_NETWORKS="10.20.0.0/16, fd12::/32,127.0.0.1",
        OUTGOING_PORTS="8443,443, 443",
        SMTP_URL="smtps://ada:p%40ss@mail.example.org:465",
        MAIL_FROM="Tasks <tasks@example.org>",
        PUBLIC_URL="https://example.org/tasks/",
        OIDC_ISSUER="https://id.example.org/",
        OIDC_CLIENT_ID=" taskmgr ",
        OIDC_CLIENT_SECRET="s3cret",
        OIDC_ALLOWED_DOMAINS="Example.org, b.example.com",
        OIDC_ROLE="member",
    ) == Settings(
        mongodb_uri="mongodb+srv://u:p@cluster.example.org/tasks",
        database="team",
        data_dir=Path("/srv/taskmgr"),
        bind="[::1]:8080",
        workers=8,
        cors_origins=("https://board.example.org", "http://localhost:3000"),
        policy=policy,
        time_zone=ZoneInfo("Europe/Berlin"),
        log_format="json",
        mongod=mongod,
        secret_key="s" * 32,
        rate_limit=0,
        trusted_proxies=1,
        outgoing_networks=(ip_network("10.20.0.0/16"), ip_network("fd12::/32"), ip_network("127.0.0.1/32")),
        outgoing_ports=(443, 8443),
        smtp_url="smtps://ada:p%40ss@mail.example.org:465",
        mail_from="Tasks <tasks@example.org>",
        public_url="https://example.org/tasks",
        oidc_issuer="https://id.example.org/",
        oidc_client_id="taskmgr",
        oidc_client_secret="s3cret",
        oidc_allowed_domains=("example.org", "b.example.com"),
        oidc_role=Role.MEMBER,
    )


OIDC = {
    "PUBLIC_URL": "https://tasks.example.org",
    "OIDC_ISSUER": "https://id.example.org",
    "OIDC_CLIENT_ID": "taskmgr",
    "OIDC_CLIENT_SECRET": "s3cret",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "http://127.0.0.1:8080/realms/main"),
        ("OIDC_ISSUER", "http://localhost:8080"),
        ("OIDC_ISSUER", "https://id.example.org:8443/"),
        ("OIDC_ALLOWED_DOMAINS", "*"),
    ],
)
def test_a_setting_of_an_identity_provider_is_usable(read: Read, name: str, value: str) -> None:
    read(**OIDC | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", ""),
        ("OIDC_ISSUER", "id.example.org"),
        ("OIDC_ISSUER", "http://id.example.org"),
        ("OIDC_ISSUER", "https://ada:x@id.example.org"),
        ("OIDC_ISSUER", "https://id.example.org/?x=1"),
        ("OIDC_ISSUER", "https://id.example.org/#x"),
        ("OIDC_ISSUER", "https://"),
        ("OIDC_ISSUER", "https://[x"),
        ("OIDC_CLIENT_ID", " "),
        ("OIDC_CLIENT_SECRET", ""),
        ("OIDC_CLIENT_SECRET", "two\nlines"),
        ("OIDC_ALLOWED_DOMAINS", ""),
        ("OIDC_ALLOWED_DOMAINS", "@example.org"),
        ("OIDC_ALLOWED_DOMAINS", "example"),
        ("OIDC_ROLE", "admin"),
        ("OIDC_ROLE", "owner"),
    ],
)
def test_a_setting_of_an_identity_provider_is_refused(read: Read, name: str, value: str) -> None:
    given = OIDC | {"OIDC_ALLOWED_DOMAINS": "example.org"} | {name: value}
    (line,) = mistakes(read, **given)

    assert line.startswith(f"TASKMGR_{name}: ")
    assert "s3cret" not in line


def test_an_identity_provider_needs_all_of_its_settings(read: Read) -> None:
    assert mistakes(read, OIDC_ISSUER="https://id.example.org", OIDC_ROLE="member") == [
        "TASKMGR_OIDC_ALLOWED_DOMAINS: Must be set if TASKMGR_OIDC_ROLE is.",
        "TASKMGR_OIDC_CLIENT_ID: Must be set if TASKMGR_OIDC_ISSUER is.",
        "TASKMGR_OIDC_CLIENT_SECRET: Must be set if TASKMGR_OIDC_ISSUER is.",
        "TASKMGR_PUBLIC_URL: Must be set if TASKMGR_OIDC_ISSUER is.",
    ]


@pytest.mark.parametrize("name", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_a_setting_of_an_identity_provider_is_nothing_without_its_issuer(read: Read, name: str) -> None:
    (line,) = mistakes(read, **{name: "taskmgr"})
    assert line == f"TASKMGR_OIDC_ISSUER: Must be set if TASKMGR_{name} is."


@pytest.mark.parametrize(
    ("domains", "admitted"), [((), None), (("*",), None), (("example.org",), frozenset({"example.org"}))]
)
def test_domains_are_admitted_unless_all_are(
    domains: tuple[str, ...], admitted: frozenset[str] | None
) -> None:
    assert Settings(oidc_allowed_domains=domains).admission.domains == admitted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "1"),
        ("WORKERS", "64"),
        ("RATE_LIMIT", "1000000"),
        ("TRUSTED_PROXIES", "10"),
        ("BIND", "0.0.0.0:0"),
        ("BIND", "localhost:65535"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", ""),
        ("CORS_ORIGINS", ", ,"),
        ("OUTGOING_NETWORKS", ""),
        ("OUTGOING_NETWORKS", "0.0.0.0/0,::/0"),
        ("OUTGOING_PORTS", "1,65535"),
        ("MAIL_FROM", "tasks@example.org"),
        ("PUBLIC_URL", "http://10.0.0.1:5000"),
        ("DATABASE", "x" * 38),
        ("LOG_FORMAT", "text"),
        ("TIMEZONE", "America/Argentina/Buenos_Aires"),
        ("MONGODB_URI", "mongodb://localhost"),
    ],
)
def test_a_value_at_its_edge_is_usable(read: Read, name: str, value: str) -> None:
    read(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGODB_URI", ""),
        ("MONGODB_URI", "localhost:27017"),
        ("MONGODB_URI", "postgres://localhost"),
        ("DATABASE", ""),
        ("DATABASE", "x" * 39),
        ("DATABASE", "my tasks"),
        ("DATABASE", "a.b"),
        ("DATABASE", "a$b"),
        ("DATA_DIR", ""),
        ("BIND", ""),
        ("BIND", "5000"),
        ("BIND", ":5000"),
        ("BIND", "127.0.0.1"),
        ("BIND", "127.0.0.1:"),
        ("BIND", "127.0.0.1:65536"),
        ("BIND", "127.0.0.1:-1"),
        ("BIND", "127.0.0.1:http"),
        ("BIND", "127.0.0.1:٥٠٠٠"),
        ("WORKERS", ""),
        ("WORKERS", "0"),
        ("WORKERS", "65"),
        ("WORKERS", "two"),
        ("WORKERS", "2.0"),
        ("WORKERS", "-2"),
        ("WORKERS", "1_0"),
        ("WORKERS", "٢"),
        ("CORS_ORIGINS", "board.example.org"),
        ("CORS_ORIGINS", "https://"),
        ("CORS_ORIGINS", "https://board.example.org/path"),
        ("CORS_ORIGINS", "https://a.example.org,ftp://b.example.org"),
        ("POLICY", "/nowhere/policy.toml"),
        ("POLICY", ""),
        ("POLICY", "/"),
        ("TIMEZONE", ""),
        ("TIMEZONE", "Mars/Olympus"),
        ("TIMEZONE", "../../etc/passwd"),
        ("TIMEZONE", "/etc/localtime"),
        ("TIMEZONE", "Europe"),
        ("LOG_FORMAT", "xml"),
        ("LOG_FORMAT", ""),
        ("MONGOD", "/nowhere/mongod"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "s" * 31),
        ("RATE_LIMIT", "-1"),
        ("RATE_LIMIT", "1000001"),
        ("TRUSTED_PROXIES", "11"),
        ("OUTGOING_NETWORKS", "10.20.0.1/16"),
        ("OUTGOING_NETWORKS", "10.20.0.0/33"),
        ("OUTGOING_NETWORKS", "hooks.example.org"),
        ("OUTGOING_NETWORKS", "10.20.0.0/16;10.30.0.0/16"),
        ("OUTGOING_PORTS", "0"),
        ("OUTGOING_PORTS", "65536"),
        ("OUTGOING_PORTS", "80,https"),
        ("SMTP_URL", "mail.example.org"),
        ("SMTP_URL", "http://mail.example.org"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail.example.org:mail"),
        ("SMTP_URL", "smtp://mail.example.org/?tls=no"),
        ("MAIL_FROM", "tasks"),
        ("MAIL_FROM", "a@example.org\nBcc: b@example.org"),
        ("MAIL_FROM", ""),
        ("PUBLIC_URL", "tasks.example.org"),
        ("PUBLIC_URL", "https://tasks.example.org/?a=b"),
        ("OUTGOING_PORTS", ""),
    ],
)
def test_a_mistake_is_one_line_that_names_the_setting(read: Read, name: str, value: str) -> None:
    (line,) = mistakes(read, **{name: value})
    assert re.fullmatch(rf"TASKMGR_{name}: .+\.", line)


def test_all_mistakes_are_reported_together_sorted_by_name(read: Read) -> None:
    lines = mistakes(read, WORKERS="0", BIND="nowhere", COLOUR="red", RATE_LIMIT="many", DATABASE="fine")
    assert [line.partition(":")[0] for line in lines] == [
        "TASKMGR_BIND",
        "TASKMGR_COLOUR",
        "TASKMGR_RATE_LIMIT",
        "TASKMGR_WORKERS",
    ]


def test_an_unknown_name_is_reported_with_the_known_ones(read: Read) -> None:
    (line,) = mistakes(read, MONGO_URI="mongodb://localhost")
    assert line == f"TASKMGR_MONGO_URI: Unknown setting. The settings are: {', '.join(NAMES)}."


def test_variables_of_other_programs_are_ignored(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_BIND", "nowhere")
    read()


def test_secrets_are_not_shown(read: Read) -> None:
    settings = read(MONGODB_URI="mongodb://ada:hunter2@db.example.org", SECRET_KEY="q" * 32)
    assert "hunter2" not in repr(settings)
    assert "qqq" not in repr(settings)


def test_a_mistake_in_a_secret_does_not_show_it(read: Read) -> None:
    lines = mistakes(read, MONGODB_URI="ada:hunter2@db.example.org", SECRET_KEY="hunter3")
    assert "hunter" not in "".join(lines)


def test_a_home_folder_may_be_a_tilde(read: Read) -> None:
    assert read(DATA_DIR="~/tasks").data_dir == Path.home() / "tasks"


def test_a_relative_folder_starts_at_the_working_directory(read: Read) -> None:
    assert read(DATA_DIR="tasks").data_dir == Path.cwd() / "tasks"


def test_a_mail_server_requires_a_sender(read: Read) -> None:
    (line,) = mistakes(read, SMTP_URL="smtp://mail.example.org")
    assert line == "TASKMGR_MAIL_FROM: Must be set if TASKMGR_SMTP_URL is."


def test_the_password_of_the_mail_server_is_not_shown(read: Read) -> None:
    settings = read(SMTP_URL="smtp://ada:secret@mail.example.org", MAIL_FROM="tasks@example.org")
    assert "secret" not in repr(settings)
