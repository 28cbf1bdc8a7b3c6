"""Starts, queries and stops one `mongod` server on one folder; `database.py` decides when."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.embedded.mongod_binary import INSTEAD, describe_failure, find_mongod
from taskmgr.infrastructure.embedded.wire import CommandFailed, ask

REPLICA_SET = "taskmgr"
LOG_BYTES = 16 * 2**20  # a longer log replaces `mongod.log.1`: 32 MiB at most
STOP_SECONDS = 30.0

_NOT_YET_INITIALIZED = 94
_TRANSACTION_SECONDS = 25  # a bulk has 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mongod:
    """Controls the server of a folder, which has its data in `db` and listens only at `address`.

    `binary` is the argument of `find_mongod`. Whether the server runs is read from the kernel or the server
    itself, never from a pid file, because a killed server leaves that behind.
    """

    folder: Path
    address: Path
    binary: Path | None
    cache_gib: float

    @property
    def uri(self) -> str:
        """Returns the URI for clients, without a database name.

        With `directConnection=true`, the driver would connect before the server is a primary, and keep
        connections that it believes to have no sessions.
        """
        return f"mongodb://{quote(os.fsencode(self.address), safe='')}/?replicaSet={REPLICA_SET}"

    @property
    def log(self) -> Path:
        """Returns the path of the server's log, which has lines of JSON."""
        return self.folder / "mongod.log"

    def listens(self) -> bool:
        """Returns True if the address accepts connections; a socket file alone proves nothing."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(2.0)
            try:
                probe.connect(os.fsencode(self.address))
            except OSError:
                return False
        return True

    def is_alive(self) -> bool:
        """Returns True if a server has locked the data files, even if it does not listen yet or no longer."""
        try:
            with (self.folder / "db" / "mongod.lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def process_id(self) -> str:
        """Returns the process id of a server that `is_alive`, for messages."""
        return (self.folder / "db" / "mongod.lock").read_text().strip()

    def takes_writes(self) -> bool:
        """Returns True if the server is a primary; otherwise configures it to become one.

        Call again soon if it returns False. Raises `CommandFailed` while the server starts or stops.
        """
        if ask(self.address, {"hello": 1})["isWritablePrimary"]:
            return True
        member = {"_id": 0, "host": str(self.address)}
        try:
            config = ask(self.address, {"replSetGetConfig": 1})["config"]
        except CommandFailed as failure:
            if failure.code != _NOT_YET_INITIALIZED:
                raise
            ask(self.address, {"replSetInitiate": {"_id": REPLICA_SET, "members": [member]}})
        else:
            # After the folder was moved, the only member has the old path, and no primary can be elected.
            if [each["host"] for each in config["members"]] != [member["host"]]:
                config |= {"version": config["version"] + 1, "members": [member]}
                ask(self.address, {"replSetReconfig": config, "force": True})
        return False

    def start(self, deadline: float) -> bool:
        """Starts the server; returns False if another one has locked the files.

        Raises `CannotStart` if it ends or does not listen by `deadline` (in `time.monotonic()`).
        """
        binary = find_mongod(self.binary)
        (self.folder / "db").mkdir(mode=0o700, exist_ok=True)
        self.address.unlink(missing_ok=True)
        self.trim_log()
        log_start = self._log_bytes()
        with tempfile.TemporaryFile() as file:
            status = self._launch(binary, file, deadline)
            file.seek(0)
            output = file.read().decode(errors="replace")
        if status == 0:
            return True
        if self.is_alive():
            return False
        reason = self._failure(status, output, log_start)
        raise CannotStart(f"MongoDB did not start in {self.folder}: {reason}.")

    def _failure(self, status: int, output: str, log_start: int) -> str:
        if not self.log.is_file():
            return describe_failure(status, output, [])
        with self.log.open("rb") as log:
            log.seek(log_start)
            return f"{describe_failure(status, output, log)} (log: {self.log})"

    def _log_bytes(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _launch(self, binary: Path, output: IO[bytes], deadline: float) -> int:
        """Runs the binary until its server listens or has ended, and returns the exit status.

        `--fork` makes the server a child of init. A child of this process would be a zombie after its
        death, and gunicorn, which reaps all children, would take its exit status for a worker's.
        """
        try:
            launcher = subprocess.Popen(  # noqa: S603 - no shell, and no word from a user
                self._arguments(binary),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            raise CannotStart(
                f"{binary} cannot be run on this machine ({error.strerror}): {INSTEAD}."
            ) from error
        return self._wait(launcher, deadline)

    def _wait(self, launcher: subprocess.Popen[bytes], deadline: float) -> int:
        while (status := launcher.poll()) is None:
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"MongoDB in {self.folder} is still starting, which may take minutes after a crash: "
                    f"try again later (log: {self.log})."
                )
            time.sleep(0.02)
        return status

    def _arguments(self, binary: Path) -> list[str | Path]:
        return [
            binary,
            *("--fork", "--quiet"),
            *("--dbpath", self.folder / "db", "--replSet", REPLICA_SET),
            # The port is never opened, but mongod requires a valid one. Without --nounixsocket it also
            # opens /tmp/mongodb-1.sock, on which two users of a machine would collide.
            *("--bind_ip", self.address, "--port", "1", "--nounixsocket"),
            *("--logpath", self.log, "--logappend", "--logRotate", "reopen"),
            *("--wiredTigerCacheSizeGB", f"{self.cache_gib:.2f}"),
            *("--setParameter", "writePeriodicNoops=false"),
            # How long a killed worker's documents stay locked; no command takes longer.
            *("--setParameter", f"transactionLifetimeLimitSeconds={_TRANSACTION_SECONDS}"),
        ]

    def stop(self) -> None:
        """Shuts the server down and waits until it has released the data files."""
        if not self.listens():
            return
        with contextlib.suppress(CommandFailed):  # the server closes the connection
            # `force`, because there is no other member that could take over.
            ask(self.address, {"shutdown": 1, "force": True}, seconds=STOP_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while self.is_alive():
            if time.monotonic() > deadline:
                _log.warning("MongoDB in %s does not stop; the next start will use it", self.folder)
                return
            time.sleep(0.02)

    def log_is_long(self) -> bool:
        """Returns True if `trim_log` would rotate the log."""
        return self._log_bytes() > LOG_BYTES

    def trim_log(self) -> None:
        """Renames a long log to `mongod.log.1`; a running server then opens a new one."""
        if self.log_is_long():
            self.log.replace(self.log.with_name("mongod.log.1"))
            if self.listens():
                with contextlib.suppress(CommandFailed):
                    ask(self.address, {"logRotate": 1})
