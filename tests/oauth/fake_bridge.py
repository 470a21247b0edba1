"""A stand-in for the hosted sign-in: a header names the person, so that authorization is tested by itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponseRedirect
from django.utils import timezone

from core import scope
from oauth import consents
from signin.bridge import count_device_guess  # noqa: F401 — the real limits
from tenants import selectors, sessions
from tenants.models import TenantSession


@dataclass
class FakeSignedIn:
    account_id: uuid.UUID
    member: Any
    identity_session_id: uuid.UUID
    session: TenantSession
    auth_time: datetime
    amr: tuple[str, ...] = ("pwd",)
    acr: str = "urn:claviger:acr:pwd"
    organization_id: uuid.UUID | None = None
    allowed: consents.Allowed = consents.NONE


OFFERED = ("urn:claviger:acr:pwd",)  # a test may offer more
signed: dict[str, FakeSignedIn] = {}  # by the value of the cookie "fake"


def enter(
    browser: Any, person: Any, *, organization: Any = None, auth_time: datetime | None = None
) -> FakeSignedIn:
    """Sign a person in to their tenant in this browser."""
    with scope.tenant(person.tenant.id):
        member = selectors.member_by_account(person.account_id)
        session = sessions.open_session(
            member=member,
            identity_session_id=uuid.uuid4(),
            acr="urn:claviger:acr:pwd",
            amr=["pwd"],
            auth_time=auth_time or timezone.now(),
            organization_id=organization.id if organization else None,
        )
    known = FakeSignedIn(
        person.account_id, member, uuid.uuid4(), session, auth_time or timezone.now(),
        organization_id=session.organization_id,
    )  # fmt: skip
    value = uuid.uuid4().hex
    signed[value] = known
    browser.cookies["fake"] = value
    return known


def recognise(request: Any) -> None:
    """Nothing: the cookie says it all."""


def signed_in(request: Any, tenant: Any, *, application_id: Any = None) -> FakeSignedIn | None:
    known = signed.get(request.COOKIES.get("fake", ""))
    if known is None or known.session.tenant_id != tenant.id:
        return None
    with scope.tenant(tenant.id):
        known.session = TenantSession.objects.get(id=known.session.id)
        known.organization_id = known.session.organization_id
        known.member = selectors.members().filter(id=known.member.id).first()
        if application_id and known.member:
            known.allowed = consents.standing(known.member.id, application_id, known.session.id)
    alive = known.session.ended_at is None and known.member is not None and known.member.is_active
    return known if alive else None


def begin(
    request: Any, tenant: Any, *, next_url: str, prompt: str = "", max_age: Any = None, **more: Any
) -> Any:
    return HttpResponseRedirect(
        f"/t/{tenant.slug}/sign-in?{urlencode({'next': next_url, 'prompt': prompt, **more})}"
    )


def offered_acrs(tenant: Any) -> tuple[str, ...]:
    return OFFERED


def sign_out(request: Any, response: Any, *, everywhere: bool = False) -> None:
    known = signed.get(request.COOKIES.get("fake", ""))
    if known is None:
        return
    with scope.tenant(known.session.tenant_id):
        sessions.end_session(known.session, "signed_out")
    if everywhere:
        signed.pop(request.COOKIES["fake"])
