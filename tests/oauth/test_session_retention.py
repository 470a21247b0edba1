"""Sessions that ended a month ago are forgotten with addresses and browsers; what descends from one keeps it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core import housekeeping, scope
from oauth.models import RefreshToken
from tenants.models import RevokedToken, TenantSession
from tenants.selectors import TenantRef
from tests.factories import make_cast
from tests.factories.people import open_session
from tests.oauth.helpers import flow

LONG_AGO = timedelta(days=31)


@pytest.fixture
def cast() -> Any:
    return make_cast()


def end(tenant: TenantRef, session_id: uuid.UUID, ago: timedelta) -> uuid.UUID:
    with scope.tenant(tenant.id):
        TenantSession.objects.filter(id=session_id).update(ended_at=timezone.now() - ago, end_reason="idle")
    return session_id


def left(tenant: TenantRef) -> set[uuid.UUID]:
    with scope.tenant(tenant.id):
        return set(TenantSession.objects.values_list("id", flat=True))


def test_a_month_after_its_end_a_session_is_forgotten_in_every_tenant(cast):
    mine = [open_session(cast.member) for _ in range(3)]
    old = end(cast.acme, mine[0].id, LONG_AGO)
    recent = end(cast.acme, mine[1].id, timedelta(days=29))
    theirs = end(cast.globex, open_session(cast.other_member).id, LONG_AGO)
    housekeeping.run()
    assert old not in left(cast.acme)
    assert {recent, mine[2].id} <= left(cast.acme)
    assert theirs not in left(cast.globex)


def test_F6_what_descends_from_a_session_keeps_it_for_whoever_closes_its_connection(cast):
    run = flow(cast.member)
    first = run.tokens(scope="openid offline_access")
    with scope.tenant(cast.acme.id):
        token = RefreshToken.objects.get(application=run.app.application)
    assert token.session_id
    end(cast.acme, token.session_id, LONG_AGO)
    housekeeping.run()
    assert token.session_id in left(cast.acme)
    assert run.refresh(first["refresh_token"]).status_code == 200, "offline access outlives its session"
    with scope.tenant(cast.acme.id):
        RefreshToken.objects.filter(application=run.app.application).update(expires=timezone.now())
    housekeeping.run()
    housekeeping.run()
    assert token.session_id not in left(cast.acme)


def test_a_revoked_token_is_forgotten_when_it_has_run_out(cast):
    now = timezone.now()
    with scope.tenant(cast.acme.id):
        RevokedToken.objects.create(jti="over", expires_at=now - timedelta(seconds=1))
        RevokedToken.objects.create(jti="alive", expires_at=now + timedelta(minutes=5))
    housekeeping.run()
    with scope.tenant(cast.acme.id):
        assert list(RevokedToken.objects.values_list("jti", flat=True)) == ["alive"]
