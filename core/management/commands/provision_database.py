"""Creates the database and the roles that the DATABASE_*_URL variables name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import provision

ROLES = {
    "owner": provision.OWNER,
    "default": provision.APP,
    "relay": provision.RELAY,
    "backup": provision.BACKUP,
}


class Command(BaseCommand):
    help = (
        "Create or correct the database and its roles, with the passwords that the DATABASE_*_URL "
        "variables carry. Safe to repeat; run it before the first migrate and after changing a password."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument(
            "--admin-url", help="URL of a superuser, or of a role with CREATEDB and CREATEROLE."
        )
        source.add_argument(
            "--admin-url-file",
            type=Path,
            help="A file holding that URL, which keeps its password out of the process list.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["admin_url_file"]
        admin = path.read_text(encoding="utf-8").strip() if path else options["admin_url"]
        database, passwords = read_databases(settings.DATABASES)
        provision.provision(admin, database, passwords)
        self.stdout.write(f"The database {database} and its roles are in place.")


def read_databases(databases: dict[str, dict[str, Any]]) -> tuple[str, dict[str, str]]:
    """Return the database's name and each role's password; raises CommandError when the URLs disagree."""
    passwords = {}
    for alias, role in ROLES.items():
        if alias not in databases:
            raise CommandError(f"The URL of the {alias} database is not set.")
        if databases[alias]["USER"] != role:
            raise CommandError(f"The URL of the {alias} database must name the role {role}.")
        if not databases[alias]["PASSWORD"]:
            raise CommandError(f"The URL of the {alias} database has no password.")
        passwords[role] = databases[alias]["PASSWORD"]
    names = {databases[alias]["NAME"] for alias in ROLES}
    if len(names) > 1:
        raise CommandError(f"The database URLs name different databases: {', '.join(sorted(names))}.")
    return names.pop(), passwords
