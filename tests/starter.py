"""Commands in processes of their own that start in a third of the time.

Most of a start is reading modules. One process for each worker has read the libraries and forks for every
command; settings and the product's own modules are read by the fork, under the variables it was given. Another,
for who does not try out how the product starts, has read the product too; its forks read the settings again.
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
import threading
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


def run(
    arguments: list[str], variables: Mapping[str, str], *, set_up: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run Python's `arguments` ("-c" and code, "-m" and a module, or a file, and their own) under these variables.

    With `set_up` the product has been read before, under the variables of this process.
    """
    with tempfile.TemporaryDirectory(prefix="claviger-start-") as place:
        out, err = Path(place, "out"), Path(place, "err")
        code = start(arguments, variables, out, err, set_up=set_up).wait()
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


def start(
    arguments: list[str],
    variables: Mapping[str, str],
    out: Path,
    err: Path | None = None,
    *,
    set_up: bool = False,
) -> Started:
    """Start what `run` runs and go on; both outputs are added to `out` when there is no `err`."""
    asked = {"arguments": arguments, "variables": dict(variables), "out": str(out), "err": str(err or out)}
    return Started(starter(set_up), _ask(starter(set_up), start=asked))


@dataclass
class Started:
    """A process that the starter forked; only its parent can ask how it ended."""

    parent: subprocess.Popen[str]
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
            self.code = _ask(self.parent, wait=self.pid)
        return self.code

    def poll(self) -> int | None:
        if self.code is None:
            self.code = _ask(self.parent, poll=self.pid)
        return self.code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _ask(process: subprocess.Popen[str], **question: Any) -> Any:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


@functools.cache
def starter(set_up: bool) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "tests.starter", *(["set-up"] if set_up else [])]
    process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    atexit.register(stop, process)
    return process


def stop(process: subprocess.Popen[str]) -> None:
    with process:
        process.kill()


def main() -> None:
    for name in LIBRARIES.split(", "):
        importlib.import_module(name)
    if sys.argv[1:] == ["set-up"]:
        set_up_product()
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


def set_up_product() -> None:
    """Read all that a command reads, and call nothing that would keep what a setting says."""
    import django

    django.setup()
    for name in ("config.celery", "config.urls", "config.wsgi"):
        importlib.import_module(name)


def forget_settings() -> None:
    """Let settings be read again, and what Django keeps of them."""
    if "config.settings" not in sys.modules:
        return
    from django.conf import empty, settings
    from django.db import connections

    del sys.modules["config.settings"]
    vars(settings).clear()
    settings._wrapped = empty
    connections._settings = None
    vars(connections).pop("settings", None)
    connections._connections = threading.local()  # type: ignore[attr-defined]


def ended(child: int, how: int) -> int | None:
    pid, status = os.waitpid(child, how)
    return os.waitstatus_to_exitcode(status) if pid else None


def become(arguments: list[str], variables: dict[str, str], out: str, err: str) -> None:
    os.environ.clear()
    os.environ.update(variables)
    forget_settings()
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
