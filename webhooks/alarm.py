"""Mail to those who can mend an endpoint that was disabled (events.md §3, rule 7)."""

from __future__ import annotations

from core import ports
from core.urls import absolute
from roles import selectors as roles
from roles.permissions import Permission
from tenants import selectors as tenants
from webhooks.models import Endpoint

MOST_MAILS = 50


def tell_administrators(endpoint: Endpoint) -> None:
    """Promise a mail to each who may change the endpoint, in the transaction that disables it."""
    slug = tenants.tenant().slug
    link = absolute("origin", "dashboard", slug=slug) + f"webhooks/{endpoint.public_id}"
    context = {"url": endpoint.url, "reason": endpoint.status_reason, "link": link}
    for member in roles.who_may(Permission.WEBHOOKS_WRITE, endpoint.organization_id)[:MOST_MAILS]:
        if member.email:
            ports.mail.send(
                "webhook_disabled",
                member.email,
                tenant_id=endpoint.tenant_id,
                context=context,
                locale=member.locale,
            )
