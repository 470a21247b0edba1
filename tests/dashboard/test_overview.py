"""The overview: what wants attention, how people sign in, and nothing of it from elsewhere (ADM-07)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.models import ApiKey
from core import scope
from core.principal import Actor
from events.services import emit
from tenants.selectors import TenantRef
from tests.dashboard.test_frame import signed_in
from tests.factories import Cast, Person, make_cast, make_member
from tests.factories.factors import add_totp, code_of
from tests.factories.hosted import elsewhere, sign_in
from tests.oauth.test_key_grant import issue
from webhooks.models import Endpoint, EndpointStatus


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def overview(person: Person, tenant: TenantRef) -> str:
    html = signed_in(person).get(f"/dashboard/{tenant.slug}/").content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


def test_a_quiet_tenant_has_nothing_that_wants_attention(cast: Cast) -> None:
    assert "Needs attention" not in overview(cast.owner, cast.acme)


def test_attacks_keys_and_endpoints_are_named_until_they_are_dealt_with(cast: Cast) -> None:
    key = issue(cast.acme).key
    with scope.tenant(cast.acme.id):
        described = {"id": "flow_00000000000000000000000000", "object": "sign_in", "reason": "account"}
        emit("attack.brute_force.detected", actor=Actor("user", "unknown"), object=described)
        ApiKey.objects.filter(id=key.id).update(
            expires_at=timezone.now() + timedelta(days=3), exposed_at=timezone.now()
        )
        Endpoint.objects.create(url="https://hooks.example/x", events=["*"], status=EndpointStatus.DISABLED)
    shown = overview(cast.owner, cast.acme)
    for words in (
        "1 attack on sign-in in the last 7 days",
        "1 API key was sent in clear",
        "1 API key expires within 14 days",
        "1 webhook endpoint gets no events",
    ):
        assert words in shown
    assert "Needs attention" not in overview(cast.other_owner, cast.globex)
    with scope.tenant(cast.acme.id):
        ApiKey.objects.filter(id=key.id).update(revoked_at=timezone.now())
    assert (
        "API key"
        not in overview(cast.owner, cast.acme).partition("Needs attention")[2].partition("Lately")[0]
    )


def test_A6_nobody_is_shown_what_their_role_does_not_read(cast: Cast) -> None:
    helper = make_member(cast.acme, roles=["support"])
    with scope.tenant(cast.acme.id):
        described = {"id": "flow_00000000000000000000000000", "object": "sign_in", "reason": "account"}
        emit("attack.brute_force.detected", actor=Actor("user", "unknown"), object=described)
        Endpoint.objects.create(url="https://hooks.example/x", events=["*"], status=EndpointStatus.DISABLED)
    assert "webhook endpoint" not in overview(helper, cast.acme)


def test_sign_ins_are_counted_by_method_and_by_strength(cast: Cast) -> None:
    plain, strong = make_member(cast.acme), make_member(cast.acme)
    key = add_totp(strong)
    browser = elsewhere()
    browser.follow(sign_in(browser, cast.acme, plain.email))
    browser = elsewhere()
    asked = browser.follow(sign_in(browser, cast.acme, strong.email))
    browser.follow(browser.submit(asked, {"code": code_of(key)}))
    shown = overview(cast.owner, cast.acme)
    assert "The latest 2 sign-ins." in shown
    assert re.search(r"Password 100 %", shown)
    assert re.search(r"More than a password 50 %", shown)
    assert "Nobody has signed in yet." in overview(cast.other_owner, cast.globex)
