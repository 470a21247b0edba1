"""Consent: per member, client and scope set (OAU-06, threat O9)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from core import ids, scope
from core.postgres.prepared import Prepared
from core.principal import Actor
from events.services import emit
from oauth import families
from oauth.models import Application, Consent


@dataclass(frozen=True)
class Allowed:
    """What a member allows a client now, and what they left out when they were asked.

    It holds `until` then, where that is set, or `within_session`, the present one.
    """

    scopes: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    until: datetime | None = None
    within_session: bool = False


NONE = Allowed()


def column(tenant: str, member: str, session: str) -> str:
    """Return SQL for what `read` reads; the arguments are SQL of our own code, %(application)s and %(now)s values."""
    return f"""(
  SELECT jsonb_build_array(scopes, claims, declined, expires_at, session_id IS NOT NULL) FROM oauth_consent c
   WHERE c.tenant_id = {tenant} AND c.member_id = {member} AND c.application_id = %(application)s
     AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > %(now)s)
     AND (c.session_id IS NULL OR c.session_id = {session}) ORDER BY c.id LIMIT 1)"""  # noqa: S608 — constants


_STANDING = Prepared(f"SELECT {column('%(tenant)s', '%(member)s', '%(session)s')}")


def read(given: str | None) -> Allowed:
    if given is None:
        return NONE
    scopes, claims, declined, until, within_session = json.loads(given)
    ends = datetime.fromisoformat(until) if until else None
    return Allowed(frozenset(scopes), frozenset(claims), frozenset(declined), ends, within_session)


def standing(member_id: uuid.UUID, application_id: uuid.UUID, session_id: uuid.UUID | None = None) -> Allowed:
    """Return what holds now in the open tenant scope; `session_id` is the session that asks."""
    of = {"tenant": scope.require_tenant(), "member": member_id, "application": application_id}
    ((given,),) = _STANDING.all({**of, "session": session_id, "now": timezone.now()})
    return read(given)


def allowed_by(row: Consent) -> Allowed:
    return Allowed(
        frozenset(row.scopes),
        frozenset(row.claims),
        frozenset(row.declined),
        row.expires_at,
        row.session_id is not None,
    )


def given(
    member_id: uuid.UUID, application_id: uuid.UUID, session_id: uuid.UUID | None = None
) -> frozenset[str]:
    """Return the scopes that the member allows the client now, in the open tenant scope."""
    return standing(member_id, application_id, session_id).scopes


@dataclass(frozen=True)
class Life:
    """How long a consent stands: until it is taken back, until `until`, or within one tenant session."""

    until: datetime | None = None
    session_id: uuid.UUID | None = None


def grant(
    *,
    actor: Actor,
    member_id: uuid.UUID,
    application_id: uuid.UUID,
    scopes: Iterable[str],
    claims: Iterable[str] = (),
    declined: Iterable[str] = (),
    session_id: uuid.UUID | None = None,
    life: Life | None = None,
) -> Consent:
    """Add to what the member allows; nothing is written when all of it was allowed before.

    What is declined now is no longer allowed. `life` is that of the whole consent from now on, None leaves it;
    `session_id` is the session that asks.
    """
    row, _created = Consent.objects.select_for_update().get_or_create(
        member_id=member_id, application_id=application_id
    )
    held = _holds(row, session_id)
    before = _values(row) if held else _values(Consent(tenant_id=row.tenant_id))
    refused = tuple(declined)
    after: dict[str, Any] = {
        "scopes": _merged(before["scopes"], scopes, refused),
        "claims": _merged(before["claims"], claims, refused),
    }
    after["declined"] = _merged(before["declined"], refused, (*after["scopes"], *after["claims"]))
    kept = life or Life(before["expires_at"], before["session_id"])
    after |= {"expires_at": kept.until, "session_id": kept.session_id}
    if held and after == before and after["scopes"]:
        return row
    for name, value in after.items():
        setattr(row, name, value)
    row.revoked_at = None
    row.save(update_fields=[*after, "revoked_at", "updated_at"])
    known = bool(before["scopes"])
    previous = {"scopes": before["scopes"], "claims": before["claims"]} if known else None
    name = "consent.updated" if known else "consent.granted"
    emit(name, actor=actor, object=describe(row, actor.id), previous=previous)
    return row


def _holds(row: Consent, session_id: uuid.UUID | None) -> bool:
    is_here = row.session_id is None or row.session_id == session_id
    return is_here and row.revoked_at is None and (row.expires_at is None or row.expires_at > timezone.now())


def _values(row: Consent) -> dict[str, Any]:
    names = ("scopes", "claims", "declined", "expires_at", "session_id")
    return {name: getattr(row, name) for name in names}


def _merged(before: Iterable[str], added: Iterable[str], dropped: Iterable[str]) -> list[str]:
    gone = set(dropped)
    return [word for word in dict.fromkeys((*before, *added)) if word not in gone]


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


def withdraw_given(*, actor: Actor, member_id: uuid.UUID, since: datetime, until: datetime) -> None:
    """Take back what was allowed, or allowed anew, in that time: perhaps by somebody else (threat L5)."""
    rows = Consent.objects.filter(member_id=member_id, revoked_at=None, updated_at__range=(since, until))
    for consent in rows.select_for_update():
        withdraw(actor=actor, consent=consent)


def describe(consent: Consent, subject: str) -> dict[str, object]:
    return {
        "id": consent.public_id,
        "object": "consent",
        "application": ids.encode(Application.PREFIX, consent.application_id),
        "member": subject,
        "scopes": list(consent.scopes),
        "claims": list(consent.claims),
        "declined": list(consent.declined),
        "expires_at": consent.expires_at.isoformat() if consent.expires_at else None,
        "within_session": consent.session_id is not None,
    }
