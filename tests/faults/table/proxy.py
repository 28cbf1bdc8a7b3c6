"""A TCP proxy in front of a database that delays its answers, or loses the answer to a commit."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Self

_CHUNK = 65_536
_COMMIT = b"commitTransaction"


class Proxy:
    """Forwards connections to a port of this machine until the end of the block.

    `delay` is the time in seconds that each answer waits. After `lose_next_commit`, the database does what
    the next commit says, but the connection breaks before the answer, and so does everything else until
    `heal`.
    """

    def __init__(self, target: int) -> None:
        self.delay = 0.0
        self.lost = threading.Event()
        self._target = target
        self._is_losing = False
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def lose_next_commit(self) -> None:
        self.lost.clear()
        self._is_losing = True

    def heal(self) -> None:
        self._is_losing = False
        self.lost.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._break_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            if self.lost.is_set():
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._connections |= {client, server}
            for forward, source, sink in ((self._ask, client, server), (self._answer, server, client)):
                threading.Thread(target=forward, args=(source, sink), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                if self._is_losing and _COMMIT in data and not self.lost.is_set():
                    self._lose(data, server)
                    break
                server.sendall(data)
        self._break(client, server)

    def _lose(self, commit: bytes, server: socket.socket) -> None:
        """Lets the database commit, and breaks all connections instead of passing its answer on."""
        self._connections.discard(server)
        self.lost.set()
        self._break_all()
        server.sendall(commit)
        time.sleep(1.0)  # so that the commit is not abandoned with its connection

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK):
                self._wait()
                client.sendall(data)
        self._break(client, server)

    def _wait(self) -> None:
        begun = time.monotonic()
        while time.monotonic() - begun < self.delay:  # which may end meanwhile
            time.sleep(0.02)

    def _break_all(self) -> None:
        self._break(*self._connections.copy())

    def _break(self, *connections: socket.socket) -> None:
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            self._connections.discard(connection)
