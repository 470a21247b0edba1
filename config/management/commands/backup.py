"""`manage.py backup DIRECTORY`: the whole database and a manifest of the keys that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.operations import manifest, postgres


class Command(BaseCommand):
    help = (
        "Dump the database as the role backup into a new directory, with a manifest. The keys (SECRET_KEYS,"
        " PEPPERS) are not in it: keep them elsewhere, for without them no secret of the dump opens."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="where to put the backup; must not exist yet")

    def handle(self, *_: Any, directory: Path, **options: Any) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise CommandError(f"{directory} exists. Name a new directory.") from None
        dump = directory / "database.dump"
        dump.touch(mode=0o600)
        # The role sees rows by policy like everyone; pg_dump would otherwise demand to bypass policies.
        postgres.run("pg_dump", "backup", "--format=custom", "--enable-row-security", f"--file={dump}")
        made = manifest.write(directory, dump)
        needed = ", ".join(f"{name} {'/'.join(keys)}" for name, keys in made["keys"].items())
        self.stdout.write(f"{dump}: {dump.stat().st_size / 1e6:.1f} MB. It opens with {needed}.")
