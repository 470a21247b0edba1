"""Commands in processes of their own that start in a third of the time.

Most of a start is reading libraries. One process for each worker has read them and forks for every command;
settings and the product's own modules are read by the fork, under the variables it was given.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = (
    "argon2, celery.app.amqp, celery.app.base, celery.bin.celery, cryptography.x509, django.core.management,"
    " django.db.backends.postgresql.base, django.db.models, django.forms, django.http, django.template, django.test,"
    " django.urls, django.views.generic, drf_spectacular, httpx, joserfc.jwe, joserfc.jwt, jwcrypto.jwk, kombu,"
    " oauthlib.oauth2, prometheus_client, psycopg, psycopg.types.json, psycopg_pool, redis, redis.asyncio, requests,"
    " rich.traceback, structlog, webauthn, yaml"
)


def run(arguments: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Python's `arguments` ("-c" and code, "-m" and a module, or a file, and their own) under these variables."""
    with tempfile.TemporaryDirectory(prefix="claviger-start-") as place:
        out, err = Path(place, "out"), Path(place, "err")
        code = start(arguments, variables, out, err).wait()
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


def start(arguments: list[str], variables: Mapping[str, str], out: Path, err: Path | None = None) -> Started:
    """Start what `run` runs and go on; both outputs are added to `out` when there is no `err`."""
    asked = {"arguments": arguments, "variables": dict(variables), "out": str(out), "err": str(err or out)}
    return Started(_ask(start=asked))


@dataclass
class Started:
    """A process that the starter forked; only its parent can ask how it ended."""

    pid: int
    code: int | None = None

    def wait(self, seconds: float = 0) -> int:
        """Return the exit code, negative for a signal; raises TimeoutError after so many seconds, if any."""
        deadline = time.monotonic() + seconds
        while seconds and self.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} goes on")
            time.sleep(0.01)
        if self.code is None:
            self.code = _ask(wait=self.pid)
        return self.code

    def poll(self) -> int | None:
        if self.code is None:
            self.code = _ask(poll=self.pid)
        return self.code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _ask(**question: Any) -> Any:
    process = starter()
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


@functools.cache
def starter() -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.starter"], cwd=ROOT, stdin=pipe, stdout=pipe, text=True
    )
    atexit.register(stop, process)
    return process


def stop(process: subprocess.Popen[str]) -> None:
    with process:
        process.kill()


def main() -> None:
    for name in LIBRARIES.split(", "):
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        ((question, about),) = json.loads(line).items()
        if question == "start":
            child = os.fork()
            if not child:
                become(**about)
                return
            answer: int | None = child
        else:
            answer = ended(about, os.WNOHANG if question == "poll" else 0)
        print(json.dumps(answer), flush=True)


def ended(child: int, how: int) -> int | None:
    pid, status = os.waitpid(child, how)
    return os.waitstatus_to_exitcode(status) if pid else None


def become(arguments: list[str], variables: dict[str, str], out: str, err: str) -> None:
    os.environ.clear()
    os.environ.update(variables)
    write = os.O_CREAT | os.O_WRONLY | os.O_APPEND
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, out, write), (2, err, write)):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    elif arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
