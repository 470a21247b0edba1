"""`/v1/groups` through the front door: what it does, whom it refuses, and how soon others feel it (USR-12)."""

from __future__ import annotations

import json
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from core import scope
from events.models import Event
from roles import authority, selectors
from roles.models import Scope
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_cast,
    make_member,
    make_organization,
    unique,
)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def owner(cast: Cast) -> str:
    return access_token(cast.owner)


@pytest.fixture(scope="module")
def manager(cast: Cast) -> str:
    """A token for groups alone: neither roles nor organizations."""
    return access_token(cast.owner, scopes={"groups:read", "groups:write"})


def call(cast: Cast, method: str, path: str, token: str, body: object = None, **headers: str) -> Any:
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", token, body, **headers)


def role_id(cast: Cast, name: str) -> str:
    with scope.tenant(cast.acme.id):
        return selectors.built_in(name).public_id


def made(cast: Cast, token: str, **body: Any) -> str:
    answer = call(cast, "POST", "groups", token, {"name": unique("Group"), **body})
    assert answer.status_code == 201, answer.content
    return f"groups/{answer.json()['id']}"


def put(cast: Cast, path: str, token: str) -> Any:
    answer = call(cast, "PUT", path, token)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids_of(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["data"]]


def told(cast: Cast, group: str) -> list[tuple[str, dict[str, Any]]]:
    """Return type and `data` of what was told of a group, oldest first."""
    with scope.tenant(cast.acme.id):
        rows = Event.objects.filter(object_id=group.removeprefix("groups/")).order_by("id")
        return [(row.type, json.loads(bytes(row.canonical))["data"]) for row in rows]


def test_USR12_a_group_is_made_found_changed_and_deleted(cast: Cast, owner: str):
    name, where = unique("Sales"), make_organization(cast.acme, people=[cast.member]).public_id
    body = {"name": name, "description": "Sells", "external_id": unique("guid"), "metadata": {"a": "b"}}
    answer = call(cast, "POST", "groups", owner, body)
    assert answer.status_code == 201, answer.content
    group, path = answer.json(), f"groups/{answer.json()['id']}"
    assert group == {**group, **body, "object": "group", "organization": None}
    again = call(cast, "POST", "groups", owner, {"name": name.upper()})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    inside = made(cast, owner, name=name, organization=where)
    put(cast, f"{path}/members/{cast.member.subject}", owner)
    own = [group["id"]]
    assert set(ids_of(call(cast, "GET", f"groups?q={name[:-2].upper()}", owner))) == {*own, inside[7:]}
    assert ids_of(call(cast, "GET", f"groups?organization={where}", owner)) == [inside[7:]]
    assert ids_of(call(cast, "GET", f"groups?external_id={body['external_id']}", owner)) == own
    assert ids_of(call(cast, "GET", f"groups?member={cast.member.subject}", owner)) == own
    listed = call(cast, "GET", f"groups?member={cast.member.subject}", owner).json()["data"][0]
    assert (listed["member_count"], listed["role_count"]) == (1, 0)
    stale = call(cast, "PATCH", path, owner, {"name": "X"}, If_Match='"stale"')
    assert stale.status_code == 412
    changed = call(
        cast, "PATCH", path, owner, {"name": f"{name}!", "external_id": None}, If_Match=answer.headers["ETag"]
    )
    assert (changed.json()["name"], changed.json()["external_id"]) == (f"{name}!", None)
    assert changed.headers["ETag"] != answer.headers["ETag"]
    assert (
        call(cast, "PATCH", path, owner, {"organization": where}).status_code == 400
    )  # it stays where it is
    assert call(cast, "DELETE", path, owner, If_Match=answer.headers["ETag"]).status_code == 412
    assert call(cast, "DELETE", path, owner).status_code == 204
    assert call(cast, "GET", path, owner).status_code == 404
    assert [what for what, _ in told(cast, path)] == [
        "group.created",
        "group.member_added",
        "group.updated",
        "group.deleted",
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 121},
        {"name": 7},
        {"name": "x", "external_id": "y" * 201},
        {"name": "x", "members": []},
    ],
)
def test_bad_groups_are_refused(cast: Cast, owner: str, body: dict[str, object]):
    assert call(cast, "POST", "groups", owner, body).status_code == 400


def test_ORG10_what_a_group_gives_works_at_once_and_ends_at_once(cast: Cast, owner: str):
    person = make_member(cast.acme)
    token, group = access_token(person), made(cast, owner)
    assert call(cast, "GET", "members", token).status_code == 403
    put(cast, f"{group}/members/{person.subject}", owner)
    given = put(cast, f"{group}/roles/{role_id(cast, 'viewer')}", owner)
    assert (given["object"], given["role"]["name"]) == ("group_role", "viewer")
    assert call(cast, "GET", "members", token).status_code == 200
    assert call(cast, "DELETE", f"{group}/roles/{role_id(cast, 'viewer')}", owner).status_code == 204
    assert call(cast, "GET", "members", token).status_code == 403
    put(cast, f"{group}/roles/{role_id(cast, 'viewer')}", owner)
    assert call(cast, "GET", "members", token).status_code == 200
    assert call(cast, "DELETE", f"{group}/members/{person.subject}", owner).status_code == 204
    assert call(cast, "GET", "members", token).status_code == 403
    for gone in (f"{group}/members/{person.subject}", f"{group}/roles/{role_id(cast, 'support')}"):
        assert call(cast, "DELETE", gone, owner).status_code == 404


def test_USR12_a_members_roles_say_which_group_gives_them(cast: Cast, owner: str):
    person = make_member(cast.acme, roles=["viewer"])
    group = made(cast, owner, name=unique("Auditors"))
    put(cast, f"{group}/roles/{role_id(cast, 'viewer')}", owner)
    first = put(cast, f"{group}/members/{person.subject}", owner)
    assert put(cast, f"{group}/members/{person.subject}", owner) == first
    assert (first["member"]["id"], first["sources"]) == (person.subject, ["manual"])
    path = f"members/{person.subject}/roles"
    rows = {row["group"] and row["group"]["id"]: row for row in call(cast, "GET", path, owner).json()["data"]}
    assert set(rows) == {None, group[7:]}
    refused = call(cast, "DELETE", f"{path}/{rows[group[7:]]['id']}", owner)
    assert (refused.status_code, refused.json()["code"]) == (409, "given_by_group")
    assert refused.json()["group"] == group[7:]
    shown = call(cast, "GET", f"members/{person.subject}?include=groups,roles", owner).json()
    assert [row["id"] for row in shown["groups"]] == [group[7:]]
    assert [row["name"] for row in shown["roles"]] == ["viewer"]
    for narrowed, expected in ((group[7:], [person.subject]), ("grp_nonsense", [])):
        assert ids_of(call(cast, "GET", f"members?group={narrowed}", owner)) == expected
    people = call(cast, "GET", f"{group}/members?q={person.email[:8]}", owner).json()["data"]
    assert [row["member"]["email"] for row in people] == [person.email]
    roles = call(cast, "GET", f"{group}/roles", owner).json()["data"]
    assert [row["role"]["id"] for row in roles] == [role_id(cast, "viewer")]
    kinds = [(what, data["object"]) for what, data in told(cast, group)]
    assert kinds[1:] == [
        ("group.role_added", {**kinds[1][1], "role": "viewer"}),
        ("group.member_added", {**kinds[2][1], "member": person.subject, "source": "manual"}),
    ]


def test_A6_groups_alone_give_no_roles(cast: Cast, owner: str, manager: str):
    person = make_member(cast.acme)
    plain, giving = made(cast, manager), made(cast, owner)
    put(cast, f"{giving}/roles/{role_id(cast, 'viewer')}", owner)
    put(cast, f"{plain}/members/{person.subject}", manager)
    for method, path in (
        ("PUT", f"{plain}/roles/{role_id(cast, 'viewer')}"),
        ("PUT", f"{giving}/members/{person.subject}"),
        ("DELETE", giving),
    ):
        refused = call(cast, method, path, manager)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope"), path
        assert refused.json()["required"] == {"scopes": ["roles:write"]}
    lender = access_token(make_member(cast.acme, roles=["security_admin"]))
    lent = call(cast, "PUT", f"{plain}/roles/{role_id(cast, 'admin')}", lender)
    assert (lent.status_code, lent.json()["code"]) == (403, "grant_exceeds_own")
    owning = call(cast, "PUT", f"{plain}/roles/{role_id(cast, 'owner')}", owner)
    assert (owning.status_code, owning.json()["code"]) == (409, "owners_are_named")


def test_A1_groups_of_others_are_missing(cast: Cast, owner: str):
    group = made(cast, owner)
    foreign = access_token(cast.other_owner)
    for method, path in (
        ("GET", group),
        ("PATCH", group),
        ("DELETE", group),
        ("GET", f"{group}/members"),
        ("GET", f"{group}/roles"),
        ("PUT", f"{group}/members/{cast.other_member.subject}"),
    ):
        body = {"name": "Mine"} if method == "PATCH" else None
        answer = Browser().api(method, f"/t/{cast.globex.slug}/v1/{path}", foreign, body)
        assert answer.status_code == 404, (method, path)
    for missing in (cast.other_member.subject, "sub_nobody"):
        assert call(cast, "PUT", f"{group}/members/{missing}", owner).status_code == 404
    assert call(cast, "GET", "groups", "").status_code == 401


def test_TEN05_an_administrator_of_an_organization_manages_its_groups(cast: Cast, owner: str):
    admin, person = make_member(cast.acme), make_member(cast.acme)
    ours = make_organization(cast.acme, people=[admin, person])
    outsider = make_member(cast.acme)
    wide = made(cast, owner)
    leaders = made(cast, owner, organization=ours.public_id)
    put(cast, f"{leaders}/roles/{role_id(cast, 'admin')}", owner)
    put(cast, f"{leaders}/members/{admin.subject}", owner)
    inside = access_token(admin, organization=ours)
    group = made(cast, inside, name="Team")
    assert call(cast, "GET", group, inside).json()["organization"] == ours.public_id
    assert set(ids_of(call(cast, "GET", "groups", inside))) == {group[7:], leaders[7:]}
    put(cast, f"{group}/roles/{role_id(cast, 'viewer')}", inside)
    put(cast, f"{group}/members/{person.subject}", inside)
    with scope.tenant(cast.acme.id):
        assert authority.roles_of(person.member.id, ours.id) == ("viewer",)
        assert authority.roles_of(person.member.id) == ()
    assert call(cast, "PUT", f"{group}/members/{outsider.subject}", inside).status_code == 404
    assert call(cast, "GET", wide, inside).status_code == 404
    other = make_organization(cast.acme)
    refused = call(cast, "POST", "groups", inside, {"name": "X", "organization": other.public_id})
    assert refused.status_code in (403, 404)
    assert ids_of(call(cast, "GET", f"groups?organization={other.public_id}", inside)) == []
    listed = call(
        cast, "GET", f"organizations/{ours.public_id}/members/{person.subject}/roles", inside
    ).json()
    assert [row["group"]["name"] for row in listed["data"]] == ["Team"]
    assert call(cast, "DELETE", f"{leaders}/members/{admin.subject}", owner).status_code == 204
    assert call(cast, "GET", "groups", inside).status_code == 403


def test_USR12_before_and_after_are_told_once_for_each_member(cast: Cast, owner: str):
    people: list[Person] = [make_member(cast.acme), make_member(cast.acme)]
    where = make_organization(cast.acme, people=people).public_id
    group = made(cast, owner, organization=where)
    for person in people:
        put(cast, f"{group}/members/{person.subject}", owner)
    body = {"role": role_id(cast, "viewer"), "organization": where}
    call(cast, "POST", f"members/{people[0].subject}/roles", owner, body)
    for name in ("viewer", "support"):
        put(cast, f"{group}/roles/{role_id(cast, name)}", owner)
    call(cast, "DELETE", group, owner)
    with scope.tenant(cast.acme.id):
        rows = Event.objects.filter(type="organization.member.role_changed").order_by("id")
        found = [json.loads(bytes(row.canonical))["data"] for row in rows]
    changes: dict[str, list[tuple[list[str], list[str]]]] = {person.subject: [] for person in people}
    for one in found:
        if one["object"]["member"] in changes:
            changes[one["object"]["member"]].append((one["previous"]["roles"], one["object"]["roles"]))
    both = ["support", "viewer"]
    assert list(changes.values()) == [
        [([], ["viewer"]), (["viewer"], both), (both, ["viewer"])],
        [([], ["viewer"]), (["viewer"], both), (both, [])],
    ]


def test_USR12_tenants_made_before_groups_get_their_scopes(cast: Cast):
    """The migration adds the words of groups to each tenant's own API, once."""
    migration = import_module("roles.migrations.0007_group_security")
    owning = connections["owner"]
    state = MigrationLoader(owning).project_state(("roles", "0007_group_security")).apps
    with scope.tenant(cast.globex.id):
        before = set(Scope.objects.values_list("value", flat=True))
        Scope.objects.filter(value__startswith="groups:").delete()
    for _ in range(2):
        migration.add_scopes(state, SimpleNamespace(connection=owning))
    for tenant in (cast.acme, cast.globex):
        with scope.tenant(tenant.id):
            assert set(Scope.objects.values_list("value", flat=True)) == before
            assert Scope.objects.filter(value="groups:write").count() == 1
