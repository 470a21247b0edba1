"""A webhook receiver that remembers which events reached it, and refuses some first attempts."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

REFUSE_EVERY = 40  # the first attempt of one message in so many gets 503, so that retries are exercised


class Receiver:
    """Listens on a loopback port of its own; `secrets` holds the signing secret of each path."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.seen: Counter[str] = Counter()  # webhook-id: accepted arrivals
        self.objects: Counter[str] = Counter()  # id of the object told of: distinct messages
        self.refused: set[str] = set()
        self.forged: list[str] = []
        self.cut = 0
        self.arrivals = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = int(self._server.server_address[1])

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Return the status to answer with."""
        message = headers.get("webhook-id", "")
        with self._lock:
            self.arrivals += 1
            if not self._is_genuine(path, headers, body):
                self.forged.append(f"{path} {message} {len(body)} bytes: {body[:80]!r}")
                return 400
            if self.arrivals % REFUSE_EVERY == 0 and message not in self.seen and message not in self.refused:
                self.refused.add(message)
                return 503
            self.seen[message] += 1
            if self.seen[message] == 1:
                self.objects[json.loads(body)["data"]["object"]["id"]] += 1
            return 204

    def _is_genuine(self, path: str, headers: dict[str, str], body: bytes) -> bool:
        try:
            Webhook(self.secrets[path.strip("/")]).verify(body, headers)
        except Exception:
            return False
        return True


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # the sender was killed in the middle of it
                receiver.cut += 1
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(self.path, headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            return

    return Handler
