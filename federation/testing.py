"""The ticket by which an administrator's page starts a test sign-in at the tenant's own address (ORG-06)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.core import signing

from core.errors import Gone
from core.urls import tenant_path

LIFETIME = 600
SALT = "federation.test"


@dataclass(frozen=True)
class Ticket:
    """Which connection is tested, and by the account of whom; nobody else can use it."""

    connection_id: uuid.UUID
    account_id: uuid.UUID


def address(slug: str, ticket: Ticket) -> str:
    """Return where the test begins."""
    written = signing.dumps([slug, str(ticket.connection_id), str(ticket.account_id)], salt=SALT)
    return f"{tenant_path(slug, 'sso_test')}?ticket={written}"


def read(slug: str, written: str) -> Ticket:
    """Read a ticket of this tenant; raises Gone for any other."""
    try:
        named, connection, account = signing.loads(written, salt=SALT, max_age=LIFETIME)
    except (signing.BadSignature, ValueError):
        raise Gone from None
    if named != slug:
        raise Gone
    return Ticket(uuid.UUID(connection), uuid.UUID(account))
