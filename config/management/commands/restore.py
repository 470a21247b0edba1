"""`manage.py restore DIRECTORY`: an empty database becomes what was backed up, and proves it (R12)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from config.operations import manifest, restoring, voiding


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty, provisioned database; end everything that may be used only once"
        " (sign-ins, codes, sessions, refresh tokens, invitations); open the secrets; verify the audit chains."
    )
    requires_system_checks: list[str] = []  # there is no table yet that they could look at

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="a directory that `backup` made")

    def handle(self, *_: Any, directory: Path, **options: Any) -> None:
        known = manifest.read(directory)
        restoring.require_empty()
        restoring.load(directory / known["dump"]["name"])
        ended = {what: count for what, count in voiding.void_open_values().items() if count}
        tenants = restoring.open_secrets()
        self.stdout.write(f"Restored the backup of {known['made_at']} (version {known['version']}).")
        self.stdout.write(f"Ended: {', '.join(f'{n} {what}' for what, n in ended.items()) or 'nothing'}.")
        self.stdout.write(f"The signing keys of {tenants} tenants open.")
        call_command("verify_audit", stdout=self.stdout)
        self.stdout.write(
            "Keys and members that were revoked after the backup are valid again: revoke them, then run"
            " `manage.py migrate --database owner` and start the processes."
        )
