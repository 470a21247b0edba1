"""What becomes of a tenant's session is told: raised, gone on, ran out; the other tenant hears nothing of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from core import scope
from events import selectors as events
from oauth import expiry
from tenants.models import TenantSession
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, make_cast, make_member, make_organization
from tests.factories.factors import MFA, PASSWORD, add_totp, code_of
from tests.factories.hosted import prefix, sign_in
from tests.factories.people import open_session
from tests.factories.policies import change_organization_policy
from tests.oauth.helpers import Flow, register


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def _real_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")


def told(tenant: TenantRef, name: str) -> list[dict[str, Any]]:
    """Return the data of the tenant's events of this name, oldest first."""
    with scope.tenant(tenant.id):
        rows = events.described(events.stream().filter(type=name).order_by("id"))
        return [events.envelope(row)["data"] for row in rows]


def test_a_step_up_changes_the_assurance_and_says_from_what(cast: Cast) -> None:
    person, browser = make_member(cast.acme), Browser()
    browser.follow(sign_in(browser, cast.acme, person.email))
    key = add_totp(person)
    page = browser.follow(Flow(cast.acme, register(cast.acme), browser).start(acr_values=MFA))
    assert told(cast.acme, "session.assurance_changed") == []
    browser.follow(browser.submit(page, {"code": code_of(key)}))
    [data] = told(cast.acme, "session.assurance_changed")
    assert (data["object"]["acr"], data["previous"]) == (MFA, {"acr": PASSWORD})
    assert data["actor"]["id"] == person.member.subject
    assert told(cast.globex, "session.assurance_changed") == []


def test_signing_in_again_goes_on_in_the_same_session(cast: Cast) -> None:
    browser = Browser()
    browser.follow(sign_in(browser, cast.acme, cast.member.email))
    [began] = told(cast.acme, "session.created")
    assert told(cast.acme, "session.refreshed") == []
    browser.follow(sign_in(browser, cast.acme, cast.member.email, query="?prompt=login"))
    [data] = told(cast.acme, "session.refreshed")
    assert data["object"]["id"] == began["object"]["id"]
    assert told(cast.globex, "session.refreshed") == []


def test_sessions_that_may_last_longer_hide_none_that_ran_out(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may be away for hours is not looked at before whoever may not."""
    monkeypatch.setattr(expiry, "BATCH", 1)
    organization = make_organization(cast.acme, people=[cast.owner])
    change_organization_policy(cast.acme, organization, session_idle=7 * 3600)
    patient, over = open_session(cast.owner, organization), open_session(cast.member)
    here = timezone.now()
    with scope.tenant(cast.acme.id):
        TenantSession.objects.filter(id=patient.id).update(last_active_at=here - timedelta(hours=5))
        TenantSession.objects.filter(id=over.id).update(expires_at=here - timedelta(minutes=1))
        also = open_session(cast.member)
        TenantSession.objects.filter(id=also.id).update(last_active_at=here - timedelta(hours=2))
    while expiry.end_what_ran_out():
        pass
    with scope.tenant(cast.acme.id):
        ends = dict(TenantSession.objects.values_list("id", "end_reason"))
    assert (ends[patient.id], ends[over.id], ends[also.id]) == ("", "expired", "idle")


@pytest.mark.parametrize(("column", "reason"), [("expires_at", "expired"), ("last_active_at", "idle")])
def test_a_session_that_ran_out_is_told_as_that_and_once(cast: Cast, column: str, reason: str) -> None:
    for tenant, person in ((cast.acme, cast.member), (cast.globex, cast.other_member)):
        browser = Browser()
        browser.follow(sign_in(browser, tenant, person.email))
    with scope.tenant(cast.acme.id):
        TenantSession.objects.update(**{column: timezone.now() - timedelta(hours=2)})
    expiry.end_what_ran_out()
    expiry.end_what_ran_out()
    [data] = told(cast.acme, "session.expired")
    assert data["object"]["reason"] == reason
    assert told(cast.acme, "session.ended") == told(cast.globex, "session.expired") == []
    assert Browser().get(f"{prefix(cast.acme)}/sign-in").status_code == 200  # a stranger begins anew
