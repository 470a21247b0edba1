"""Events of changed roles: before and after in an organization, and who administers the tenant."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from core import scope
from events.models import Event
from roles import selectors
from roles.models import RoleAssignment
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

IN_ORGANIZATION = "organization.member.role_changed"
ADMIN = "tenant.admin."


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def owner(cast: Cast) -> str:
    return access_token(cast.owner)


def call(cast: Cast, method: str, path: str, token: str, body: object = None, **headers: str) -> Any:
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", token, body, **headers)


def role_id(cast: Cast, name: str) -> str:
    with scope.tenant(cast.acme.id):
        return selectors.built_in(name).public_id


def give(cast: Cast, token: str, person: Person, role: str, **more: Any) -> str:
    answer = call(
        cast, "POST", f"members/{person.subject}/roles", token, {"role": role_id(cast, role), **more}
    )
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def take(cast: Cast, token: str, person: Person, assignment: str) -> None:
    answer = call(cast, "DELETE", f"members/{person.subject}/roles/{assignment}", token)
    assert answer.status_code == 204, answer.content


def told(tenant: Any, person: Person, beginning: str) -> list[tuple[str, list[str], list[str]]]:
    """Return type, roles before and roles after of a member's events, oldest first."""
    with scope.tenant(tenant.id):
        rows = Event.objects.filter(type__startswith=beginning).order_by("id")
        found = [(row.type, json.loads(bytes(row.canonical))["data"]) for row in rows]
    return [
        (kind, data["previous"]["roles"], data["object"]["roles"])
        for kind, data in found
        if person.subject in (data["object"]["id"], data["object"].get("member"))
    ]


# --- in an organization ----------------------------------------------------------------------------------


def test_each_change_of_roles_in_an_organization_is_told_with_before_and_after(cast: Cast, owner: str):
    person = make_member(cast.acme)
    where = make_organization(cast.acme, people=[person]).public_id
    first = give(cast, owner, person, "support", organization=where)
    give(cast, owner, person, "admin", organization=where)
    take(cast, owner, person, first)
    assert told(cast.acme, person, IN_ORGANIZATION) == [
        (IN_ORGANIZATION, [], ["support"]),
        (IN_ORGANIZATION, ["support"], ["admin", "support"]),
        (IN_ORGANIZATION, ["admin", "support"], ["admin"]),
    ]
    assert told(cast.globex, person, IN_ORGANIZATION) == []
    listed = call(cast, "GET", f"events?type={IN_ORGANIZATION}&limit=1", owner).json()["data"][0]
    assert listed["orgid"] == where
    assert listed["data"]["object"]["member"] == person.subject
    assert listed["data"]["object"]["organization"] == where
    assert listed["data"]["actor"]["id"] == cast.owner.subject


def test_the_administrator_of_an_organization_is_named_as_the_actor(cast: Cast):
    admin, person = make_member(cast.acme), make_member(cast.acme)
    organization = make_organization(cast.acme, people=[admin, person])
    token = access_token(cast.owner)
    give(cast, token, admin, "admin", organization=organization.public_id)
    inside = access_token(admin, organization=organization)
    path = f"organizations/{organization.public_id}/members/{person.subject}/roles"
    given = call(cast, "POST", path, inside, {"role": role_id(cast, "viewer")})
    assert given.status_code == 201, given.content
    assert told(cast.acme, person, IN_ORGANIZATION) == [(IN_ORGANIZATION, [], ["viewer"])]


def test_what_changes_no_role_is_not_told(cast: Cast, owner: str):
    person = make_member(cast.acme)
    where = make_organization(cast.acme, people=[person]).public_id
    for days in (None, 3, 5):
        end = (timezone.now() + timedelta(days=days)).isoformat() if days else None
        give(cast, owner, person, "viewer", organization=where, expires_at=end)
    give(cast, owner, person, "viewer")
    assert told(cast.acme, person, IN_ORGANIZATION) == [(IN_ORGANIZATION, [], ["viewer"])]
    with scope.tenant(cast.acme.id):
        held = RoleAssignment.objects.filter(member=person.member).exclude(organization=None)
        held.update(expires_at=timezone.now() - timedelta(days=1))
    give(cast, owner, person, "viewer", organization=where)
    assert told(cast.acme, person, IN_ORGANIZATION) == [(IN_ORGANIZATION, [], ["viewer"])] * 2


def test_leaving_is_told_as_leaving_only(cast: Cast, owner: str):
    person = make_member(cast.acme)
    where = make_organization(cast.acme, people=[person]).public_id
    give(cast, owner, person, "viewer", organization=where)
    gone = call(cast, "DELETE", f"organizations/{where}/members/{person.subject}", owner)
    assert gone.status_code == 204, gone.content
    assert len(told(cast.acme, person, IN_ORGANIZATION)) == 1


def test_a_deleted_role_is_told_of_everybody_who_had_it(cast: Cast, owner: str):
    people = [make_member(cast.acme) for _ in range(2)]
    organization = make_organization(cast.acme, people=people)
    where, name = organization.public_id, unique("Role")
    made = call(cast, "POST", "roles", owner, {"name": name, "permissions": ["members:read"]})
    for person in people:
        body = {"role": made.json()["id"], "organization": where}
        assert call(cast, "POST", f"members/{person.subject}/roles", owner, body).status_code == 201
    give(cast, owner, people[0], "viewer", organization=where)
    gone = call(cast, "DELETE", f"roles/{made.json()['id']}", owner, If_Match=made.headers["ETag"])
    assert gone.status_code == 204, gone.content
    both = sorted([name, "viewer"])
    assert told(cast.acme, people[0], IN_ORGANIZATION)[-1] == (IN_ORGANIZATION, both, ["viewer"])
    assert told(cast.acme, people[1], IN_ORGANIZATION)[-1] == (IN_ORGANIZATION, [name], [])


def test_parallel_changes_are_told_as_if_one_came_after_the_other(cast: Cast, owner: str):
    person = make_member(cast.acme)
    where = make_organization(cast.acme, people=[person]).public_id
    names = ["admin", "viewer", "support", "auditor"]

    def one(name: str) -> None:
        try:
            give(cast, owner, person, name, organization=where)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, names))
    steps = sorted(told(cast.acme, person, IN_ORGANIZATION), key=lambda step: len(step[2]))
    assert [len(after) for _, _, after in steps] == [1, 2, 3, 4]
    assert [before for _, before, _ in steps[1:]] == [after for _, _, after in steps[:-1]]


# --- of the tenant ---------------------------------------------------------------------------------------


def test_administrators_come_change_and_go(cast: Cast, owner: str):
    person = make_member(cast.acme)
    give(cast, owner, person, "viewer")
    assert told(cast.acme, person, ADMIN) == []
    admin = give(cast, owner, person, "admin")
    give(cast, owner, person, "admin")
    both = give(cast, owner, person, "owner")
    take(cast, owner, person, both)
    take(cast, owner, person, admin)
    assert told(cast.acme, person, ADMIN) == [
        ("tenant.admin.added", [], ["admin"]),
        ("tenant.admin.role_changed", ["admin"], ["admin", "owner"]),
        ("tenant.admin.role_changed", ["admin", "owner"], ["admin"]),
        ("tenant.admin.removed", ["admin"], []),
    ]
    assert told(cast.globex, person, ADMIN) == []


def test_the_first_owner_of_a_tenant_is_told(cast: Cast):
    assert told(cast.acme, cast.owner, ADMIN) == [("tenant.admin.added", [], ["owner"])]


def test_an_administrator_of_an_organization_is_none_of_the_tenant(cast: Cast, owner: str):
    person = make_member(cast.acme)
    where = make_organization(cast.acme, people=[person]).public_id
    give(cast, owner, person, "admin", organization=where)
    assert told(cast.acme, person, ADMIN) == []


def test_a_removed_member_administers_no_more(cast: Cast, owner: str):
    person, plain = make_member(cast.acme, roles=["admin"]), make_member(cast.acme, roles=["viewer"])
    for one in (person, plain):
        gone = call(cast, "DELETE", f"members/{one.subject}", owner)
        assert gone.status_code == 204, gone.content
    assert told(cast.acme, person, ADMIN)[-1] == ("tenant.admin.removed", ["admin"], [])
    assert told(cast.acme, plain, ADMIN) == []


def test_A6_a_refused_change_is_told_to_nobody(cast: Cast):
    viewer, person = make_member(cast.acme, roles=["viewer"]), make_member(cast.acme)
    body, path = {"role": role_id(cast, "admin")}, f"members/{person.subject}/roles"
    assert call(cast, "POST", path, access_token(viewer), body).status_code == 403
    assert call(cast, "POST", path, access_token(cast.other_owner), body).status_code in (401, 403)
    assert told(cast.acme, person, ADMIN) == []


def test_A1_another_tenant_and_a_stranger_read_none_of_it(cast: Cast, owner: str):
    person = make_member(cast.acme)
    give(cast, owner, person, "admin")
    path = "events?type=tenant.admin.added"
    assert call(cast, "GET", path, owner).json()["data"]
    foreign = Browser().api("GET", f"/t/{cast.globex.slug}/v1/{path}", access_token(cast.other_owner))
    assert person.subject not in [event["subject"] for event in foreign.json()["data"]]
    assert call(cast, "GET", path, access_token(cast.other_owner)).status_code in (401, 403)
    assert call(cast, "GET", path, "").status_code == 401
