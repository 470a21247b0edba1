"""Signing keys: rotating without harm, on schedule, revoking (OAU-01, promise R11, threat T5)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from core import jose, scope
from core.principal import SYSTEM
from events.models import Event
from tenants import key_rotation, keys, selectors, services
from tenants.models import SigningKey
from tests.factories import (
    Browser,
    access_token,
    admin_principal,
    make_cast,
    make_member,
    make_principal,
    make_tenant,
)


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture
def own(cast):
    """A tenant of its own for each test, with an administrator."""
    tenant = make_tenant()
    return tenant, make_member(tenant, roles=["owner"])


def api(tenant, method, path, token, body=None):
    return Browser().api(method, f"/t/{tenant.slug}/v1/{path}", token, body)


def published(tenant):
    answer = Browser().get(f"/t/{tenant.slug}/.well-known/jwks.json")
    return [jose.verifying_key(key, key["alg"]) for key in answer.json()["keys"]]


def age(tenant, seconds):
    """Let the tenant's keys be older than they are."""
    with scope.tenant(tenant.id):
        for row in SigningKey.objects.all():
            SigningKey.objects.filter(id=row.id).update(
                created_at=row.created_at - timedelta(seconds=seconds)
            )


def test_R11_no_check_fails_across_rotations(own):
    """Validators keep the JWK Set for its whole max-age, and tokens for their whole life."""
    tenant, admin = own
    known, tokens = published(tenant), []
    for _ in range(4):
        age(tenant, keys.JWKS_MAX_AGE)
        token = access_token(admin)
        tokens.append(token)
        answer = api(tenant, "POST", "signing-key-rotations", token, {"alg": "ES256"})
        assert answer.status_code == 201, answer.content
        fresh = access_token(admin)
        tokens.append(fresh)
        jose.verify(fresh, known, typ="at+jwt")  # by the set from before the rotation
        known = published(tenant)
        for each in tokens:
            jose.verify(each, known, typ="at+jwt")
            assert api(tenant, "GET", "signing-keys", each).status_code == 200
    assert len({jose.unverified_header(token)["kid"] for token in tokens}) == 5


def test_R11_a_next_key_that_is_too_new_does_not_sign_yet(own):
    tenant, admin = own
    signing = keys.active_key(tenant.id).kid
    answer = api(tenant, "POST", "signing-key-rotations", access_token(admin), {})
    assert (answer.status_code, answer.json()["code"]) == (409, "key_not_settled")
    assert keys.active_key(tenant.id).kid == signing


def test_rotation_of_an_algorithm_without_keys_is_refused(own):
    tenant, admin = own
    for alg in ("RS256", "HS256", "none"):
        answer = api(tenant, "POST", "signing-key-rotations", access_token(admin), {"alg": alg})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


def test_R11_the_sweep_rotates_what_is_due_and_withdraws_what_has_expired(own):
    tenant, _admin = own
    age(tenant, keys.JWKS_MAX_AGE)
    with scope.tenant(tenant.id):
        first = SigningKey.objects.get(state="active")
        assert abs(first.due_at - first.activated_at - timedelta(days=90)) < timedelta(seconds=1)
        SigningKey.objects.filter(id=first.id).update(due_at=timezone.now())
    assert key_rotation.advance_due() >= 1
    with scope.tenant(tenant.id):
        first.refresh_from_db()
        assert first.state == "retired"
        assert first.due_at - first.retired_at == timedelta(seconds=86_400 + keys.GRACE)
        assert SigningKey.objects.get(state="active").kid != first.kid
    assert first.kid in {key.kid for key in published(tenant)}
    with scope.tenant(tenant.id):
        SigningKey.objects.filter(id=first.id).update(due_at=timezone.now())
    key_rotation.advance_due()
    with scope.tenant(tenant.id):
        first.refresh_from_db()
        assert (first.state, bytes(first.sealed_private), first.due_at) == ("expired", b"", None)
        actors = {e.actor_type for e in Event.objects.filter(type="tenant.signing_key.rotated")}
    assert first.kid not in {key.kid for key in published(tenant)}
    assert actors == {"system"}


def test_the_schedule_follows_the_tenants_policy(own):
    tenant, person = own
    for days in (7, 0):
        with scope.tenant(tenant.id):
            actor = admin_principal(tenant, person)
            services.update_policy(actor=actor, tenant=selectors.tenant(), changes={"signing_key_days": days})
            row = SigningKey.objects.get(state="active")
        assert row.due_at == (row.activated_at + timedelta(days=days) if days else None)


@pytest.mark.parametrize("state", ["active", "next", "retired"])
def test_T5_a_revoked_key_and_its_tokens_are_gone_at_once(own, state):
    tenant, admin = own
    old = access_token(admin)
    with scope.tenant(tenant.id):
        if state == "retired":
            keys.rotate_as(SYSTEM)
        row = SigningKey.objects.get(state=state)
    path = f"signing-keys/{row.public_id}/revocation"
    answer = api(tenant, "PUT", path, access_token(admin), {"reason": "leaked"})
    assert (answer.status_code, answer.json()["state"]) == (200, "revoked"), answer.content
    assert row.kid not in {key.kid for key in published(tenant)}
    refused = api(tenant, "GET", "signing-keys", old)
    assert refused.status_code == (200 if state == "next" else 401)
    assert api(tenant, "GET", "signing-keys", access_token(admin)).status_code == 200
    with scope.tenant(tenant.id):
        row.refresh_from_db()
        assert bytes(row.sealed_private) == b""
        assert sorted(
            SigningKey.objects.exclude(state__in=("revoked", "retired")).values_list("state", flat=True)
        ) == [
            "active",
            "next",
        ]
        event = Event.objects.get(type="tenant.signing_key.revoked")
    told = json.loads(bytes(event.canonical))["data"]
    assert (told["object"]["reason"], told["previous"]) == ("leaked", {"state": state})
    assert api(tenant, "PUT", path, access_token(admin), {"reason": "again"}).status_code == 200


def test_T1_an_unknown_kid_is_refused(own):
    tenant, admin = own
    forged = jose.sign(jose.unverified_claims(access_token(admin)), jose.generate_key(), "at+jwt")
    assert api(tenant, "GET", "signing-keys", forged).json()["code"] == "token_invalid"


def test_keys_are_listed_and_filtered_without_private_halves(own):
    tenant, admin = own
    with scope.tenant(tenant.id):
        keys.enable("EdDSA")
    token = access_token(admin)
    answer = api(tenant, "GET", "signing-keys?alg=EdDSA&state=next", token)
    [row] = answer.json()["data"]
    assert (row["alg"], row["state"], row["public_jwk"]["kid"]) == ("EdDSA", "next", row["kid"])
    assert '"d"' not in answer.content.decode()
    assert api(tenant, "GET", "signing-keys?state=expired", token).status_code == 400


def test_strangers_and_the_powerless_are_refused(cast, own):
    tenant, _admin = own
    with scope.tenant(tenant.id):
        row = SigningKey.objects.get(state="active")
    path = f"signing-keys/{row.public_id}/revocation"
    foreign = access_token(cast.owner)
    assert api(cast.acme, "PUT", path, foreign, {"reason": "x"}).status_code == 404
    assert api(tenant, "PUT", path, foreign, {"reason": "x"}).status_code == 403
    viewer = access_token(make_member(tenant, roles=["viewer"]))
    assert api(tenant, "PUT", path, viewer, {"reason": "x"}).status_code == 403
    assert api(tenant, "POST", "signing-key-rotations", viewer, {}).status_code == 403
    assert api(tenant, "PUT", path, access_token(_admin), {}).status_code == 400


def test_services_ask_for_the_permission_themselves(own):
    tenant, _admin = own
    actor = make_principal(tenant, ["tenant:read"])
    with scope.tenant(tenant.id):
        row = SigningKey.objects.get(state="active")
        with pytest.raises(Exception, match="tenant:write is needed"):
            key_rotation.revoke(actor=actor, key=row, reason="x")
        with pytest.raises(Exception, match="tenant:write is needed"):
            key_rotation.rotate(actor=actor)
