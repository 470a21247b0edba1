"""A whole scratch installation for kill tests, browser tests and benchmarks: bin/dev in its own directory.

with Installation(home) as installation:
    httpx.get(installation.origin + "/health")
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from embedded import environment, process
from embedded.files import EmbeddedError, private_directory
from embedded.postgres import Postgres
from embedded.process import Launch
from embedded.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "claviger"
START_SECONDS = 120.0
STOP_SECONDS = 30.0
# What a person has set for an installation of their own must not reach this one.
FOREIGN = (
    "DATABASE_",
    "REDIS_URL",
    "SECRET_KEYS",
    "PEPPERS",
    "DJANGO_",
    "ORIGIN",
    "ALLOWED_HOSTS",
    "CLAVIGER_",
)


class Installation:
    """The supervisor of `./bin/dev` with its data in `home/var` and its output in `home/supervisor.log`."""

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        arguments: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.home = private_directory(home)
        self.var = private_directory(self.home / "var")
        self.log = self.home / "supervisor.log"
        self.port = port or free_port()
        self.arguments = arguments
        self.variables = dict(variables or {})
        self.supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def demo(self) -> dict[str, Any]:
        """Return what `manage.py demo` recorded."""
        made: dict[str, Any] = json.loads((self.var / "demo.json").read_text(encoding="utf-8"))
        return made

    def start(self) -> None:
        """Start and wait until it serves; raises EmbeddedError with the end of its output."""
        command = [sys.executable, "-m", "embedded.supervisor", "--port", str(self.port), *self.arguments]
        variables = {**_unset(), "VAR_DIR": str(self.var), **self.variables}
        with self.log.open("ab") as output:
            self.supervisor = process.spawn(Launch(command, variables, directory=ROOT), output=output)
        deadline = time.monotonic() + START_SECONDS
        while not (self.var / "dev.json").exists():
            if self.supervisor.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(f"The scratch installation did not start:\n{self.tail()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop everything, as Ctrl-C does."""
        if self.supervisor is None:
            return
        process.signal_quietly(self.supervisor.pid, signal.SIGINT)
        try:
            self.supervisor.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            self.supervisor.wait()
        self.supervisor = None

    def tail(self, lines: int = 40) -> str:
        """Return the end of the supervisor's output."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def environment(self) -> dict[str, str]:
        """Return the variables under which `manage.py` works on this installation."""
        keys = environment.generated_keys(self.var / "keys.json")
        postgres = Postgres(self.var / "postgres")
        urls = environment.database_urls(postgres, DATABASE, environment.role_passwords(keys))
        own = {name: keys[name] for name in environment.APPLICATION_KEYS}
        mode = {"CLAVIGER_ENV": "development", "DJANGO_SETTINGS_MODULE": "config.settings"}
        place = {"ORIGIN": self.origin, "VAR_DIR": str(self.var), "ALLOWED_HOSTS": "localhost,127.0.0.1"}
        cache = {"REDIS_URL": Valkey(self.var / "valkey").url}
        return {**urls, **own, **mode, **place, **cache, **self.variables}

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command on this installation and return its end and output."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **_unset(), **self.environment()},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )


def _unset() -> dict[str, str]:
    """Return what takes this process's own installation out of a child's environment; empty means unset."""
    return {name: "" for name in os.environ if name.startswith(FOREIGN)}


def free_port() -> int:
    """Return a port where nothing listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
