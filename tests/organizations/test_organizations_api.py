"""`/v1/organizations`: made, changed, ended; who belongs to them; walls between them."""

from __future__ import annotations

import pytest

from core import scope
from organizations import services
from organizations.models import Membership, Organization
from roles import authority
from roles import selectors as role_selectors
from roles.permissions import ORGANIZATION
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    unique,
)
from tests.factories.people import give_role


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def admin(cast: Cast) -> str:
    return access_token(make_member(cast.acme, roles=["admin"]))


def call(cast: Cast, method: str, path: str, token: str, body: object = None, **headers: str):
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", token, body, **headers)


def make_admin(cast: Cast, *, role: str = "admin") -> tuple[Organization, Person, str]:
    """An organization with its administrator and a token that is active in it."""
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        give_role(person.member, role, organization)
    return organization, person, access_token(person, organization=organization)


# --- the tenant's administrators -------------------------------------------------------------------------


def test_ORG01_creates_changes_and_deletes(cast: Cast, admin: str):
    name = unique("Überall GmbH")
    made = call(
        cast, "POST", "organizations", admin, {"name": name, "external_id": name, "metadata": {"a": "b"}}
    )
    assert made.status_code == 201, made.content
    body = made.json()
    assert body["slug"].startswith("uberall-gmbh-")
    assert (body["object"], body["status"], body["metadata"]) == ("organization", "active", {"a": "b"})
    path = f"organizations/{body['id']}"
    changed = call(
        cast,
        "PATCH",
        path,
        admin,
        {"name": "New", "policy": {"session_idle": 600}},
        If_Match=made.headers["ETag"],
    )
    assert (changed.status_code, changed.json()["policy"]) == (200, {"session_idle": 600})
    assert (
        call(cast, "PATCH", path, admin, {"name": "Late"}, If_Match=made.headers["ETag"]).status_code == 412
    )
    assert call(cast, "DELETE", path, admin).status_code == 204
    assert call(cast, "GET", path, admin).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x", "slug": "No Good"},
        {"name": "x", "policy": {"session_idle": 1}},
        {"name": "x", "policy": {"odd": 1}},
        {"name": "x", "tenant_id": "ten_1"},
        {"name": "x", "status": "deleted"},
        {"name": ["x"]},
    ],
)
def test_bad_organizations_are_refused(cast: Cast, admin: str, body: dict[str, object]):
    assert call(cast, "POST", "organizations", admin, body).status_code == 400


def test_slugs_are_unique_in_the_tenant_and_free_again_after_deletion(cast: Cast, admin: str):
    slug = unique("taken")
    first = call(cast, "POST", "organizations", admin, {"name": "One", "slug": slug})
    second = call(cast, "POST", "organizations", admin, {"name": "Two", "slug": slug})
    assert (second.status_code, second.json()["code"]) == (409, "slug_taken")
    elsewhere = Browser().api(
        "POST",
        f"/t/{cast.globex.slug}/v1/organizations",
        access_token(cast.other_owner),
        {"name": "One", "slug": slug},
    )
    assert elsewhere.status_code == 201
    call(cast, "DELETE", f"organizations/{first.json()['id']}", admin)
    assert call(cast, "POST", "organizations", admin, {"name": "Two", "slug": slug}).status_code == 201


def test_lists_by_beginning_with_counts(cast: Cast, admin: str):
    stem = unique("Findable")
    organization = make_organization(cast.acme, stem, people=[make_member(cast.acme), make_member(cast.acme)])
    rows = call(cast, "GET", f"organizations?q={stem[:14].lower()}", admin).json()["data"]
    assert [(row["id"], row["member_count"]) for row in rows] == [(organization.public_id, 2)]


def test_ORG02_adds_and_removes_members(cast: Cast, admin: str):
    person, organization = make_member(cast.acme), make_organization(cast.acme)
    path = f"organizations/{organization.public_id}/members"
    added = call(cast, "POST", path, admin, {"member": person.subject})
    assert added.status_code == 201, added.content
    assert added.json()["member"]["id"] == person.subject
    assert call(cast, "POST", path, admin, {"member": person.subject}).status_code == 409
    listed = call(cast, "GET", f"{path}?q=mia", admin).json()["data"]
    assert [row["member"]["id"] for row in listed] == [person.subject]
    assert call(cast, "GET", f"{path}/{person.subject}", admin).status_code == 200
    assert call(cast, "DELETE", f"{path}/{person.subject}", admin).status_code == 204
    assert call(cast, "GET", f"{path}/{person.subject}", admin).status_code == 404
    assert call(cast, "POST", path, admin, {"member": cast.other_member.subject}).status_code == 404


def test_A7_leaving_an_organization_ends_authority_in_it_at_once(cast: Cast, admin: str):
    organization, person, token = make_admin(cast)
    assert call(cast, "GET", "organizations", token).status_code == 200
    path = f"organizations/{organization.public_id}/members/{person.subject}"
    assert call(cast, "DELETE", path, admin).status_code == 204
    assert call(cast, "GET", "organizations", token).status_code in (401, 403)
    with scope.tenant(cast.acme.id):
        services.add_member(actor=make_principal(cast.acme), organization=organization, member=person.member)
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(person.member.id, organization.id) == frozenset()


def test_deleting_an_organization_ends_what_hangs_on_it(cast: Cast, admin: str):
    organization, person, token = make_admin(cast)
    assert call(cast, "DELETE", f"organizations/{organization.public_id}", admin).status_code == 204
    assert call(cast, "GET", "organizations", token).status_code in (401, 403)
    with scope.tenant(cast.acme.id):
        assert not Membership.objects.filter(organization=organization).exists()
        assert not role_selectors.assignments(person.member.id).exists()


def test_a_suspended_organization_lends_no_authority(cast: Cast, admin: str):
    organization, _person, token = make_admin(cast)
    path = f"organizations/{organization.public_id}"
    assert call(cast, "PATCH", path, admin, {"status": "suspended"}).status_code == 200
    assert call(cast, "GET", "organizations", token).status_code in (401, 403)
    assert call(cast, "PATCH", path, admin, {"status": "active"}).status_code == 200
    assert call(cast, "GET", "organizations", token).status_code == 200


# --- walls -----------------------------------------------------------------------------------------------


def test_TEN05_an_organization_sees_itself_only(cast: Cast):
    ours, person, token = make_admin(cast)
    theirs, other, _ = make_admin(cast)
    assert [row["id"] for row in call(cast, "GET", "organizations", token).json()["data"]] == [ours.public_id]
    total = call(cast, "GET", "organizations?include_total=true", token).json()["total"]
    assert total == 1
    listed = {row["id"] for row in call(cast, "GET", "members?limit=100", token).json()["data"]}
    assert listed == {person.subject}
    assert call(cast, "GET", f"members/{other.subject}", token).status_code == 404
    by_filter = call(cast, "GET", f"members?organization={theirs.public_id}", token).json()["data"]
    assert by_filter == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "organizations/{id}", None),
        ("PATCH", "organizations/{id}", {"name": "x"}),
        ("DELETE", "organizations/{id}", None),
        ("GET", "organizations/{id}/members", None),
        ("POST", "organizations/{id}/members", {"member": "sub_x"}),
        ("GET", "organizations/{id}/roles", None),
        ("POST", "organizations/{id}/roles", {"name": "x", "permissions": []}),
    ],
)
def test_TEN06_a_path_of_another_organization_is_a_mismatch(cast: Cast, method: str, path: str, body: object):
    _ours, _person, token = make_admin(cast)
    theirs, _other, _ = make_admin(cast)
    refused = call(cast, method, path.format(id=theirs.public_id), token, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "org_mismatch")
    made_up = call(cast, method, path.format(id="org_00000000000000000000000000"), token, body)
    assert (made_up.status_code, made_up.json()["code"]) == (403, "org_mismatch")


def test_A1_a_foreign_organization_answers_as_a_missing_one(cast: Cast, admin: str):
    foreign = make_organization(cast.globex)

    def answer(identifier: str) -> tuple[int, dict[str, object]]:
        got = call(cast, "GET", f"organizations/{identifier}", admin)
        return got.status_code, {k: v for k, v in got.json().items() if k not in ("request_id", "instance")}

    assert answer(foreign.public_id) == answer("org_00000000000000000000000000") == answer("org_nonsense")
    assert answer(foreign.public_id)[0] == 404


def test_TEN05_an_organization_runs_itself_but_decides_nothing_above(cast: Cast):
    ours, _person, token = make_admin(cast)
    path = f"organizations/{ours.public_id}"
    assert call(cast, "PATCH", path, token, {"name": "Our own name"}).status_code == 200
    for change in ({"status": "suspended"}, {"slug": unique("mine")}, {"external_id": unique("x")}):
        assert call(cast, "PATCH", path, token, change).status_code == 400
    assert call(cast, "POST", "organizations", token, {"name": "Another"}).status_code == 403
    assert call(cast, "DELETE", path, token).status_code == 409
    for path in ("tenant", "tenant/policy"):
        assert call(cast, "GET", path, token).status_code == 403
    assert call(cast, "POST", "members", token, {"email": "a@example.com"}).status_code == 403


def test_TEN05_an_organization_gives_roles_to_its_people(cast: Cast):
    ours, _admin, token = make_admin(cast)
    person = make_member(cast.acme)
    with scope.tenant(cast.acme.id):
        services.add_member_as_system(organization=ours, member=person.member)
    base = f"organizations/{ours.public_id}"
    made = call(cast, "POST", f"{base}/roles", token, {"name": "Clerk", "permissions": ["members:read"]})
    assert made.status_code == 201, made.content
    held = f"{base}/members/{person.subject}/roles"
    given = call(cast, "POST", held, token, {"role": made.json()["id"]})
    assert given.status_code == 201, given.content
    assert [row["role"]["name"] for row in call(cast, "GET", held, token).json()["data"]] == ["Clerk"]
    clerk = access_token(person, organization=ours)
    assert call(cast, "GET", "members", clerk).status_code == 200
    assert call(cast, "DELETE", f"{held}/{given.json()['id']}", token).status_code == 204
    assert call(cast, "GET", "members", clerk).status_code == 403
    too_much = {"name": "Boss", "permissions": ["members:write"]}
    assert call(cast, "POST", f"{base}/roles", token, too_much).status_code == 400
    outsider = f"{base}/members/{cast.owner.subject}/roles"
    assert call(cast, "POST", outsider, token, {"role": made.json()["id"]}).status_code == 404


def test_S6_an_organizations_admin_cannot_unseat_its_owner(cast: Cast):
    ours, _admin, token = make_admin(cast)
    owner = make_member(cast.acme)
    with scope.tenant(cast.acme.id):
        services.add_member_as_system(organization=ours, member=owner.member)
        give_role(owner.member, "owner", ours)
    path = f"organizations/{ours.public_id}/members/{owner.subject}"
    assert call(cast, "DELETE", path, token).json()["code"] == "owner_required"
    row = call(cast, "GET", f"{path}/roles", token).json()["data"][0]["id"]
    assert call(cast, "DELETE", f"{path}/roles/{row}", token).json()["code"] == "owner_required"
    mine = access_token(owner, organization=ours)
    assert call(cast, "DELETE", f"{path}/roles/{row}", mine).json()["code"] == "last_owner"


def test_a_token_of_an_organization_never_holds_more_than_an_organization_may(cast: Cast):
    owner = make_member(cast.acme, roles=["owner"])
    ours = make_organization(cast.acme, people=[owner])
    token = access_token(owner, organization=ours)
    assert call(cast, "GET", "tenant", token).status_code == 403
    assert call(cast, "GET", "organizations", token).status_code == 200
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(owner.member.id, ours.id) == ORGANIZATION
