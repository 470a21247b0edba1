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
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = (
    "argon2, celery.app.amqp, celery.app.base, celery.bin.celery, cryptography.x509, django.core.management,"
    " django.db.backends.postgresql.base, django.db.models, django.forms, django.http, django.template, django.test,"
    " django.urls, django.views.generic, drf_spectacular, httpx, joserfc.jwe, joserfc.jwt, jwcrypto.jwk, kombu,"
    " oauthlib.oauth2, prometheus_client, psycopg, psycopg.types.json, psycopg_pool, redis, redis.asyncio, requests,"
    " rich.traceback, structlog, webauthn, yaml"
)


def run(arguments: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Python's `arguments` ("-c" and code, or a file and its own) at the root under these variables alone."""
    with tempfile.TemporaryDirectory(prefix="claviger-start-") as place:
        out, err = Path(place, "out"), Path(place, "err")
        asked = {"arguments": arguments, "variables": dict(variables), "out": str(out), "err": str(err)}
        process = starter()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


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
        asked = json.loads(line)
        child = os.fork()
        if not child:
            become(**asked)
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(arguments: list[str], variables: dict[str, str], out: str, err: str) -> None:
    os.environ.clear()
    os.environ.update(variables)
    write = os.O_CREAT | os.O_WRONLY
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, out, write), (2, err, write)):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
