"""Trusted browsers: one in which a second factor was proved lately need not prove it with every password.

Never where somebody asks for a proof now: `prompt=login`, `max_age`, `acr_values`. How old the proof may
be is judged again by each tenant at its own door (`admission.level_of`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from core import context, ids, scope, secrets
from events.services import emit
from identity import assurance
from identity.models import TrustedBrowser
from identity.services import person
from signin.devices import Browser
from signin.interaction import Interaction
from tenants import selectors
from tenants.policy import TenantPolicy
from tenants.selectors import TenantRef

PURPOSE = "signin.trusted_browser"


@dataclass(frozen=True)
class Trusted:
    """What a password is worth here without a further proof: `acr` empty means what it is by itself."""

    acr: str = ""
    proved_at: datetime | None = None


NO_FACTOR = Trusted()


def days(tenant: TenantRef | None) -> int:
    """Return for how many days a browser may be trusted at this door; at the bare origin the default."""
    if tenant is None:
        return TenantPolicy().trusted_browser_days
    with scope.tenant(tenant.id):
        return selectors.policy().trusted_browser_days


def find(
    account_id: uuid.UUID, browser: Browser, interaction: Interaction, tenant: TenantRef | None
) -> Trusted | None:
    """Return what this browser is trusted with, None where the second factor is due."""
    asked = interaction.max_age is not None or interaction.acr_values or "login" in interaction.prompts
    if browser.is_new or asked:
        return None
    since = timezone.now() - timedelta(days=days(tenant))
    with scope.account(account_id):
        row = TrustedBrowser.objects.filter(
            account_id=account_id, digest__in=_digests(account_id, browser), proved_at__gt=since
        ).first()
    return Trusted(assurance.MULTI_FACTOR, row.proved_at) if row else None


def remember(account_id: uuid.UUID, browser: Browser, acr: str) -> None:
    """Trust this browser from now on, in the open account scope."""
    fields = {"proved_at": timezone.now(), "acr": acr, "user_agent": context.current().user_agent[:300]}
    digest = _digests(account_id, browser)[0]
    row, _ = TrustedBrowser.objects.update_or_create(account_id=account_id, digest=digest, defaults=fields)
    described = {"id": ids.encode(TrustedBrowser.PREFIX, row.id), "object": "device"}
    emit("device.trusted", actor=person(account_id), object=described)


def _digests(account_id: uuid.UUID, browser: Browser) -> list[str]:
    return secrets.fingerprints(f"{account_id}:{browser.value}", PURPOSE)
