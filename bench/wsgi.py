"""A WSGI application under the product's own server, for what is measured beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.error import HTTPError

from embedded.installation import free_port

GRANIAN = ["-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--log-level", "error"]
THREADS = ["--workers", "1", "--blocking-threads", "8"]


@contextmanager
def serving(target: str, variables: Mapping[str, str] | None = None) -> Iterator[tuple[int, int]]:
    """Yield port and process id."""
    port = free_port()
    command = [sys.executable, *GRANIAN, *THREADS, "--host", "127.0.0.1", "--port", str(port), target]
    server = subprocess.Popen(
        command, env={**os.environ, **(variables or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/")
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(10)


def wait_for(address: str) -> None:
    for _ in range(200):
        with suppress(OSError):
            with suppress(HTTPError):  # an answer is an answer
                urllib.request.urlopen(address, timeout=1).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"{address} does not answer")
