"""`/v1/roles`, `/v1/members/{id}/roles`, `/v1/api-resources` through the front door."""

from __future__ import annotations

import pytest

from core import scope
from identity.tokens import TokenScope
from roles import resources, selectors
from roles.assurance import demanded
from roles.models import Role
from roles.permissions import BUILT_IN, Permission
from roles.services import assign_role_as_system
from tests.factories import Browser, Cast, access_token, make_cast, make_member, make_organization, unique


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def owner(cast: Cast) -> str:
    return access_token(cast.owner)


def call(cast: Cast, method: str, path: str, token: str, body: object = None, **headers: str):
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", token, body, **headers)


def role_id(cast: Cast, name: str) -> str:
    with scope.tenant(cast.acme.id):
        return selectors.built_in(name).public_id


def test_AZ03_roles_are_listed_with_what_they_allow(cast: Cast, owner: str):
    rows = call(cast, "GET", "roles?built_in=true&limit=100", owner).json()["data"]
    assert {row["name"]: set(row["permissions"]) for row in rows} == {k: set(v) for k, v in BUILT_IN.items()}


def test_a_custom_role_is_made_changed_and_deleted(cast: Cast, owner: str):
    body = {"name": unique("Role"), "permissions": ["members:read"], "metadata": {"a": "b"}}
    made = call(cast, "POST", "roles", owner, body)
    assert made.status_code == 201, made.content
    path, tag = f"roles/{made.json()['id']}", made.headers["ETag"]
    assert call(cast, "PATCH", path, owner, {"description": "x"}).status_code == 428
    assert call(cast, "PATCH", path, owner, {"description": "x"}, If_Match='"stale"').status_code == 412
    changed = call(cast, "PATCH", path, owner, {"permissions": ["roles:read"]}, If_Match=tag)
    assert (changed.status_code, changed.json()["permissions"]) == (200, ["roles:read"])
    assert call(cast, "DELETE", path, owner, If_Match=tag).status_code == 412
    assert call(cast, "DELETE", path, owner, If_Match=changed.headers["ETag"]).status_code == 204
    assert call(cast, "GET", path, owner).status_code == 404


def test_AUT15_a_role_names_the_factor_that_it_requires(cast: Cast, owner: str):
    body = {"name": unique("Strict"), "permissions": ["members:read"], "required_factor": "passkey"}
    made = call(cast, "POST", "roles", owner, body)
    assert made.json()["required_factor"] == "passkey"
    path, match = f"roles/{made.json()['id']}", {"If_Match": made.headers["ETag"]}
    person = make_member(cast.acme)
    with scope.tenant(cast.acme.id):
        role = Role.objects.get(name=body["name"])
        assign_role_as_system(member=person.member, role=role)
        assert demanded(person.member.id) == "urn:claviger:acr:phr"
    assert call(cast, "PATCH", path, owner, {"required_factor": "retina"}, **match).status_code == 400
    eased = call(cast, "PATCH", path, owner, {"required_factor": "any"}, **match)
    assert eased.json()["required_factor"] == "any"
    with scope.tenant(cast.acme.id):
        assert demanded(person.member.id) == ""


def test_C16_built_in_roles_refuse_change_at_the_door(cast: Cast, owner: str):
    path = f"roles/{role_id(cast, 'viewer')}"
    changed = call(cast, "PATCH", path, owner, {"permissions": ["tenant:write"]}, If_Match="*")
    assert (changed.status_code, changed.json()["code"]) == (409, "role_immutable")
    assert call(cast, "DELETE", path, owner, If_Match="*").status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "x", "permissions": "members:read"},
        {"name": "x", "permissions": ["members:*"]},
        {"name": "x", "permissions": [7]},
        {"name": "x", "permissions": [], "is_built_in": True},
        {"name": "x" * 65, "permissions": []},
    ],
)
def test_bad_roles_are_refused(cast: Cast, owner: str, body: dict[str, object]):
    assert call(cast, "POST", "roles", owner, body).status_code == 400


def test_USR05_a_role_is_given_and_taken_at_both_levels(cast: Cast, owner: str):
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    token, path = access_token(person), f"members/{person.subject}/roles"
    assert call(cast, "GET", "members", token).status_code == 403
    given = call(cast, "POST", path, owner, {"role": role_id(cast, "viewer")})
    assert given.status_code == 201, given.content
    assert call(cast, "GET", "members", token).status_code == 200
    inside = call(
        cast, "POST", path, owner, {"role": role_id(cast, "admin"), "organization": organization.public_id}
    )
    assert inside.json()["organization"] == organization.public_id
    assert len(call(cast, "GET", path, owner).json()["data"]) == 2
    only = call(cast, "GET", f"{path}?organization={organization.public_id}", owner).json()["data"]
    assert [row["id"] for row in only] == [inside.json()["id"]]
    assert call(cast, "DELETE", f"{path}/{given.json()['id']}", owner).status_code == 204
    assert call(cast, "GET", "members", token).status_code == 403
    assert call(cast, "DELETE", f"{path}/{given.json()['id']}", owner).status_code == 404


def test_A6_a_viewer_at_the_door_becomes_no_admin(cast: Cast):
    viewer = make_member(cast.acme, roles=["viewer"])
    path, body = f"members/{viewer.subject}/roles", {"role": role_id(cast, "admin")}
    refused = call(cast, "POST", path, access_token(viewer), body)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_role")
    lender = access_token(make_member(cast.acme, roles=["security_admin"]))
    lent = call(cast, "POST", path, lender, body)
    assert (lent.status_code, lent.json()["code"]) == (403, "grant_exceeds_own")
    assert lent.json()["required"]["permissions"]


def test_A1_a_foreign_role_member_or_resource_is_missing(cast: Cast, owner: str):
    with scope.tenant(cast.globex.id):
        foreign, resource = selectors.built_in("viewer"), resources.control_plane()
    missing = call(cast, "GET", "roles/role_00000000000000000000000000", owner).json()
    got = call(cast, "GET", f"roles/{foreign.public_id}", owner)
    assert got.status_code == 404
    assert {**got.json(), "request_id": "", "instance": ""} == {**missing, "request_id": "", "instance": ""}
    for path in (f"api-resources/{resource.public_id}", f"api-resources/{resource.public_id}/scopes"):
        assert call(cast, "GET", path, owner).status_code == 404
    body = {"role": foreign.public_id}
    assert call(cast, "POST", f"members/{cast.member.subject}/roles", owner, body).status_code == 404
    body = {"role": role_id(cast, "viewer")}
    assert call(cast, "POST", f"members/{cast.other_member.subject}/roles", owner, body).status_code == 404


# --- API resources ---------------------------------------------------------------------------------------


def test_C6_the_tenants_own_api_is_a_resource_that_nobody_changes(cast: Cast, owner: str):
    rows = call(cast, "GET", "api-resources?q=Claviger", owner).json()["data"]
    assert [row["is_control_plane"] for row in rows] == [True]
    path = f"api-resources/{rows[0]['id']}"
    scopes = call(cast, "GET", f"{path}/scopes?limit=100", owner).json()["data"]
    assert {row["value"] for row in scopes} == {str(word) for word in Permission}
    assert call(cast, "PATCH", path, owner, {"name": "Mine"}).status_code == 409
    assert call(cast, "DELETE", path, owner).status_code == 409
    assert call(cast, "POST", f"{path}/scopes", owner, {"value": "all"}).status_code == 409
    assert call(cast, "DELETE", f"{path}/scopes/{scopes[0]['id']}", owner).status_code == 409


def test_C6_resources_and_scopes_are_made_changed_and_deleted(cast: Cast, owner: str):
    audience = f"https://{unique('api')}.example.com"
    made = call(cast, "POST", "api-resources", owner, {"audience": audience, "name": "Campaigns"})
    assert made.status_code == 201, made.content
    path = f"api-resources/{made.json()['id']}"
    for value in ("read:campaigns", "campaigns:read", "stackflow/api.read", "admin"):
        body = {"value": value, "description": "d"}
        assert call(cast, "POST", f"{path}/scopes", owner, body).status_code == 201
    assert call(cast, "POST", f"{path}/scopes", owner, {"value": "admin"}).status_code == 409
    found = call(cast, "GET", f"{path}/scopes?q=read", owner).json()["data"]
    assert [row["value"] for row in found] == ["read:campaigns"]
    scope_path = f"{path}/scopes/{found[0]['id']}"
    assert call(cast, "PATCH", scope_path, owner, {"description": "new"}).json()["description"] == "new"
    assert call(cast, "PATCH", scope_path, owner, {"value": "write:campaigns"}).status_code == 400
    assert call(cast, "DELETE", scope_path, owner).status_code == 204
    assert call(cast, "PATCH", path, owner, {"token_lifetime": 300}).json()["token_lifetime"] == 300
    assert call(cast, "PATCH", path, owner, {"audience": "https://other.example"}).status_code == 400
    assert (
        call(cast, "POST", "api-resources", owner, {"audience": audience, "name": "Twin"}).status_code == 409
    )
    assert call(cast, "DELETE", path, owner).status_code == 204
    assert call(cast, "GET", path, owner).status_code == 404


@pytest.mark.parametrize(
    "audience", ["", "api", "/path", "https://a.example/#x", 7, "https://a\u202e.example"]
)
def test_an_audience_is_an_absolute_address(cast: Cast, owner: str, audience: object):
    assert call(cast, "POST", "api-resources", owner, {"audience": audience, "name": "x"}).status_code == 400


@pytest.mark.parametrize("value", ["", "two words", 'quo"te', "back\\slash", "ümlaut", "x" * 121, ["x"]])
def test_a_scope_is_one_token(cast: Cast, owner: str, value: object):
    with scope.tenant(cast.acme.id):
        row = selectors.api_resources().filter(is_control_plane=False).first()
    if row is None:
        made = call(
            cast, "POST", "api-resources", owner, {"audience": f"https://{unique('s')}.example", "name": "S"}
        )
        identifier = made.json()["id"]
    else:
        identifier = row.public_id
    answer = call(cast, "POST", f"api-resources/{identifier}/scopes", owner, {"value": value})
    assert answer.status_code == 400


def test_AZ09_every_operation_publishes_its_scope(cast: Cast):
    from django.urls import get_resolver

    ours = ("tenants", "organizations", "roles", "invitations")
    seen = 0
    for pattern in walk(get_resolver().url_patterns):
        view = getattr(pattern.callback, "view_class", None)
        if view is None or view.__module__.split(".")[0] not in ours:
            continue
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                spec = getattr(view, method).operation
                words = TokenScope if spec.account else Permission
                assert spec.scope in {str(word) for word in words}, (view, method)
                assert spec.summary, (view, method)
                seen += 1
    assert seen > 40


def walk(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from walk(pattern.url_patterns)
        else:
            yield pattern
