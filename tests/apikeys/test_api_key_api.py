"""`/v1/api-keys` and `/v1/service-accounts` through the front door (KEY-01, 02, 10, 13, 17)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from apikeys import services
from core import ids, scope
from tests import factories
from tests.apikeys.world import World, code, events, make_world
from tests.factories import admin_principal

ALL = ["api-keys:read", "api-keys:write", "members:read", "members:write"]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def admin(world: World) -> str:
    return world.issue(ALL).secret


@pytest.fixture(scope="module")
def of_one(world: World) -> str:
    """A key of the first organization."""
    return world.issue(["api-keys:read", "api-keys:write"], organization=world.one).secret


def create(world: World, secret: str, path: str = "/v1/api-keys", **more: Any) -> Any:
    return world.bearer(secret, path, "POST", {"name": "Import", "scopes": ["api-keys:read"], **more})


def test_a_key_is_created_and_its_text_shown_once(world: World, admin: str) -> None:
    response = create(world, admin, metadata={"team": "data"})
    assert response.status_code == 201, response.content
    assert response.headers["Cache-Control"] == "no-store"
    made = response.json()
    assert made["object"] == "api_key"
    assert made["secret"].startswith(made["hint"])
    assert world.bearer(made["secret"]).status_code == 200
    read = world.bearer(admin, f"/v1/api-keys/{made['id']}")
    assert read.headers["ETag"]
    assert made["secret"] not in read.content.decode()
    assert read.json() == {name: value for name, value in made.items() if name != "secret"}
    assert read.json()["status"] == "active"
    assert read.json()["metadata"] == {"team": "data"}


def test_the_same_idempotency_key_makes_one_key(world: World, admin: str) -> None:
    body = {"name": "Once", "scopes": ["members:read"]}
    first, again = (
        world.browser.api("POST", "/v1/api-keys", admin, body, Idempotency_Key="one-key") for _ in range(2)
    )
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_expiry_is_seconds_a_date_or_never(world: World, admin: str) -> None:
    assert create(world, admin, expires_in=3600).json()["expires_at"] > timezone.now().isoformat()
    assert create(world, admin, expires_at=None).json()["expires_at"] is None
    assert create(world, admin, expires_at="2199-01-01T00:00:00Z").json()["expires_at"].startswith("2199")
    for wrong in ({"expires_in": 3600, "expires_at": None}, {"expires_at": "2001-01-01T00:00:00Z"}):
        assert code(create(world, admin, **wrong)) == (400, "validation_failed")


@pytest.mark.parametrize(
    "more",
    [
        {"scopes": []},
        {"scopes": "members:read"},
        {"scopes": ["nothing:here"]},
        {"name": ""},
        {"name": "x" * 200},
        {"name": 5},
        {"digest": "mine"},
        {"tenant_id": "ten_x"},
        {"resource_id": "rs_unknown"},
        {"resource_id": ids.encode("rs", ids.uuid7())},
        {"organization_id": ids.encode("org", ids.uuid7())},
        {"service_account_id": ids.encode("sa", ids.uuid7())},
        {"expires_in": -1},
        {"expires_in": "90d"},
    ],
)
def test_malformed_keys_are_refused(world: World, admin: str, more: dict[str, Any]) -> None:
    assert code(create(world, admin, **more)) == (400, "validation_failed")


def test_A6_more_than_the_callers_own_is_refused(world: World, admin: str) -> None:
    assert create(world, admin, scopes=["tenant:write"]).status_code == 403
    reader = world.issue(["api-keys:read"]).secret
    assert code(create(world, reader)) == (403, "insufficient_scope")


def test_there_is_no_edit_for_keys(world: World, admin: str) -> None:
    made = create(world, admin).json()
    for method in ("PATCH", "PUT"):
        response = world.bearer(admin, f"/v1/api-keys/{made['id']}", method, {"scopes": ["members:write"]})
        assert code(response) == (405, "method_not_allowed")


def test_the_list_filters_by_status_scope_account_and_organization(world: World, admin: str) -> None:
    account = world.bearer(admin, "/v1/service-accounts", "POST", {"name": "Robot"}).json()
    mine = create(world, admin, service_account_id=account["id"], scopes=["members:write"]).json()
    here = create(world, admin, organization_id=ids.encode("org", world.one.id)).json()
    gone = create(world, admin).json()
    world.bearer(admin, f"/v1/api-keys/{gone['id']}", "DELETE")

    def found(query: str) -> list[str]:
        response = world.bearer(admin, f"/v1/api-keys?limit=100&{query}")
        assert response.status_code == 200, response.content
        return [key["id"] for key in response.json()["data"]]

    assert found(f"service_account={account['id']}") == [mine["id"]]
    assert mine["id"] in found("scope=members:write")
    assert here["id"] not in found("scope=members:write")
    assert here["id"] in found(f"organization={ids.encode('org', world.one.id)}")
    assert gone["id"] in found("status=revoked")
    assert gone["id"] not in found("status=active,rotating")
    assert code(world.bearer(admin, "/v1/api-keys?status=lost")) == (400, "validation_failed")


def test_delete_revokes_and_respects_if_match(world: World, admin: str) -> None:
    made = create(world, admin).json()
    path = f"/v1/api-keys/{made['id']}"
    stale = world.browser.api("DELETE", path, admin, If_Match='"stale"')
    assert code(stale) == (412, "precondition_failed")
    assert world.bearer(made["secret"]).status_code == 200
    assert world.bearer(admin, path, "DELETE").status_code == 204
    assert world.bearer(admin, path).json()["status"] == "revoked"
    assert code(world.bearer(made["secret"])) == (401, "token_revoked")


def test_rotation_answers_the_new_key_once(world: World, admin: str) -> None:
    made = create(world, admin).json()
    path = f"/v1/api-keys/{made['id']}"
    response = world.bearer(admin, f"{path}/rotation", "POST", {"overlap_seconds": 60})
    assert response.status_code == 201
    new = response.json()
    assert new["rotated_from"] == made["id"]
    assert new["scopes"] == made["scopes"]
    old = world.bearer(admin, path).json()
    assert (old["status"], old["rotated_to"]) == ("rotating", new["id"])
    assert old["overlap_until"] is not None
    assert code(world.bearer(admin, f"{path}/rotation", "POST", {})) == (409, "conflict")


def test_A1_another_tenants_key_reads_as_missing(world: World, admin: str) -> None:
    other = make_world()
    theirs = other.issue()
    missing = ids.encode("ak", ids.uuid7())
    for method, tail, body in (("GET", "", None), ("DELETE", "", None), ("POST", "/rotation", {})):
        answers = []
        for key_id in (theirs.key.public_id, missing, "ak_nonsense"):
            response = world.bearer(admin, f"/v1/api-keys/{key_id}{tail}", method, body)
            shown = json.loads(response.content.decode().replace(key_id, "…"))
            answers.append((response.status_code, {**shown, "request_id": ""}))
        assert answers[0] == answers[1] == answers[2]
        assert answers[0][0] == 404
    assert other.row(theirs.key).status == "active"


def test_anonymous_and_strangers_are_refused(world: World, admin: str) -> None:
    for path in ("/v1/api-keys", "/v1/service-accounts", f"/v1/api-keys/{ids.encode('ak', ids.uuid7())}"):
        assert code(world.get(path)) == (401, "token_missing")
    foreign = make_world().issue(ALL).secret
    path = f"/t/{world.acme.slug}/v1/api-keys"
    assert code(world.bearer(foreign, path)) == (403, "tenant_mismatch")


def test_KEY_17_an_organizations_key_sees_and_makes_its_own_only(
    world: World, admin: str, of_one: str
) -> None:
    one, two = ids.encode("org", world.one.id), ids.encode("org", world.two.id)
    shared = create(world, admin).json()
    theirs = create(world, admin, organization_id=two).json()
    mine = create(world, of_one).json()
    assert mine["organization_id"] == one
    listed = world.bearer(of_one, "/v1/api-keys?limit=100").json()["data"]
    assert {key["organization_id"] for key in listed} == {one}
    for other in (shared, theirs):
        for method in ("GET", "DELETE"):
            assert code(world.bearer(of_one, f"/v1/api-keys/{other['id']}", method)) == (404, "not_found")
    assert code(create(world, of_one, organization_id=two)) == (400, "validation_failed")


def test_KEY_17_the_organizations_path_must_be_the_callers(world: World, admin: str, of_one: str) -> None:
    one, two = ids.encode("org", world.one.id), ids.encode("org", world.two.id)
    assert create(world, of_one, f"/v1/organizations/{one}/api-keys").status_code == 201
    assert world.bearer(of_one, f"/v1/organizations/{one}/api-keys").status_code == 200
    for method in ("GET", "POST"):
        refused = world.bearer(of_one, f"/v1/organizations/{two}/api-keys", method)
        assert code(refused) == (403, "org_mismatch")
    made = create(world, admin, f"/v1/organizations/{two}/api-keys").json()
    assert made["organization_id"] == two
    missing = ids.encode("org", ids.uuid7())
    assert code(world.bearer(admin, f"/v1/organizations/{missing}/api-keys")) == (404, "not_found")


# --- service accounts ----------------------------------------------------------------------------------


def test_a_service_account_is_made_read_changed_and_deleted(world: World, admin: str) -> None:
    made = world.bearer(admin, "/v1/service-accounts", "POST", {"name": "Robot", "scopes": ["members:read"]})
    assert made.status_code == 201
    path = f"/v1/service-accounts/{made.json()['id']}"
    assert world.bearer(admin, path).json()["status"] == "active"
    changed = world.bearer(admin, path, "PATCH", {"name": "Robot two"})
    assert changed.json()["name"] == "Robot two"
    assert world.bearer(admin, path, "DELETE").status_code == 204
    assert code(world.bearer(admin, path)) == (404, "not_found")
    for kind in ("created", "updated", "deleted"):
        assert len(events(world.acme, f"service_account.{kind}", made.json()["id"])) == 1


def test_the_scopes_of_an_account_cap_its_keys_also_later(world: World, admin: str) -> None:
    account = world.bearer(admin, "/v1/service-accounts", "POST", {"name": "Robot"}).json()
    both = ["api-keys:read", "members:read"]
    key = create(world, admin, service_account_id=account["id"], scopes=both).json()["secret"]
    assert world.bearer(key).status_code == 200
    world.bearer(admin, f"/v1/service-accounts/{account['id']}", "PATCH", {"scopes": ["members:read"]})
    assert code(world.bearer(key)) == (403, "insufficient_scope")


def test_deleting_an_account_revokes_its_keys(world: World, admin: str) -> None:
    account = world.bearer(admin, "/v1/service-accounts", "POST", {"name": "Robot"}).json()
    key = create(world, admin, service_account_id=account["id"]).json()["secret"]
    assert world.bearer(key).status_code == 200
    world.bearer(admin, f"/v1/service-accounts/{account['id']}", "DELETE")
    assert code(world.bearer(key)) == (401, "token_revoked")


def test_a_disabled_account_takes_no_new_keys(world: World, admin: str) -> None:
    account = world.bearer(admin, "/v1/service-accounts", "POST", {"name": "Robot"}).json()
    path = f"/v1/service-accounts/{account['id']}/suspension"
    assert world.bearer(admin, path, "PUT").json()["status"] == "disabled"
    assert code(create(world, admin, service_account_id=account["id"])) == (409, "conflict")
    assert world.bearer(admin, path, "DELETE").status_code == 204
    assert create(world, admin, service_account_id=account["id"]).status_code == 201


def test_L10_only_listed_fields_of_an_account_can_be_written(world: World, admin: str) -> None:
    account = world.bearer(admin, "/v1/service-accounts", "POST", {"name": "Robot"}).json()
    for field in ("id", "created_by", "disabled_at", "organization_id", "tenant_id", "status"):
        response = world.bearer(admin, f"/v1/service-accounts/{account['id']}", "PATCH", {field: "x"})
        assert code(response) == (400, "validation_failed")


def test_another_organizations_account_is_missing(world: World, of_one: str) -> None:
    actor = admin_principal(world.acme, world.cast.owner)
    with scope.tenant(world.acme.id):
        theirs = services.create_service_account(actor=actor, name="Theirs", organization=world.two)
    assert code(world.bearer(of_one, f"/v1/service-accounts/{theirs.public_id}")) == (404, "not_found")
    refused = create(world, of_one, service_account_id=theirs.public_id)
    assert code(refused) == (400, "validation_failed")


def test_a_persons_token_makes_keys_within_their_roles(world: World) -> None:
    token = factories.access_token(world.developer, ALL)
    assert create(world, token).status_code == 201
    assert code(create(world, token, scopes=["members:write"]))[0] == 403
    plain = factories.access_token(world.cast.member, ALL)
    assert code(create(world, plain)) == (403, "insufficient_role")
