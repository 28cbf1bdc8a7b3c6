"""The service when its processes are killed: nothing that was acknowledged is lost, and it comes back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymongo import MongoClient

from taskmgr.infrastructure.embedded.mongod_binary import find_mongod
from tests.needed import needs
from tests.running import (
    PATIENCE,
    Clients,
    Service,
    database_servers_in,
    free_port,
    is_running,
    kill_database_servers,
    run,
    serving,
    stop,
    wait_until,
)

# The deadline of a request is 8 seconds, and whoever has waited that long is told to come again.
LONGEST_ANSWER = 15.0


class Writers(Clients):
    """Clients that create tasks without end, and remember which creations were acknowledged."""

    def __init__(self, service: Service) -> None:
        self.acknowledged: list[str] = []
        self._lock = threading.Lock()
        self._service = service
        super().__init__(self._create)

    def _create(self, number: int) -> int:
        title = f"Task {number}"
        body = {"title": title}
        status, _ = self._service.call("POST", "/api/v1/tasks", body, seconds=LONGEST_ANSWER)
        if status == 201:
            with self._lock:
                self.acknowledged.append(title)
        return status

    def have_written(self, number: int) -> bool:
        """Waits until so many more creations were acknowledged."""
        until = len(self.acknowledged) + number
        return wait_until(lambda: len(self.acknowledged) >= until)


def all_titles(service: Service) -> list[str]:
    """The titles of all tasks, page by page."""
    titles: list[str] = []
    path = "/api/v1/tasks?limit=200"
    while True:
        status, page = service.call("GET", path)
        assert status == 200, page
        titles += [task["title"] for task in page["items"]]
        if page["next"] is None:
            return titles
        path = f"/api/v1/tasks?limit=200&cursor={page['next']}"


def assert_kept(service: Service, writers: Writers) -> None:
    """Every acknowledged task is there, none is there twice, and no document is broken."""
    titles = all_titles(service)
    assert len(titles) == len(set(titles))
    assert set(writers.acknowledged) <= set(titles)
    doctor = run(service.settings, "doctor")
    assert doctor.out == "Everything is in order.\n", doctor


def test_a_killed_worker_is_replaced_and_a_killed_database_started_again(place: Path) -> None:
    with serving(place) as service:
        with Writers(service) as writers:
            assert writers.have_written(20)
            (killed, other) = service.workers
            os.kill(killed, signal.SIGKILL)
            assert wait_until(lambda: killed not in service.workers and len(service.workers) == 2)
            assert writers.have_written(20)

            kill_database_servers(place)
            assert writers.have_written(20)
        assert other in service.workers
        assert_kept(service, writers)
        service.signal(signal.SIGTERM)

        assert (service.ends(), database_servers_in(place)) == (0, [])
    assert "the database had died and was restarted" in service.err


def test_after_all_was_killed_a_start_finds_what_was_acknowledged(place: Path) -> None:
    bind = f"127.0.0.1:{free_port()}"
    first = Service(place, "--bind", bind)
    try:
        workers = first.wait_until_up().workers
        with Writers(first) as writers:
            assert writers.have_written(20)
            os.kill(first.process.pid, signal.SIGKILL)
            kill_database_servers(place)
        first.process.wait()
        # At once, although the orphaned workers hold the port for up to a second.
        with serving(place, "--bind", bind) as second:
            second.token = first.token
            assert_kept(second, writers)
        assert not any(map(is_running, workers))
    finally:
        stop(first)


# --- TLS


@contextmanager
def a_mongod_with_tls(place: Path) -> Iterator[str]:
    """The address of a server that speaks TLS alone."""
    key, certificate, both = place / "key.pem", place / "certificate.pem", place / "both.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    both.write_text(key.read_text() + certificate.read_text())
    (place / "server").mkdir()
    port = free_port()
    server = subprocess.Popen(
        [
            *(find_mongod(None), "--dbpath", place / "server", "--port", str(port), "--bind_ip", "127.0.0.1"),
            *("--replSet", "tls", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"),
            *("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", both, "--tlsCAFile", certificate),
            "--tlsAllowConnectionsWithoutCertificates",
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        uri = f"mongodb://127.0.0.1:{port}/?tls=true&tlsCAFile={certificate}"
        with MongoClient(uri, directConnection=True) as client:
            client.admin.command("hello")
        yield uri
    finally:
        server.kill()
        server.wait()


@needs("openssl", "openssl")
def test_master_and_workers_use_tls_if_the_uri_says_so(place: Path) -> None:
    with a_mongod_with_tls(place) as uri:
        settings = {"MONGODB_URI": uri, "SECRET_KEY": "x" * 32}
        prepared = run(settings, "db", "init")
        assert prepared.status == 0, prepared.err
        with serving(place, **settings) as service:
            service.create("Over TLS")

            assert service.titles() == ["Over TLS"]
            assert not (place / "data").exists()


@needs("openssl", "openssl")
def test_a_worker_that_cannot_connect_is_tried_again_and_the_others_go_on(place: Path) -> None:
    with a_mongod_with_tls(place) as uri:
        settings = {"MONGODB_URI": uri, "SECRET_KEY": "x" * 32}
        assert run(settings, "db", "init").status == 0
        with serving(place, **settings) as service:
            (killed, other) = service.workers
            certificate, elsewhere = place / "certificate.pem", place / "elsewhere.pem"
            certificate.rename(elsewhere)
            os.kill(killed, signal.SIGKILL)
            assert wait_until(lambda: service.err.count("a worker cannot start") >= 2)
            answered = service.call("GET", "/api/v1/tasks")[0]
            elsewhere.rename(certificate)
            os.kill(other, signal.SIGSTOP)  # the next answer is the new worker's
            recovered = service.call("GET", "/api/v1/tasks")[0]

            assert (answered, recovered, service.has_ended) == (200, 200, False)


def test_a_start_that_waits_for_a_database_with_tls_can_be_ended(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        nobody.settimeout(PATIENCE)
        uri = f"mongodb://127.0.0.1:{nobody.getsockname()[1]}/?tls=true"
        service = Service(place, MONGODB_URI=uri, SECRET_KEY="x" * 32)
        try:
            with nobody.accept()[0] as caller:
                first_byte = caller.recv(1)
            # The first asks it to finish what it is doing, the second ends it. Two that come too close
            # together count as one, and one that comes while it ends changes the status.
            for pause in (1, 20, PATIENCE):
                service.signal(signal.SIGTERM)
                if wait_until(lambda: service.has_ended, seconds=pause):
                    break
            status = service.ends()
        finally:
            stop(service)

    # Patched after ssl, the client would have ended in a RecursionError before any byte.
    assert (first_byte, status, service.err) == (b"\x16", 0, "")
