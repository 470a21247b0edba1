"""Databases of their own: these tests need installations that are empty, or only theirs."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from core import provision
from embedded import environment
from embedded.postgres import Postgres
from tests import servers, starter


class Database:
    """One database with the roles of the product, and `manage.py` on it."""

    def __init__(self, home: Path, *, migrated: bool) -> None:
        self.home = home
        self.name = f"test_{os.environ[servers.RUN]}_{uuid.uuid4().hex[:10]}"
        self.postgres = Postgres(servers.HOME, durable=False)
        self.keys = environment.generated_keys(servers.HOME / "keys.json")
        if migrated:
            servers.copy_database(self.postgres, os.environ[servers.TEMPLATE], self.name)
        else:
            passwords = environment.role_passwords(self.keys)
            provision.provision(self.postgres.conninfo(), self.name, passwords)

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a management command on this database; `variables` win over the usual environment."""
        passwords = environment.role_passwords(self.keys)
        urls = environment.database_urls(self.postgres, self.name, passwords)
        return starter.run(
            ["manage.py", *arguments],
            {**os.environ, **urls, "VAR_DIR": str(self.home), **variables},
            set_up=True,
        )

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Read as the administrator."""
        with psycopg.connect(self.postgres.conninfo(self.name)) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    def drop(self) -> None:
        servers.drop_databases(self.postgres, f"{self.name}$")


@pytest.fixture(scope="module")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Database]]:
    made: list[Database] = []

    def make(*, migrated: bool) -> Database:
        made.append(Database(tmp_path_factory.mktemp("installation"), migrated=migrated))
        return made[-1]

    yield make
    for database in made:
        database.drop()
