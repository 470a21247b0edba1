"""One line for each request, joined to everything else by its request id, and written out of its way.

Lines gather for a moment and leave in one write: a line of its own would cost a cheap request half as much
again. A killed process loses that moment's lines. The query is left out: codes and states travel there.
"""

from __future__ import annotations

import atexit
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import quote

from core.network import client_address
from core.redaction import redacted

Environ = dict[str, Any]
Format = Callable[["Line"], str]
MOMENT = 0.2  # seconds
MOST = 100_000  # lines that wait while the reader of our output is stuck; older ones go


@dataclass(slots=True)
class Line:
    """`at` in seconds since the epoch, `took` in seconds until the answer stood."""

    at: float
    method: str
    path: str
    address: str
    status: int = 500
    request_id: str = ""
    took: float = 0.0


class AccessLog:
    """The WSGI application around all others: notes what was asked and how it ended."""

    def __init__(
        self, application: Callable[[Environ, Any], Iterable[bytes]], form: Format, out: TextIO | None = None
    ) -> None:
        self.application, self.form, self.out = application, form, out
        self._lines: deque[Line] = deque(maxlen=MOST)
        self._due = threading.Event()
        self._writing = threading.Lock()
        self._writer: threading.Thread | None = None

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        started = time.perf_counter()
        line = Line(
            time.time(),
            environ.get("REQUEST_METHOD", ""),
            environ.get("PATH_INFO", ""),
            client_address(environ),
        )

        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            line.status = int(status[:3])
            line.request_id = _request_id(headers)
            return start_response(status, headers, *rest)

        try:
            return self.application(environ, begin)
        finally:
            line.took = time.perf_counter() - started
            self._keep(line)

    def _keep(self, line: Line) -> None:
        self._lines.append(line)
        if not self._due.is_set():
            self._due.set()
            if self._writer is None:
                self._start()

    def _start(self) -> None:
        with self._writing:
            if self._writer is None:
                self._writer = threading.Thread(target=self._run, name="access-log", daemon=True)
                self._writer.start()
                atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            self._due.wait()
            time.sleep(MOMENT)
            self._due.clear()
            self.flush()

    def flush(self) -> None:
        """Write the lines that wait; output that nobody takes any more is no reason to fail."""
        with self._writing:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if not lines:
                return
            out = self.out or sys.stdout
            try:
                out.write("".join([self.form(line) + "\n" for line in lines]))
                out.flush()
            except (OSError, ValueError):
                return


def _request_id(headers: Iterable[tuple[str, str]]) -> str:
    return next((value for name, value in headers if name == "Request-Id"), "")


def for_people(line: Line) -> str:
    """`GET /t/acme/v1/members 200 4.2 ms req_…`"""
    return f"{line.method} {shown(line.path)} {line.status} {line.took * 1000:.1f} ms {line.request_id}"


def for_machines(line: Line) -> str:
    return json.dumps(_members(line), separators=(",", ":"))


def _members(line: Line) -> Mapping[str, Any]:
    return {
        "event": "request",
        "method": line.method,
        "path": shown(line.path),
        "status": line.status,
        "ms": round(line.took * 1000, 1),
        "ip": line.address,
        "request_id": line.request_id,
        "timestamp": datetime.fromtimestamp(line.at, UTC).isoformat(timespec="milliseconds"),
    }


def shown(path: str) -> str:
    """Return a path that cannot begin a line of its own, without what is shaped like a secret (threat U2)."""
    if not (path.isascii() and path.isprintable()):
        path = quote(path, safe="/:@!$&'()*+,;=~%")
    return redacted(path)
