"""pytest plugin: real servers before Django's settings load (`-p tests.servers` in pyproject.toml).

One PostgreSQL cluster in `.test/` is shared by all test runs of this clone; it stays up while any run
holds it and the last one stops it. A template database is migrated once per state of the migrations, while
the workers read the tests; each worker gets its own copy and its own Valkey, and finds both in its
environment, so settings need no test branch. Nothing is rolled back or flushed: tests commit, and isolate by
fresh tenants.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import IO

import psycopg
import pytest
from psycopg import sql

from core import provision
from embedded import environment, migrations, process
from embedded.files import EmbeddedError, exclusive, private_directory
from embedded.postgres import Postgres
from embedded.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("TEST_VAR_DIR") or ROOT / ".test")
RUN, TEMPLATE = "CLAVIGER_TEST_RUN", "CLAVIGER_TEST_TEMPLATE"
TEMPLATES_KEPT = 3
ORIGIN = "http://localhost:8000"
NOWHERE = "unix:///nonexistent?db=0"


class Servers:
    """What this process holds: in the controller the shared cluster, in a worker its database and Valkey."""

    def __init__(self) -> None:
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        self.postgres = Postgres(private_directory(HOME), durable=False)
        self.keys = environment.generated_keys(HOME / "keys.json")
        self.users: IO[str] | None = None
        self.scratch = Path(tempfile.mkdtemp(prefix="claviger-test-"))
        self.database = ""
        self.cache: subprocess.Popen[bytes] | None = None
        self.template: Future[str] | None = None

    def start(self, *, distributed: bool) -> None:
        """Bring up what this process needs; a controller that distributes runs no test itself."""
        if not self.worker:
            self._hold_cluster()
            os.environ[RUN] = f"{os.getpid()}"
            os.environ[TEMPLATE] = template_name()
            if not distributed:
                ensure_template(self.postgres, self.keys)
        if self.worker or not distributed:
            self.database = f"test_{os.environ[RUN]}_{self.worker or 'main'}"
            self._own_valkey()
        else:
            # The workers read the tests meanwhile.
            self.template = ThreadPoolExecutor(1).submit(ensure_template, self.postgres, self.keys)
            self._point_at("no_database_here", NOWHERE)

    def make_database(self) -> None:
        """Copy this process's database; raises EmbeddedError when the migrations fail."""
        template = ensure_template(self.postgres, self.keys)
        copy_database(self.postgres, template, self.database)

    def stop(self) -> None:
        if self.template is not None:
            wait([self.template])
        if self.cache is not None:
            self.cache.kill()
            self.cache.wait()
        if self.database:
            drop_databases(self.postgres, f"{self.database}$")
        if self.users is not None:
            drop_databases(self.postgres, rf"test_{os.getpid()}_\w+$")
            self._release_cluster(self.users)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _hold_cluster(self) -> None:
        # The gate keeps a last user from stopping the cluster between our attach and our hold.
        with exclusive(HOME / "gate.lock"):
            self.postgres.attach(HOME / "postgres.log")
            self.users = (HOME / "users.lock").open("a")
            fcntl.flock(self.users, fcntl.LOCK_SH)
        provision.provision_roles(self.postgres.conninfo(), environment.role_passwords(self.keys))
        drop_abandoned(self.postgres)

    def _release_cluster(self, users: IO[str]) -> None:
        with users, exclusive(HOME / "gate.lock"):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # another run goes on; it will be the one to stop the cluster
            self.postgres.stop()

    def _own_valkey(self) -> None:
        valkey = Valkey(self.scratch / "valkey", durable=False)
        with (self.scratch / "valkey.log").open("ab") as log:
            self.cache = process.spawn(valkey.launch(), output=log)
        self._point_at(self.database, valkey.url)

    def _point_at(self, database: str, redis_url: str) -> None:
        passwords = environment.role_passwords(self.keys)
        os.environ.update(environment.database_urls(self.postgres, database, passwords))
        os.environ.update(settings_for_tests(self.keys, self.scratch), REDIS_URL=redis_url)


def settings_for_tests(keys: dict[str, str], var: Path) -> dict[str, str]:
    """Return the variables that do not depend on a database; the person's own settings do not leak in."""
    secrets = {name: keys[name] for name in ("DJANGO_SECRET_KEY", "SECRET_KEYS", "PEPPERS")}
    return secrets | {
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings"),
        "CLAVIGER_ENV": "test",
        "ORIGIN": ORIGIN,
        "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "VAR_DIR": str(var),
        "OUTBOUND_ALLOW": "",
        "TRUSTED_PROXIES": "0",
    }


def template_name() -> str:
    return f"claviger_template_{migrations.digest(ROOT)}"


def ensure_template(postgres: Postgres, keys: dict[str, str]) -> str:
    """Return the template database of the present migrations, migrating one when there is none.

    It gets its name only when it is complete, so an interrupted migration leaves nothing that is used.
    """
    name = template_name()
    with exclusive(HOME / "template.lock"):
        if name not in databases(postgres, "claviger_template_"):
            draft = f"{name}_draft"
            drop_databases(postgres, f"{draft}$")
            provision.provision(postgres.conninfo(), draft, environment.role_passwords(keys))
            _migrate(postgres, keys, draft)
            _administer(postgres, "ALTER DATABASE {} RENAME TO {}", draft, name)
            _drop_old_templates(postgres, keep=name)
    return name


def _migrate(postgres: Postgres, keys: dict[str, str], database: str) -> None:
    passwords = environment.role_passwords(keys)
    variables = environment.database_urls(postgres, database, passwords)
    variables |= settings_for_tests(keys, HOME) | {"REDIS_URL": NOWHERE}
    command = [
        sys.executable,
        str(ROOT / "manage.py"),
        "migrate",
        "--skip-checks",
        "--database",
        "owner",
        "--verbosity",
        "0",
    ]
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EmbeddedError(f"The migrations fail, so no test can run:\n{done.stderr or done.stdout}")


def databases(postgres: Postgres, prefix: str) -> list[str]:
    """Return the databases whose name starts with `prefix`, newest first."""
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC"
    with psycopg.connect(postgres.conninfo()) as connection:
        return [row[0] for row in connection.execute(query, [prefix])]


def copy_database(postgres: Postgres, template: str, name: str) -> None:
    """Make a database out of a template; raises EmbeddedError when someone is connected to the template."""
    provision.create_database(postgres.conninfo(), name, template=template)
    provision.secure_database(postgres.conninfo(), name)


def drop_databases(postgres: Postgres, pattern: str) -> None:
    for name in databases(postgres, ""):
        if re.match(pattern, name):
            _administer(postgres, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def drop_abandoned(postgres: Postgres) -> None:
    """Drop what runs that were killed left behind."""
    for name in databases(postgres, "test_"):
        run = name.split("_")[1]
        if run.isdigit() and not process.is_alive(int(run)):
            _administer(postgres, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _drop_old_templates(postgres: Postgres, *, keep: str) -> None:
    finished = [name for name in databases(postgres, "claviger_template_") if not name.endswith("_draft")]
    for name in finished[TEMPLATES_KEPT:]:
        if name != keep:
            _administer(postgres, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _administer(postgres: Postgres, statement: str, *names: str) -> None:
    with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


_servers: Servers | None = None


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start the servers before pytest-django reads the settings."""
    global _servers
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        try:
            _servers = Servers()
            _servers.start(distributed=bool(getattr(options, "numprocesses", None)))
        except EmbeddedError as error:
            raise pytest.UsageError(str(error)) from error
        finally:
            atexit.register(_stop)  # also when pytest gives up before it would say goodbye
    return (yield)


def make_database() -> None:
    """Make the database that the settings name, before the first test."""
    assert _servers is not None
    _servers.make_database()


class Waiting:
    """In a controller: no test is given out before there is a template to copy."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        assert _servers is not None
        assert _servers.template is not None
        try:
            _servers.template.result()
        except EmbeddedError as error:
            pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)


def pytest_configure(config: pytest.Config) -> None:
    if _servers is not None and _servers.template is not None:
        config.pluginmanager.register(Waiting())


def pytest_unconfigure() -> None:
    _stop()


def _stop() -> None:
    global _servers
    if _servers is not None:
        _servers.stop()
        _servers = None
