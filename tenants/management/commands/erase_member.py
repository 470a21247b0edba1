"""Erases what a tenant knows of a removed member, for operators."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import scope
from core.errors import Problem
from core.principal import SYSTEM
from tenants import erasure, selectors


class Command(BaseCommand):
    help = (
        "Erase the personal data of a removed member: the tenant's copy, sessions, invitations, and the"
        " personal values in events. The audit chain stays valid. There is no way back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subject", help="The member's subject, sub_…")
        parser.add_argument("--tenant", required=True, help="The slug of the tenant.")
        parser.add_argument("--reason", default="", help="Kept in the audit log; name nobody in it.")

    def handle(self, *args: Any, subject: str, tenant: str, reason: str, **options: Any) -> None:
        found = selectors.by_slug(tenant)
        if found is None:
            raise CommandError(f"No tenant has the slug {tenant}.")
        try:
            with scope.tenant(found.id):
                member = selectors.any_member_by_subject(subject)
                gone = erasure.erase(actor=SYSTEM, member=member, reason=reason)
        except Problem as problem:
            raise CommandError(f"{problem.title}. {problem.detail}") from None
        self.stdout.write(f"Erased {subject}: {gone} personal values in events are gone.")
