"""Adding people before they have an account here."""

from __future__ import annotations

from collections.abc import Mapping

from core import ports
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
    if selectors.member_by_email(address.canonical) is not None:
        raise Conflict("A member with this address exists already. Search for it by q=.")
    return members.create_member(
        actor=actor.actor, email=address.mailbox, name=name, locale=locale, metadata=metadata
    )
