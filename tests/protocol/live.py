"""The product as clients meet it: a server process of its own over the test's database, spoken to over HTTP.

The process runs with the settings of `./bin/dev`, under two workers, so that what must hold between processes
is tried between processes. Tests make tenants and people in their own process; the server sees the same rows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from embedded import programs
from embedded.installation import free_port
from tenants.selectors import TenantRef

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
WORKERS = 2


class LiveServer:
    """A running server; `issuer` says where it serves a tenant, `log` holds all that it has said."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.origin = f"http://localhost:{port}"
        self.log = Path(os.environ["VAR_DIR"]) / f"live-{port}.log"

    def issuer(self, tenant: TenantRef) -> str:
        return f"{self.origin}/t/{tenant.slug}"


@contextmanager
def serving() -> Iterator[LiveServer]:
    """Start the server and wait until it is ready; its output is shown when it does not come up."""
    server = LiveServer(free_port())
    log = server.log
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command(server.port)],
            cwd=ROOT,
            env={**os.environ, **variables(server)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(server, process, log)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def command(port: int) -> list[str]:
    arguments = programs.web(port)
    arguments[arguments.index("--workers") + 1] = str(WORKERS)
    return arguments


def variables(server: LiveServer) -> dict[str, str]:
    """What differs from the test's own environment: it is served, so it polls for what other processes change."""
    return {
        "CLAVIGER_ENV": "development",
        "ORIGIN": server.origin,
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
    }


def wait_until_ready(server: LiveServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{server.origin}/ready", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"The live server did not come up:\n{log.read_text(errors='replace')[-4000:]}")
