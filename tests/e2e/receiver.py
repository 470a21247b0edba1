"""A webhook receiver that refuses the first attempt of every message."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Attempt:
    headers: dict[str, str]
    body: bytes
    status: int


class Receiver:
    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = int(self._server.server_address[1])
        self.address = f"http://127.0.0.1:{self.port}/hooks"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        known = {attempt.headers["webhook-id"] for attempt in self.attempts}
        status = 204 if headers["webhook-id"] in known else 503
        self.attempts.append(Attempt(headers, body, status))
        return status

    def wait_for(self, count: int, seconds: float = 60.0) -> list[Attempt]:
        """Return the attempts once there are so many of them."""
        deadline = time.monotonic() + seconds
        while len(self.attempts) < count:
            assert time.monotonic() < deadline, f"{len(self.attempts)} attempts within {seconds:.0f} s"
            time.sleep(0.2)
        return self.attempts


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            return

    return Handler
