"""Direct use of keys: both headers, every refusal, and the threats K1, K2, A2 (KEY-03, 04, 06, 07)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys import live, services, usage
from apikeys.models import ApiKey
from apikeys.services.keys import forget
from core import scope, secrets
from core.errors import TokenInvalid
from organizations import services as organizations
from roles import services as roles
from roles.models import RoleAssignment
from tenants import members, selectors
from tenants import services as tenants
from tests import factories
from tests.apikeys.world import World, code, events, make_world
from tests.factories import admin_principal


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def change(key: ApiKey, **fields: Any) -> None:
    with scope.tenant(key.tenant_id):
        ApiKey.objects.filter(id=key.id).update(**fields)
        forget(key)


def test_a_bearer_key_and_the_x_api_key_header_are_the_same_caller(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    bearer = world.get("/v1/api-keys?limit=1", Authorization=f"Bearer {issued.secret}")
    header = world.get("/v1/api-keys?limit=1", X_API_Key=issued.secret)
    assert bearer.status_code == header.status_code == 200
    assert bearer.json()["data"] == header.json()["data"]


def test_the_tenants_own_address_takes_its_keys(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    assert world.bearer(issued.secret, f"/t/{world.acme.slug}/v1/api-keys").status_code == 200


def test_T5_the_database_holds_no_key(world: World) -> None:
    issued = world.issue()
    with scope.tenant(world.acme.id), connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(k)::text FROM apikeys_apikey k WHERE id = %s", [issued.key.id])
        (stored,) = cursor.fetchone()
    parsed = secrets.parse_key(issued.secret)
    assert parsed.secret not in stored
    assert parsed.public_id in stored


def test_K1_a_key_has_256_random_bits_a_checksum_and_the_prefix_of_its_mode(world: World) -> None:
    issued = world.issue()
    assert issued.secret.startswith("sk_test_")
    assert len(secrets.parse_key(issued.secret).secret) == secrets.SECRET_LENGTH
    assert secrets.has_valid_checksum(issued.secret)
    assert issued.secret.isascii()


def wrong_keys(text: str) -> list[str]:
    """Return keys that look right and are not: wrong secret, unknown, other prefix, broken, foreign forms."""
    parsed = secrets.parse_key(text)
    body = text.removeprefix(parsed.prefix)[: -secrets.CHECKSUM_LENGTH]
    return [
        secrets.with_checksum(f"sk_test_{parsed.public_id}{secrets.generate_key('sk_test_').secret}"),
        secrets.generate_key("sk_test_").text,
        secrets.generate_key("sk_live_").text,
        secrets.with_checksum(f"sk_live_{body}"),
        secrets.with_checksum(f"sk_ws_{body}"),
        text[:-1],
        text + "A",
        text.swapcase(),
        "sk_test_",
        "sk_test_" + "é" * 61,
        "sk_test_" + "A" * 5000,
    ]


def test_K1_wrong_and_unknown_keys_get_one_answer(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    answers = set()
    for wrong in wrong_keys(issued.secret):
        for headers in ({"Authorization": f"Bearer {wrong}"}, {"X_API_Key": wrong}):
            response = world.get("/v1/api-keys", **headers)
            body = response.json()
            body.pop("request_id")
            answers.add((response.status_code, response.headers["WWW-Authenticate"], json.dumps(body)))
    assert [status for status, _, _ in answers] == [401]
    assert world.bearer(issued.secret).status_code == 200


def test_K1_a_wrong_secret_costs_what_an_unknown_key_costs(world: World) -> None:
    issued = world.issue()
    live.authenticate(issued.secret)
    wrong, unknown = wrong_keys(issued.secret)[:2]
    work = []
    for text in (wrong, unknown, wrong, unknown):
        with CaptureQueriesContext(connection) as queries, pytest.raises(TokenInvalid):
            live.authenticate(text)
        work.append(len(queries))
    assert work == [1, 1, 0, 0]


def test_a_warm_key_costs_no_query(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    key = live.authenticate(issued.secret)
    live.check(key)
    live.permissions(key)
    with CaptureQueriesContext(connection) as queries:
        key = live.authenticate(issued.secret)
        live.check(key)
        assert live.permissions(key) == {"api-keys:read"}
    assert len(queries) == 0


def test_a_key_without_the_scope_is_told_which(world: World) -> None:
    response = world.bearer(world.issue(["members:read"]).secret)
    assert code(response) == (403, "insufficient_scope")
    assert response.json()["required"] == {"scopes": ["api-keys:read"]}


def test_a_revoked_key_is_refused_on_the_next_call(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    assert world.bearer(issued.secret).status_code == 200
    with scope.tenant(world.acme.id):
        services.revoke_key(
            actor=admin_principal(world.acme, world.cast.owner), key=issued.key, reason="leaked"
        )
    assert code(world.bearer(issued.secret)) == (401, "token_revoked")


def test_a_key_can_revoke_itself_by_the_api(world: World) -> None:
    issued = world.issue(["api-keys:read", "api-keys:write"])
    path = f"/v1/api-keys/{issued.key.public_id}"
    assert world.bearer(issued.secret, path, "DELETE").status_code == 204
    assert code(world.bearer(issued.secret)) == (401, "token_revoked")


def test_an_expired_key_is_refused_without_any_clean_up(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    change(issued.key, expires_at=timezone.now() - timedelta(seconds=1))
    assert code(world.bearer(issued.secret)) == (401, "token_expired")
    assert world.row(issued.key).status == "expired"


def test_a_rotated_key_is_refused_when_its_overlap_is_over(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    change(issued.key, overlap_until=timezone.now() - timedelta(seconds=1))
    assert code(world.bearer(issued.secret)) == (401, "token_expired")


def test_two_credentials_are_ambiguous(world: World) -> None:
    one, other = world.issue(["api-keys:read"]), world.issue(["api-keys:read"])
    pairs = [
        {"Authorization": f"Bearer {one.secret}", "X_API_Key": other.secret},
        {"Authorization": f"Bearer {one.secret}", "X_API_Key": one.secret},
        {"Authorization": "Bearer eyJhbGciOiJFUzI1NiJ9.e30.x", "X_API_Key": one.secret},
        {"Authorization": "Basic YTpi", "X_API_Key": one.secret},
        {"X_API_Key": f"{one.secret},{other.secret}"},
        {"Authorization": f"Bearer {one.secret}, Bearer {other.secret}"},
    ]
    for headers in pairs:
        assert code(world.get("/v1/api-keys", **headers)) == (400, "ambiguous_credentials")


def test_a_key_in_the_address_is_no_credential(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    for name in ("api_key", "access_token", "key"):
        assert code(world.get(f"/v1/api-keys?{name}={issued.secret}")) == (401, "token_missing")


def test_K1_a_test_key_never_works_at_a_live_sibling(world: World) -> None:
    sibling = factories.make_tenant(mode="live")
    issued = world.issue(["api-keys:read"])
    path = f"/t/{sibling.slug}/v1/api-keys"
    assert code(world.bearer(issued.secret, path)) == (403, "tenant_mismatch")
    assert code(world.get(path, X_API_Key=issued.secret)) == (403, "tenant_mismatch")


def test_A2_only_the_credential_names_the_tenant(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    other = world.cast.globex
    assert code(world.bearer(issued.secret, f"/t/{other.slug}/v1/api-keys")) == (403, "tenant_mismatch")
    plain = world.bearer(issued.secret, "/v1/api-keys?limit=1").json()
    headers = {"X_Tenant": other.slug, "X_Tenant_Id": other.public_id}
    named = world.get("/v1/api-keys?limit=1", Authorization=f"Bearer {issued.secret}", **headers)
    assert named.json()["data"] == plain["data"]


def test_a_key_for_another_api_is_not_for_ours(world: World) -> None:
    issued = world.issue(["orders:read"], resource=world.orders)
    assert code(world.bearer(issued.secret)) == (401, "token_invalid")


def test_a_tenant_may_take_keys_in_exchange_only() -> None:
    world = make_world(policy={"key_exchange_only": True})
    issued = world.issue(["api-keys:read"])
    for headers in ({"Authorization": f"Bearer {issued.secret}"}, {"X_API_Key": issued.secret}):
        response = world.get("/v1/api-keys", **headers)
        assert code(response) == (403, "policy_denied")
        assert "/v1/auth/token" in response.json()["detail"]
    token = world.exchange(issued.secret).json()["access_token"]
    assert world.bearer(token).status_code == 200


def test_K2_a_demoted_makers_key_shrinks_with_them(world: World) -> None:
    maker = factories.make_member(world.acme, roles=["developer"])
    issued = world.issue(["api-keys:read"], maker=maker)
    assert world.bearer(issued.secret).status_code == 200
    with scope.tenant(world.acme.id):
        for assignment in RoleAssignment.objects.filter(member=maker.member):
            roles.unassign_role(actor=admin_principal(world.acme, world.cast.owner), assignment=assignment)
    for headers in ({"Authorization": f"Bearer {issued.secret}"}, {"X_API_Key": issued.secret}):
        response = world.get("/v1/api-keys", **headers)
        assert code(response) == (403, "insufficient_role")


def test_K2_a_suspended_makers_key_is_refused_at_once(world: World) -> None:
    maker = factories.make_member(world.acme, roles=["developer"])
    issued = world.issue(["api-keys:read"], maker=maker)
    assert world.bearer(issued.secret).status_code == 200
    with scope.tenant(world.acme.id):
        members.suspend_member(actor=admin_principal(world.acme, world.cast.owner), member=maker.member)
    assert code(world.bearer(issued.secret)) == (403, "subject_suspended")


def test_K2_a_removed_makers_key_is_refused_at_once(world: World) -> None:
    maker = factories.make_member(world.acme, roles=["developer"])
    issued = world.issue(["api-keys:read"], maker=maker)
    assert world.bearer(issued.secret).status_code == 200
    with scope.tenant(world.acme.id):
        members.remove_member(actor=admin_principal(world.acme, world.cast.owner), member=maker.member)
    assert code(world.bearer(issued.secret)) == (403, "subject_suspended")


def test_keys_of_a_suspended_tenant_are_refused() -> None:
    world = make_world()
    issued = world.issue(["api-keys:read"])
    assert world.bearer(issued.secret).status_code == 200
    with scope.tenant(world.acme.id):
        tenants.suspend_tenant(tenant=selectors.tenant(), reason="unpaid")
    assert code(world.bearer(issued.secret)) == (401, "token_revoked")


def test_keys_of_a_closed_organization_are_refused(world: World) -> None:
    closing = factories.make_organization(world.acme)
    issued = world.issue(["api-keys:read"], organization=closing)
    assert world.bearer(issued.secret).status_code == 200
    with scope.tenant(world.acme.id):
        actor = admin_principal(world.acme, world.cast.owner)
        organizations.update_organization(actor=actor, organization=closing, changes={"status": "suspended"})
    assert code(world.bearer(issued.secret)) == (403, "subject_suspended")


def test_use_is_stamped_without_touching_the_row_s_version(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    for _ in range(3):
        world.bearer(issued.secret)
    usage.flush()
    row = world.row(issued.key)
    assert row.last_used_at is not None
    assert row.last_used_ip == "127.0.0.1"
    assert row.updated_at == issued.key.updated_at
    (told,) = events(world.acme, "api_key.used", issued.key.public_id)
    assert told["data"]["actor"] == {
        "type": "service",
        "id": issued.key.public_id,
        "via": issued.key.public_id,
    }


def test_a_refused_genuine_key_is_told_to_its_own_tenant(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    world.bearer(issued.secret, f"/t/{world.cast.globex.slug}/v1/api-keys")
    usage.flush()
    (told,) = events(world.acme, "api_key.denied", issued.key.public_id)
    assert told["data"]["object"]["cause"] == "tenant_mismatch"
    assert events(world.cast.globex, "api_key.denied", issued.key.public_id) == []
