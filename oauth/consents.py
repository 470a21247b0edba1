"""Consent: per member, client and scope set (OAU-06, threat O9)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.utils import timezone

from core import ids, scope
from core.principal import Actor
from events.services import emit
from oauth import families
from oauth.models import Application, Consent


def given(member_id: uuid.UUID, application_id: uuid.UUID) -> frozenset[str]:
    """Return what the member allows the client now, in the open tenant scope."""
    scopes = Consent.objects.filter(
        tenant_id=scope.require_tenant(), member_id=member_id, application_id=application_id, revoked_at=None
    ).values_list("scopes", flat=True)
    return frozenset(scopes.first() or ())


def grant(*, actor: Actor, member_id: uuid.UUID, application_id: uuid.UUID, scopes: Iterable[str]) -> Consent:
    """Add scopes to what the member allows; nothing is written when they were allowed before."""
    row, created = Consent.objects.select_for_update().get_or_create(
        member_id=member_id, application_id=application_id, defaults={"scopes": []}
    )
    before = [] if row.revoked_at else list(row.scopes)
    after = [*before, *(word for word in scopes if word not in before)]
    if after == before and not created:
        return row
    row.scopes, row.revoked_at = after, None
    row.save(update_fields=["scopes", "revoked_at", "updated_at"])
    name = "consent.updated" if before else "consent.granted"
    emit(name, actor=actor, object=describe(row, actor.id), previous={"scopes": before} if before else None)
    return row


def withdraw(*, actor: Actor, consent: Consent) -> None:
    """Take everything back: the client's codes and tokens for this member end at once (threat O16)."""
    if consent.revoked_at is not None:
        return
    consent.revoked_at = timezone.now()
    consent.save(update_fields=["revoked_at", "updated_at"])
    families.revoke_all(
        member_id=consent.member_id,
        application_id=consent.application_id,
        reason="consent_withdrawn",
        actor=actor,
    )
    emit("consent.revoked", actor=actor, object=describe(consent, actor.id))


def describe(consent: Consent, subject: str) -> dict[str, object]:
    return {
        "id": consent.public_id,
        "object": "consent",
        "application": ids.encode(Application.PREFIX, consent.application_id),
        "member": subject,
        "scopes": list(consent.scopes),
    }
