"""Adding people before they have an account here."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from core import ports, scope
from core.errors import Conflict
from core.principal import Principal
from identity import emails
from tenants import members, selectors
from tenants.models import Member


def provision_member(
    *,
    actor: Principal,
    email: str,
    name: str = "",
    locale: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Member:
    """Add a pending member: a subject that may be referred to, until its person proves the address.

    Nothing here makes an account or says whether one exists. Raises Conflict for an address that a
    member has already.
    """
    ports.authority.require(actor, "members:write")
    address = emails.read(email)
    _one_at_a_time(address.canonical)
    if selectors.member_by_email(address.canonical) is not None:
        raise Conflict("A member with this address exists already. Search for it by q=.")
    return members.create_member(
        actor=actor.actor, email=address.mailbox, name=name, locale=locale, metadata=metadata
    )


def _one_at_a_time(canonical: str) -> None:
    """Let those who add one address to the tenant pass one after the other, until their transactions end.

    No constraint does it: an address links nobody, so two members may have one by other doors.
    """
    place = f"member:{scope.require_tenant()}:{canonical}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [place])
        cursor.fetchone()
