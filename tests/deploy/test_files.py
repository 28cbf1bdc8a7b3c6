"""Has the tools that read the files in `deploy/` check them, and serves through the proxies' examples."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from taskmgr.settings import NAMES
from tests.docs.markdown import ROOT
from tests.needed import needs
from tests.outside import make_certificate
from tests.running import COMMAND, Service, free_port, serving, wait_until

DEPLOY = ROOT / "deploy"
EVENTS = "/api/v1/events"


def checked(*command: str | Path, **environment: str) -> str:
    """Runs a command that has to succeed, and returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment or None, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# systemd


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a user and a program that this machine has."""
    text = (DEPLOY / "systemd" / "taskmgr.service").read_text("utf-8")
    made = tmp_path / "taskmgr.service"
    made.write_text(
        text.replace("/opt/taskmgr/.venv/bin/taskmgr", COMMAND).replace("User=taskmgr", "User=daemon")
    )
    return made


@needs("systemd-analyze", "systemd")
def test_systemd_accepts_the_unit_without_a_warning(unit: Path) -> None:
    assert checked("systemd-analyze", "verify", unit).strip() == ""


@needs("systemd-analyze", "systemd")
def test_systemd_judges_the_unit_to_be_well_protected(unit: Path) -> None:
    report = checked("systemd-analyze", "security", "--offline=true", "--no-pager", unit)

    level = re.search(r"Overall exposure level for taskmgr.service: ([0-9.]+)", report)
    assert level, report
    assert float(level[1]) <= 2.5


# Containers


@needs("docker-compose", "docker-compose")
def test_the_compose_file_is_valid_and_refuses_to_start_without_a_secret_key() -> None:
    file = DEPLOY / "docker" / "compose.yml"
    command = ["docker-compose", "--file", str(file), "config", "--quiet"]
    checked(*command, PATH="/usr/bin:/bin", TASKMGR_SECRET_KEY="x" * 43)

    refused = subprocess.run(
        command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=False
    )
    assert refused.returncode != 0
    assert "TASKMGR_SECRET_KEY" in refused.stderr


def test_the_dockerfile_copies_only_what_exists_and_does_not_run_as_root() -> None:
    text = (DEPLOY / "docker" / "Dockerfile").read_text("utf-8")
    for line in re.findall(r"^COPY --from=build (.+) \S+$", text, re.MULTILINE):
        for path in line.split():
            assert path == "/opt/taskmgr/.venv" or (ROOT / path.removeprefix("/opt/taskmgr/")).exists(), path
    assert re.findall(r"^(?:USER|ENTRYPOINT) .*", text, re.MULTILINE) == [
        "USER taskmgr",
        'ENTRYPOINT ["taskmgr"]',
    ]
    settings = set(re.findall(r"TASKMGR_\w+", text))
    assert settings <= set(NAMES)


# Proxies


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    place = tmp_path_factory.mktemp("p")
    with serving(place, "--bind", f"127.0.0.1:{free_port()}", TRUSTED_PROXIES="1") as running:
        yield running


@contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[None]:
    """Runs a proxy in the foreground until the end of the block."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment or None
    ) as proxy:
        try:
            assert wait_until(lambda: proxy.poll() is not None or _is_open(port))
            assert proxy.poll() is None, proxy.communicate()[0].decode()
            yield
        finally:
            proxy.terminate()


def _is_open(port: int) -> bool:
    try:
        connection = _connection(port)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def _connection(port: int) -> http.client.HTTPSConnection:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
    connection = _connection(port)  # closed with the response
    headers = {"Connection": "close", **headers}
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"Content-Type": "application/json", **headers})
    return connection.getresponse()


def through(
    port: int, service: Service, headers: dict[str, str], *, too_large: Sequence[int | None] = (413,)
) -> None:
    """Checks what a proxy has to pass on: headers, large bodies, the client's address, and events at once.

    `too_large` are the possible statuses for a body that is too large; None means that the proxy closes
    the connection before it has read the body.
    """
    created = ask(port, "POST", "/api/v1/tasks", {"title": "By the proxy"}, **headers)
    task, etag = json.load(created), created.headers["ETag"]
    path = f"/api/v1/tasks/{task['id']}"
    assert created.status == 201
    assert ask(port, "GET", path, **headers, **{"If-None-Match": etag}).status == 304
    stale = ask(port, "PATCH", path, {"title": "Stale"}, **headers, **{"If-Match": '"99"'})
    assert stale.status == 412
    operations = [{"op": "create", "title": "x", "description": "y" * 10_000}] * 200  # 2 MB
    assert (
        ask(port, "POST", "/api/v1/tasks/bulk?dry_run=true", {"operations": operations}, **headers).status
        == 200
    )
    assert _status_of_too_large(port, headers) in too_large
    ask(
        port,
        "GET",
        "/api/v1/labels",
        **headers,
        **{"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "by-proxy"},
    )
    line = next(json.loads(line) for line in service.err.splitlines() if '"by-proxy"' in line)
    assert line["client"] == "127.0.0.1"  # as the proxy saw it, not as the client says

    stream = ask(port, "GET", EVENTS, **headers)
    assert stream.status == 200
    ask(port, "POST", "/api/v1/tasks", {"title": "Seen at once"}, **headers)
    seen = b""
    while b"Seen at once" not in seen:
        seen += stream.read1(65_536)


def _status_of_too_large(port: int, headers: dict[str, str]) -> int | None:
    try:
        return ask(port, "POST", "/api/v1/tasks/bulk", "z" * 4_300_000, **headers).status
    except (ConnectionError, ssl.SSLEOFError):
        return None


@pytest.fixture
def headers(service: Service) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.token}", "Host": "tasks.example.org"}


@needs("nginx", "nginx-light")
@needs("openssl", "openssl")
def test_nginx_passes_on_what_the_service_needs(
    service: Service, headers: dict[str, str], tmp_path: Path
) -> None:
    make_certificate(tmp_path, "tasks.example.org")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    port = free_port()
    site = (DEPLOY / "nginx" / "taskmgr.conf").read_text("utf-8")
    for old, new in {
        "127.0.0.1:5000": f"127.0.0.1:{service.port}",
        "/etc/ssl/tasks.example.org.pem": str(certificate),
        "/etc/ssl/tasks.example.org.key": str(key),
        "listen [::]:443 ssl http2;": "",
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen [::]:80;": "",
        "listen 80": f"listen 127.0.0.1:{free_port()}",
    }.items():
        assert old in site
        site = site.replace(old, new)
    paths = "".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"user root; daemon off; pid {tmp_path}/pid; error_log stderr; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; {paths}\n{site}\n}}\n"
    )
    checked("nginx", "-t", "-q", "-c", str(file))

    with running(["nginx", "-c", str(file)], port):
        through(port, service, headers)


@needs("caddy", "caddy")
@needs("openssl", "openssl")
def test_caddy_passes_on_what_the_service_needs(
    service: Service, headers: dict[str, str], tmp_path: Path
) -> None:
    file = DEPLOY / "caddy" / "Caddyfile"
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    checked("caddy", "validate", "--config", str(file), PATH="/usr/bin:/bin", **home)
    make_certificate(tmp_path, "tasks.example.org")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    port = free_port()
    site = file.read_text("utf-8")
    site = site.replace("127.0.0.1:5000", f"127.0.0.1:{service.port}")
    site = site.replace(
        "tasks.example.org {",
        f"https://127.0.0.1:{port}, https://tasks.example.org:{port} {{\n\ttls {certificate} {key}",
    )
    made = tmp_path / "Caddyfile"
    made.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n" + site)

    with running(["caddy", "run", "--config", str(made)], port, PATH="/usr/bin:/bin", **home):
        # The service does not wait for all of the body. Caddy 2.6 may then report a failed request, or close
        # the connection while the client is still sending.
        through(port, service, headers, too_large=(413, 502, None))
