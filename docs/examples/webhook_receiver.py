"""A receiver of webhooks: verifies each message, stores it once, and answers at once.

Usage: WEBHOOK_SECRET=whsec_… python webhook_receiver.py HOST:PORT DATABASE
"""

import base64
import hmac
import json
import os
import sqlite3
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60  # seconds; an older message may be a recorded one
MAX_BYTES = 64 * 1024
secret = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
host, _, port = sys.argv[1].partition(":")


def is_genuine(message_id: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Returns True if the service has sent this message, a short time ago."""
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    content = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
    return any(hmac.compare_digest(expected, signature) for signature in signatures.split())


def store(message_id: str, body: bytes) -> None:
    """Stores a message; one that has come before is stored already."""
    message = json.loads(body)
    with sqlite3.connect(sys.argv[2]) as database:
        row = (message_id, message["seq"], message["type"], body.decode())
        database.execute("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?)", row)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers["Content-Length"]), MAX_BYTES))
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        message_id, timestamp, signatures = (self.headers.get(name, "") for name in names)
        if is_genuine(message_id, timestamp, signatures, body):
            store(message_id, body)  # before the answer: whatever is answered with 2xx is never sent again
            self.send_response(204)
        else:
            self.send_response(401)
        self.end_headers()


with sqlite3.connect(sys.argv[2]) as database:
    database.execute("CREATE TABLE IF NOT EXISTS messages (id PRIMARY KEY, seq, type, body)")
with ThreadingHTTPServer((host, int(port)), Receiver) as server:
    print(f"The receiver is running on http://{host}:{port}", flush=True)
    server.serve_forever()
