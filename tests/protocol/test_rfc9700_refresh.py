"""RFC 6749 §6 and RFC 9700 §4.14: refresh tokens in families."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from core import housekeeping, scope
from core.principal import SYSTEM, Actor
from events.models import Event
from oauth import applications, consents
from oauth.models import Consent, RefreshToken
from tenants import members, sessions
from tenants.models import TenantSession
from tests.factories import admin_principal, make_member, make_principal
from tests.oauth import fake_bridge
from tests.oauth.helpers import USER_SCOPES, Flow, bearer_get, claims, flow, register, token

OFFLINE = "openid offline_access members:read"


def session_of(run):
    return fake_bridge.signed[run.browser.cookies["fake"].value].session


@pytest.mark.parametrize("type", ["web", "spa", "native"])
def test_refresh_rotates_and_gives_a_new_id_token(cast, type):
    """OAU-07; OIDC Core §12.2."""
    redirects = ["http://127.0.0.1/cb"] if type == "native" else ["https://app.example/callback"]
    run = flow(cast.member, type, redirect_uris=redirects)
    first = run.tokens()
    second = run.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert claims(second["access_token"])["jti"] != claims(first["access_token"])["jti"]
    old, new = claims(first["id_token"]), claims(second["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "sid"):
        assert old[name] == new[name]
    assert "nonce" not in new


def test_O4_reused_token_kills_the_family_and_raises_an_event(cast):
    """RFC 9700 §4.14.2."""
    run = flow(cast.member)
    first = run.tokens()
    second = run.refresh(first["refresh_token"]).json()
    assert run.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert run.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    for body in (first, second):
        assert bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).status_code == 401
    with scope.tenant(cast.acme.id):
        event = Event.objects.filter(type="token.reuse_detected").order_by("-id").first()
    assert event.actor_id == run.app.application.client_id


@pytest.mark.parametrize("round", range(2))
def test_O4_raced_refresh_succeeds_once_and_leaves_the_family_dead(cast, round):
    run = flow(cast.member)
    first = run.tokens()

    def attempt(_):
        try:
            answer = run.refresh(first["refresh_token"])
            return answer.status_code, answer.json().get("refresh_token")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(attempt, range(50)))
    won = [refresh for status, refresh in found if status == 200]
    assert len(won) == 1
    assert run.refresh(won[0]).json()["error"] == "invalid_grant"


def test_confidential_client_may_be_set_not_to_rotate(cast):
    run = flow(cast.member, rotate_refresh_tokens=False)
    first = run.tokens()
    for _ in range(2):
        assert run.refresh(first["refresh_token"]).json()["refresh_token"] == first["refresh_token"]


def test_O4_public_client_rotates_whatever_is_set(cast):
    run = flow(cast.member, "spa", rotate_refresh_tokens=False)
    first = run.tokens()
    assert run.refresh(first["refresh_token"]).json()["refresh_token"] != first["refresh_token"]


def test_O4_token_is_bound_to_its_client(cast):
    """RFC 6749 §10.4."""
    run = flow(cast.member)
    first = run.tokens()
    thief = Flow(cast.acme, register(cast.acme), run.browser)
    assert thief.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    naked = token(
        cast.acme,
        {
            "grant_type": "refresh_token",
            "refresh_token": first["refresh_token"],
            "client_id": run.app.application.client_id,
        },
    )
    assert naked.json()["error"] == "invalid_client"
    assert run.refresh(first["refresh_token"]).status_code == 200


def test_T2_token_of_another_tenant_is_unknown(cast):
    first = flow(cast.other_member).tokens()
    run = flow(cast.member)
    assert run.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"


def test_O5_scope_narrows_and_never_widens(cast):
    """RFC 6749 §6: must not include any scope not originally granted."""
    run = flow(cast.member)
    first = run.tokens(scope="openid members:read")
    narrow = run.refresh(first["refresh_token"], scope="members:read").json()
    assert narrow["scope"] == "members:read"
    assert "id_token" not in narrow
    wide = run.refresh(narrow["refresh_token"], scope="openid members:read members:write")
    assert wide.json()["error"] == "invalid_scope"
    again = run.refresh(narrow["refresh_token"])
    assert again.json()["scope"] == "openid members:read"


def test_O5_scope_that_the_client_lost_is_gone(cast):
    run = flow(cast.member)
    first = run.tokens(scope="openid members:read members:write")
    left = [word for word in USER_SCOPES if word != "members:write"]
    with scope.tenant(cast.acme.id):
        applications.update_application(
            actor=make_principal(cast.acme), application=run.app.application, changes={"scopes": left}
        )
    assert run.refresh(first["refresh_token"]).json()["scope"] == "openid members:read"


def test_family_ends_with_its_session(cast):
    run = flow(cast.member)
    first = run.tokens()
    with scope.tenant(cast.acme.id):
        sessions.end_session(session_of(run), "signed_out", actor=SYSTEM)
    assert run.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"


def test_family_ends_when_its_session_goes_idle(cast):
    """SES-01, SES-03: renewal in the background is no activity."""
    run = flow(cast.member)
    first = run.tokens()
    with scope.tenant(cast.acme.id):
        past = timezone.now() - timedelta(hours=2)
        TenantSession.objects.filter(id=session_of(run).id).update(last_active_at=past)
    assert run.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"


def test_offline_access_outlives_the_session(cast):
    """OIDC Core §11; C18."""
    run = flow(cast.member)
    first = run.tokens(scope=OFFLINE)
    with scope.tenant(cast.acme.id):
        sessions.end_session(session_of(run), "signed_out", actor=SYSTEM)
    second = run.refresh(first["refresh_token"])
    assert second.status_code == 200
    access = second.json()["access_token"]
    assert "sid" not in claims(access)
    assert bearer_get(cast.acme, "/v1/me", access).status_code == 200


def test_setting_of_the_application_lets_families_outlive_sessions(cast):
    run = flow(cast.member, refresh_ends_with_session=False)
    first = run.tokens()
    with scope.tenant(cast.acme.id):
        sessions.end_session(session_of(run), "signed_out", actor=SYSTEM)
    assert run.refresh(first["refresh_token"]).status_code == 200


def test_O16_force_logout_ends_offline_access_too(cast):
    """SES-05."""
    person = make_member(cast.acme)
    run = flow(person)
    first = run.tokens(scope=OFFLINE)
    with scope.tenant(cast.acme.id):
        sessions.end_session(session_of(run), "signed_out", actor=SYSTEM)
    second = run.refresh(first["refresh_token"]).json()
    assert bearer_get(cast.acme, "/v1/me", second["access_token"]).status_code == 200
    with scope.tenant(cast.acme.id):
        members.force_logout(actor=admin_principal(cast.acme, cast.owner), member=person.member)
    assert run.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert bearer_get(cast.acme, "/v1/me", second["access_token"]).status_code == 401


def test_O16_suspended_member_gets_nothing_more(cast):
    person = make_member(cast.acme)
    run = flow(person)
    first = run.tokens(scope=OFFLINE)
    code = run.code(scope=OFFLINE)
    admin = admin_principal(cast.acme, cast.owner)
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=admin, member=person.member)
    assert run.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert run.redeem(code).json()["error"] == "invalid_grant"
    with scope.tenant(cast.acme.id):
        person.member.refresh_from_db()
        members.reactivate_member(actor=admin, member=person.member)
    assert run.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"


def test_O16_withdrawn_consent_ends_codes_and_tokens(cast):
    person = make_member(cast.acme)
    run = flow(person)
    first = run.tokens(scope=OFFLINE)
    code = run.code(scope=OFFLINE)
    with scope.tenant(cast.acme.id):
        given = Consent.objects.get(member_id=person.member.id, application=run.app.application)
        consents.withdraw(actor=Actor("user", person.subject), consent=given)
    assert run.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert run.redeem(code).json()["error"] == "invalid_grant"
    assert bearer_get(cast.acme, "/oauth/userinfo", first["access_token"]).status_code == 401
    assert run.start(scope=OFFLINE).status_code == 200


def test_absolute_end_is_inherited(cast):
    """RFC 9700 §4.14.2: rotation does not prolong; decided at use (R20)."""
    run = flow(cast.member)
    first = run.tokens(scope=OFFLINE)
    second = run.refresh(first["refresh_token"]).json()
    with scope.tenant(cast.acme.id):
        rows = list(RefreshToken.objects.filter(application=run.app.application))
        assert len({row.expires for row in rows}) == 1
        assert rows[0].expires - timezone.now() <= timedelta(days=30)
        RefreshToken.objects.filter(application=run.app.application).update(expires=timezone.now())
    assert run.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"


def test_retention_keeps_what_still_tells_a_replay(cast):
    """R20: clean-up gives space back and decides nothing."""
    run = flow(cast.member)
    first = run.tokens()
    second = run.refresh(first["refresh_token"]).json()
    housekeeping.run()
    with scope.tenant(cast.acme.id):
        mine = RefreshToken.objects.filter(application=run.app.application)
        assert mine.count() == 2
        mine.filter(used_at=None).update(expires=timezone.now())
    housekeeping.run()
    with scope.tenant(cast.acme.id):
        assert mine.count() == 1
    assert run.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"


def test_no_refresh_token_without_the_grant(cast):
    run = flow(cast.member, grants=["authorization_code"])
    assert "refresh_token" not in run.tokens(scope=OFFLINE)
    assert run.refresh("rt_x").json()["error"] == "unauthorized_client"


@pytest.mark.parametrize("sent", ["", "rt_", "rt_" + "x" * 500, "null", "ä"])
def test_malformed_tokens_are_refused(cast, sent):
    assert flow(cast.member).refresh(sent).json()["error"] in ("invalid_grant", "invalid_request")


def test_T5_refresh_token_is_stored_as_a_digest(cast):
    run = flow(cast.member)
    body = run.tokens()
    with scope.tenant(cast.acme.id):
        row = RefreshToken.objects.get(application=run.app.application)
    assert body["refresh_token"] not in str(vars(row))
    assert body["access_token"] not in str(vars(row))
