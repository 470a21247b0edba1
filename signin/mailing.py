"""Mails of the hosted pages: links from our own origin, and how many one address and one network may ask for."""

from __future__ import annotations

from django.conf import settings

from core.network import current_network
from identity.emails import Address
from signin import bridge, limits
from signin.interaction import Interaction
from signin.limits import Attempt
from tenants.selectors import TenantRef


def mail_attempts(address: Address) -> list[Attempt]:
    return [Attempt(limits.MAIL_ADDRESS, address.canonical), *mails_here()]


def mails_here() -> list[Attempt]:
    """Return what counts the mails that this network asked for."""
    return [Attempt(limits.MAIL_NETWORK, current_network())]


def absolute(page: str, tenant: TenantRef | None, interaction: Interaction | None, **query: str) -> str:
    """Return a link for a mail, from the configured origin and never from Host (threat L3)."""
    return f"{settings.ORIGIN}{bridge.address(page, tenant, interaction, **query)}"
