"""`POST /v1/auth/token`: key for token (KEY-05), every refusal, and the threats K2, O5, T2, T3."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apikeys import services
from apikeys.exchange import exchange
from apikeys.models import ApiKey
from apikeys.services.keys import forget
from core import context, ids, jose, scope, secrets
from core.context import RequestContext
from core.errors import RateLimitExceeded, TokenInvalid
from core.ratelimit import Limit
from tenants import keys, members, tokens
from tests import factories
from tests.apikeys.world import World, code, make_world
from tests.factories import admin_principal


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def claims_of(world: World, token: str) -> dict[str, Any]:
    return jose.verify(token, keys.verification_keys(world.acme.id), typ="at+jwt")


def test_a_key_becomes_an_access_token_of_an_hour(world: World) -> None:
    issued = world.issue(["api-keys:read", "members:read"])
    response = world.exchange(issued.secret)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    body = response.json()
    token = body.pop("access_token")
    assert body == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "api-keys:read members:read",
        "tenant_id": world.acme.public_id,
        "organization_id": None,
    }
    claims = claims_of(world, token)
    assert claims["iss"] == world.acme.issuer
    assert claims["aud"] == tokens.control_plane_audience(world.acme)
    assert claims["sub"] == claims["key_id"] == claims["client_id"] == issued.key.public_id
    assert claims["subject_type"] == "service"
    assert claims["tenant_id"] == world.acme.public_id
    assert "org_id" not in claims
    assert world.bearer(token).status_code == 200


def test_a_service_accounts_key_speaks_for_the_account(world: World) -> None:
    with scope.tenant(world.acme.id):
        account = services.create_service_account(
            actor=admin_principal(world.acme, world.cast.owner), name="Nightly import"
        )
    issued = world.issue(service_account=account)
    claims = claims_of(world, world.exchange(issued.secret).json()["access_token"])
    assert (claims["sub"], claims["key_id"]) == (account.public_id, issued.key.public_id)


def test_an_organizations_token_is_bound_to_it(world: World) -> None:
    issued = world.issue(["api-keys:read"], organization=world.one)
    body = world.exchange(issued.secret).json()
    named = ids.encode("org", world.one.id)
    assert body["organization_id"] == named
    assert claims_of(world, body["access_token"])["org_id"] == named
    assert world.bearer(body["access_token"], f"/v1/organizations/{named}/api-keys").status_code == 200
    other = ids.encode("org", world.two.id)
    assert code(world.bearer(body["access_token"], f"/v1/organizations/{other}/api-keys")) == (
        403,
        "org_mismatch",
    )


def test_the_tenants_own_address_exchanges_too(world: World) -> None:
    issued = world.issue()
    assert world.exchange(issued.secret, at=f"/t/{world.acme.slug}").status_code == 200


def test_A2_another_tenants_address_refuses(world: World) -> None:
    issued = world.issue()
    assert code(world.exchange(issued.secret, at=f"/t/{world.cast.globex.slug}")) == (403, "tenant_mismatch")
    assert code(world.exchange(issued.secret, at="/t/nobody-here")) == (404, "not_found")


def test_scope_narrows(world: World) -> None:
    issued = world.issue(["api-keys:read", "members:read"])
    body = world.exchange(issued.secret, scope="members:read").json()
    assert body["scope"] == "members:read"
    assert code(world.bearer(body["access_token"])) == (403, "insufficient_scope")


@pytest.mark.parametrize("asked", ["members:write", "members:read members:write", "*", "members:*", "", "  "])
def test_O5_scope_never_grows(world: World, asked: str) -> None:
    issued = world.issue(["members:read"])
    response = world.exchange(issued.secret, scope=asked)
    assert code(response) == (400, "invalid_scope")
    assert "access_token" not in response.json()


def test_audience_is_the_keys_resource_only(world: World) -> None:
    issued = world.issue(["orders:read"], resource=world.orders)
    response = world.exchange(issued.secret, audience=world.orders.audience)
    assert claims_of(world, response.json()["access_token"])["aud"] == "https://orders.example.com"
    own = tokens.control_plane_audience(world.acme)
    assert code(world.exchange(issued.secret, audience=own)) == (400, "invalid_target")


def test_the_token_does_not_outlive_the_key(world: World) -> None:
    issued = world.issue(expires_at=timezone.now() + timedelta(seconds=90))
    assert 80 <= world.exchange(issued.secret).json()["expires_in"] <= 90


def test_wrong_keys_get_one_answer(world: World) -> None:
    issued = world.issue()
    parsed = secrets.parse_key(issued.secret)
    wrong = [
        secrets.with_checksum(f"sk_test_{parsed.public_id}{secrets.generate_key('sk_test_').secret}"),
        secrets.generate_key("sk_test_").text,
        issued.secret[:-1],
        "",
        "nonsense",
        "A" * 100_000,
        "\U0001f511",
    ]
    bodies = set()
    for text in wrong:
        response = world.exchange(text)
        bodies.add(json.dumps({**response.json(), "request_id": ""}))
        assert response.status_code == 401
    assert len(bodies) == 1


def test_T2_a_token_is_not_a_key(world: World) -> None:
    token = world.exchange(world.issue().secret).json()["access_token"]
    assert code(world.exchange(token)) == (401, "token_invalid")


def test_T3_hostile_bodies_are_refused_quickly(world: World) -> None:
    twice = b'{"api_key":"a","api_key":"b"}'
    for body in (b" ", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"a":' * 5000, twice, b"x" * 300_000):
        started = time.thread_time()
        response = world.call("POST", "/v1/auth/token", body)
        assert response.status_code in (400, 413), body[:40]
        assert time.thread_time() - started < 0.2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"grant_type": "api_key"},
        {"grant_type": "api_key", "api_key": 5},
        {"grant_type": "api_key", "api_key": None},
        {"grant_type": "api_key", "api_key": "x", "tenant_id": "ten_x"},
        {"grant_type": "api_key", "api_key": "x", "scope": ["members:read"]},
    ],
)
def test_malformed_requests_name_the_field(world: World, body: Any) -> None:
    response = world.call("POST", "/v1/auth/token", body)
    assert code(response) == (400, "validation_failed")
    assert response.json()["errors"]


def test_other_grants_methods_and_forms_are_refused(world: World) -> None:
    key = world.issue().secret
    other = {"grant_type": "client_credentials", "api_key": key}
    assert code(world.call("POST", "/v1/auth/token", other)) == (400, "unsupported_grant_type")
    assert code(world.get("/v1/auth/token")) == (405, "method_not_allowed")
    form = world.browser.post("/v1/auth/token", {"grant_type": "api_key", "api_key": key})
    assert code(form) == (415, "unsupported_media_type")
    twice = world.call("POST", "/v1/auth/token", {"grant_type": "api_key", "api_key": key}, X_API_Key=key)
    assert code(twice) == (400, "ambiguous_credentials")


def test_revoking_a_key_ends_its_tokens_at_once(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    token = world.exchange(issued.secret).json()["access_token"]
    assert world.bearer(token).status_code == 200
    with scope.tenant(world.acme.id):
        services.revoke_key(actor=admin_principal(world.acme, world.cast.owner), key=issued.key)
    assert code(world.bearer(token)) == (401, "token_revoked")
    assert code(world.exchange(issued.secret)) == (401, "token_revoked")


def test_an_expired_key_gets_no_token(world: World) -> None:
    issued = world.issue()
    with scope.tenant(world.acme.id):
        ApiKey.objects.filter(id=issued.key.id).update(expires_at=timezone.now())
        forget(issued.key)
    assert code(world.exchange(issued.secret)) == (401, "token_expired")


def test_disabling_the_service_account_ends_its_tokens_at_once(world: World) -> None:
    actor = admin_principal(world.acme, world.cast.owner)
    with scope.tenant(world.acme.id):
        account = services.create_service_account(actor=actor, name="Robot")
    issued = world.issue(["api-keys:read"], service_account=account)
    token = world.exchange(issued.secret).json()["access_token"]
    assert world.bearer(token).status_code == 200
    with scope.tenant(world.acme.id):
        services.disable_service_account(actor=actor, account=account)
    assert code(world.bearer(token)) == (403, "subject_suspended")
    assert code(world.exchange(issued.secret)) == (403, "subject_suspended")
    with scope.tenant(world.acme.id):
        services.enable_service_account(actor=actor, account=account)
    assert world.bearer(token).status_code == 200


def test_K2_the_token_of_a_suspended_makers_key_is_refused(world: World) -> None:
    maker = factories.make_member(world.acme, roles=["developer"])
    issued = world.issue(["api-keys:read"], maker=maker)
    token = world.exchange(issued.secret).json()["access_token"]
    assert world.bearer(token).status_code == 200
    with scope.tenant(world.acme.id):
        members.suspend_member(actor=admin_principal(world.acme, world.cast.owner), member=maker.member)
    assert code(world.bearer(token)) == (403, "subject_suspended")
    assert code(world.exchange(issued.secret)) == (403, "subject_suspended")


def test_K2_a_demoted_makers_token_is_refused_and_no_new_one_made(world: World) -> None:
    from roles import services as roles
    from roles.models import RoleAssignment

    maker = factories.make_member(world.acme, roles=["developer"])
    ours = world.issue(["api-keys:read"], maker=maker)
    orders = world.issue(["orders:read"], maker=maker, resource=world.orders)
    token = world.exchange(ours.secret).json()["access_token"]
    with scope.tenant(world.acme.id):
        for assignment in RoleAssignment.objects.filter(member=maker.member):
            roles.unassign_role(actor=admin_principal(world.acme, world.cast.owner), assignment=assignment)
    assert code(world.bearer(token)) == (403, "insufficient_role")
    assert code(world.exchange(ours.secret)) == (400, "invalid_scope")
    assert code(world.exchange(orders.secret)) == (400, "invalid_scope")


def test_K1_guessing_from_one_address_ends_in_429() -> None:
    address = RequestContext(request_id="req_guess", ip="203.0.113.9")
    with context.use(address):
        for _ in range(60):
            with pytest.raises(TokenInvalid):
                exchange(secrets.generate_key("sk_test_").text)
        with pytest.raises(RateLimitExceeded) as refused:
            exchange(secrets.generate_key("sk_test_").text)
    assert int(refused.value.headers["Retry-After"]) > 0


def test_exchanges_of_one_key_are_limited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apikeys.exchange.PER_KEY", Limit("standard", 20))
    issued, other = world.issue(), world.issue()
    answers = [world.exchange(issued.secret).status_code for _ in range(21)]
    assert answers == [200] * 20 + [429]
    assert world.exchange(other.secret).status_code == 200
