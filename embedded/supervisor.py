"""The development supervisor behind `./bin/dev`: servers, migrations, web, worker, beat and sealer.

One per clone: it holds `var/dev.lock` while it runs; a second start prints where the first one is.
Every child has a process group of its own and dies with the supervisor, however that ends.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO
from urllib.error import HTTPError

from core import provision
from embedded import children, console, demo, environment, migrations, programs
from embedded.children import Child
from embedded.files import EmbeddedError, private_directory, write_private
from embedded.postgres import Postgres
from embedded.process import Launch
from embedded.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "claviger"
STOP_SECONDS = 8.0
WEB_SECONDS = 60.0


class Supervisor:
    """Brings everything up, keeps it up, takes it down."""

    def __init__(self, port: int, *, examples: bool = False) -> None:
        self.port, self.examples = port, examples
        self.var = private_directory(Path(os.environ.get("VAR_DIR") or ROOT / "var"))
        self.servers: list[Child] = []
        self.application: list[Child] = []
        self.stopping = False

    @property
    def origin(self) -> str:
        return os.environ["ORIGIN"]

    def run(self) -> int:
        """Return the exit status; blocks until a signal stops it."""
        lock = self._lock()
        if lock is None:
            return self._point_to_running()
        with lock:
            check_port(self.port)
            self._listen_for_signals()
            try:
                self._start()
                while not self.stopping:
                    children.revive([*self.servers, *self.application])
                    time.sleep(0.1)
            except EmbeddedError:
                if not self.stopping:  # a start that was interrupted fails somewhere, and that is no error
                    raise
            finally:
                self._stop()
        return 0

    def _start(self) -> None:
        keys = environment.generated_keys(self.var / "keys.json")
        os.environ.update(self._settings(keys))
        self._start_servers(keys)
        if self.stopping:
            return
        self._tell_environment()
        seeding = self._seed()
        self._start_application(seeding)
        if not self.stopping:
            self._welcome(first=seeding is not None)

    def _settings(self, keys: dict[str, str]) -> dict[str, str]:
        settings = {
            "CLAVIGER_ENV": "development",
            "ORIGIN": f"http://localhost:{self.port}",
            "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
            "VAR_DIR": str(self.var),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
        }
        given = {name: value for name in settings if (value := os.environ.get(name))}
        return settings | given | environment.application_keys(keys)

    def _tell_environment(self) -> None:
        """Write the variables under which `manage.py` works on this installation; the file holds its keys."""
        told = {name: os.environ[name] for name in environment.VARIABLES if os.environ.get(name)}
        write_private(self.var / "environment.json", json.dumps(told, indent=2))

    def _start_servers(self, keys: dict[str, str]) -> None:
        if not os.environ.get("REDIS_URL"):
            valkey = Valkey(self.var / "valkey")
            os.environ["REDIS_URL"] = valkey.url
            self._add_server(Child("valkey", valkey.launch, valkey.prepare, valkey.is_ready))
        if not os.environ.get("DATABASE_URL"):
            self._start_postgres(keys)
        for server in self.servers:
            server.wait_ready(30, self._interrupted)

    def _start_postgres(self, keys: dict[str, str]) -> None:
        postgres = Postgres(self.var / "postgres")
        passwords = environment.role_passwords(keys)
        os.environ.update(environment.database_urls(postgres, DATABASE, passwords))
        child = Child(
            "postgres", postgres.launch, postgres.prepare, postgres.is_ready, stop_signal=signal.SIGINT
        )
        self._add_server(child)
        child.wait_ready(30, self._interrupted)
        if not self.stopping:
            provision.provision(postgres.conninfo(), DATABASE, passwords)
            self._migrate(postgres.home / "migrated")

    def _add_server(self, child: Child) -> None:
        child.number = len(self.servers)
        self.servers.append(child)
        child.start()

    def _migrate(self, stamp: Path) -> None:
        """Migrate as owner, unless the files that decide it are those of the last time."""
        digest = migrations.digest(ROOT)
        if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
            return
        console.say("Applying the migrations …")
        manage("migrate", "--skip-checks", "--database", "owner", "--verbosity", "0")
        write_private(stamp, digest)

    def _seed(self) -> Future[None] | None:
        """Begin to make the demo on the first run, beside the start of the pages."""
        known = any(ROOT.glob("*/management/commands/demo.py"))
        if not known or (self.var / "demo.json").exists():
            return None
        console.say("Seeding the demo …")
        return ThreadPoolExecutor(1).submit(manage, "demo")

    def _start_application(self, seeding: Future[None] | None) -> None:
        first = len(self.servers)
        for number, (name, arguments) in enumerate(programs.all_of(self.port, self.var), first):
            if name == "example" and not self.examples:
                continue
            launch = Launch([sys.executable, *arguments], directory=ROOT)
            child = Child(name, lambda launch=launch: launch, number=number)  # type: ignore[misc]
            if name == "web":
                child.is_ready = self._answers
            self.application.append(child)
            child.start()
            if name == "web":  # the rest may take the processor once the pages are there
                child.wait_ready(WEB_SECONDS, self._interrupted)
                if seeding is not None:
                    seeding.result()

    def _answers(self) -> bool:
        """Whether the web process answers, whatever it says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                return True
        except HTTPError:
            return True
        except OSError:
            return False

    def _welcome(self, *, first: bool) -> None:
        write_private(self.var / "dev.json", json.dumps({"pid": os.getpid(), "origin": self.origin}))
        lines = ["", f"Claviger runs at {self.origin}", *demo.lines(self.var / "demo.json")]
        if first:
            lines.append("The demo was made just now; remove var/ to begin again.")
        console.say("\n".join([*lines, f"Data and keys are in {self.var}. Stop with Ctrl-C.", ""]))

    def _stop(self) -> None:
        """End the application first, so that the servers see no broken connection."""
        (self.var / "dev.json").unlink(missing_ok=True)
        children.stop(self.application, STOP_SECONDS)
        children.stop(self.servers, STOP_SECONDS)
        console.say("Claviger has stopped.")

    def _lock(self) -> IO[str] | None:
        handle = (self.var / "dev.lock").open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            return None
        return handle

    def _point_to_running(self) -> int:
        try:
            running = json.loads((self.var / "dev.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            console.say("Claviger is already starting in another terminal; wait for it there.")
            return 0
        console.say(f"Claviger already runs at {running['origin']} (process {running['pid']}).")
        return 0

    def _listen_for_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asked to outlive the terminal
            signal.signal(signal.SIGHUP, self._interrupt)

    def _interrupt(self, *_: object) -> None:
        self.stopping = True

    def _interrupted(self) -> bool:
        return self.stopping


def manage(*arguments: str) -> None:
    """Run a management command; raises EmbeddedError with its output when it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise EmbeddedError(f"manage.py {' '.join(arguments)} failed; see above.")


def check_port(port: int) -> None:
    """Raise EmbeddedError when another program listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EmbeddedError(
                f"Port {port} is not free ({error.strerror}). Choose another: ./bin/dev --port {port + 1}"
            ) from error


def read_port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("must be a number from 1 to 65535")
    return int(text)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./bin/dev", description="Run Claviger on this machine.")
    port = os.environ.get("PORT") or "8000"
    parser.add_argument(
        "--port", type=read_port, default=port, help=f"where the pages are served (default {port})"
    )
    parser.add_argument("--examples", action="store_true", help="also run the example application")
    return parser.parse_args(arguments)


def main() -> int:
    options = parse(sys.argv[1:])
    try:
        return Supervisor(options.port, examples=options.examples).run()
    except EmbeddedError as error:
        console.complain(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
