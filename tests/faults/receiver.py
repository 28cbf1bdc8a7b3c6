"""A receiver that often fails: python receiver.py PORT SECRET LOG, a process of its own.

It verifies each message with the package of the specification, and appends a line to the log before it
answers: the id of the message, and the status of the answer. It answers 30 % of the messages with 500.
"""

from __future__ import annotations

import json
import random
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from standardwebhooks.webhooks import Webhook

port, secret, path = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
judge, dice = Webhook(secret), random.Random(7)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        judge.verify(
            body.decode(), dict(self.headers)
        )  # otherwise the connection is closed, and no line written
        status = 500 if dice.random() < 0.3 else 200
        with path.open("a") as log:
            log.write(f"{self.headers['webhook-id']} {status} {json.loads(body)['seq']}\n")
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keeps the output of the tests readable."""


ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
