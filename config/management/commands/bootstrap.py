"""`manage.py bootstrap --email …`: a one-time link for the first operator of a new installation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.bootstrap import services
from core.errors import Problem
from identity import emails


class Command(BaseCommand):
    help = (
        "Print a link with which the first operator makes an account, a workspace and its first tenant. It"
        " works once, expires, and no link works any more once the installation has a tenant."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="the operator's address, taken as proved")
        parser.add_argument("--hours", type=int, default=24, help="how long the link works (1 to 168)")

    def handle(self, *_: Any, email: str, hours: int, **options: Any) -> None:
        if not 1 <= hours <= 168:
            raise CommandError("--hours takes 1 to 168.")
        try:
            link = services.issue_link(address=emails.parse(email), life=timedelta(hours=hours))
        except emails.InvalidAddress:
            raise CommandError(f"{email} is not an e-mail address.") from None
        except Problem as problem:
            raise CommandError(problem.detail or problem.title) from None
        self.stdout.write(
            f"{link}\n\nOpen it within {hours} hours. Whoever has it becomes the first operator."
        )
