"""Every route and every operation against callers who must be refused (A1, A2, AZ-07, AZ-13)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from apikeys.services import keys
from core import anonymous, ids, scope
from organizations.models import Organization
from roles import resources
from roles.permissions import ALL, ORGANIZATION, Permission
from tenants import members
from tests.api.objects import every_kind
from tests.api.routes import Case, operations, routes, sample
from tests.factories import (
    Browser,
    Cast,
    access_token,
    admin_principal,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    principal_of,
)
from tests.sweeps import each

pytestmark = pytest.mark.usefixtures("roomy")
CASES = operations()
PEOPLE_ONLY = [case for case in CASES if case.route == "v1/me" or case.route.startswith("v1/me/")]


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def token(people: Cast) -> str:
    return access_token(people.owner)


@pytest.fixture(scope="module")
def suspended(people: Cast) -> str:
    """The token of an administrator who was suspended after it was made."""
    person = make_member(people.acme, roles=["admin"])
    token = access_token(person)
    with scope.tenant(people.acme.id):
        members.suspend_member(actor=make_principal(people.acme), member=person.member)
    return token


@pytest.fixture(scope="module")
def without(people: Cast) -> Callable[[str], str]:
    """Return the owner's token with every scope but the one."""
    return cache(lambda word: access_token(people.owner, scopes={str(one) for one in ALL} - {word}))


@pytest.fixture(scope="module")
def powerless(people: Cast) -> str:
    """The token of a member with every scope in it and no role."""
    return access_token(people.member)


@pytest.fixture(scope="module")
def foreigner(people: Cast) -> str:
    return access_token(people.other_owner)


@pytest.fixture(scope="module")
def organizations_key(people: Cast) -> str:
    return organization_key(people, make_organization(people.acme))


@pytest.fixture(scope="module")
def objects(people: Cast) -> dict[str, dict[str, str]]:
    """Return ids of real rows by tenant slug, to be asked for by the other tenant."""
    return {
        tenant.slug: every_kind(tenant, owner)
        for tenant, owner in ((people.acme, people.owner), (people.globex, people.other_owner))
    }


def call(case: Case, token: str, path: str, **headers: str) -> Any:
    extra = {"Idempotency_Key": ids.new_request_id()} if case.operation.idempotency == "required" else {}
    return Browser().api(case.method, path, token, sample(case), **extra, **headers)


def test_AZ13_every_route_without_a_credential_answers_401_or_is_on_the_list() -> None:
    for route, pattern in routes():
        if not anonymous.needs_credential(route):
            continue
        path = "/" + re.sub(r"<\w+:\w+>", "x", route)
        methods = [
            m
            for m in ("get", "post", "put", "patch", "delete")
            if hasattr(getattr(pattern.callback, "cls", None), m)
        ]
        for method in methods or ["get"]:
            answer = Browser().api(method, path)
            assert answer.status_code == 401, (method, route, answer.status_code)
            assert answer.json()["code"] == "token_missing"
            assert "error=" not in answer.headers["WWW-Authenticate"]


def test_AZ13_the_list_names_only_routes_that_exist() -> None:
    known = {route for route, _ in routes()}
    assert known >= anonymous.CLIENTS
    assert set(anonymous.MACHINES) <= known


def test_AZ13_the_list_really_answers_without_a_credential(browser: Browser, people: Cast) -> None:
    for route in ("health", "ready", "v1/openapi.json", f"t/{people.acme.slug}/.well-known/jwks.json"):
        assert browser.get(f"/{route}").status_code == 200, route


@each("case", CASES)
def test_A2_a_token_of_another_tenant_is_refused_on_this_tenants_path(
    case: Case, people: Cast, foreigner: str
) -> None:
    answer = call(case, foreigner, f"/t/{people.acme.slug}{case.path()}")
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_mismatch")


@each("case", CASES)
def test_A1_a_suspended_member_is_refused_everywhere(case: Case, suspended: str) -> None:
    answer = call(case, suspended, case.path())
    assert (answer.status_code, answer.json()["code"]) in [(403, "subject_suspended"), (401, "token_revoked")]


@each("case", [case for case in CASES if case.operation.scope])
def test_A6_a_token_without_the_scope_is_refused_and_told_which(
    case: Case, without: Callable[[str], str]
) -> None:
    answer = call(case, without(case.operation.scope), case.path())
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert answer.json()["required"] == {"scopes": [case.operation.scope]}
    assert case.operation.scope in answer.headers["WWW-Authenticate"]


@each("case", [case for case in CASES if case.operation.scope])
def test_A6_a_member_without_a_role_is_refused_whatever_the_token_says(case: Case, powerless: str) -> None:
    answer = call(case, powerless, case.path())
    assert answer.status_code in (403, 404), (answer.status_code, answer.content[:300])


@each("case", [case for case in CASES if case.arguments])
def test_A1_an_id_of_another_tenant_reads_byte_for_byte_as_a_missing_one(
    case: Case, people: Cast, token: str, objects: dict[str, dict[str, str]]
) -> None:
    foreign = objects[people.globex.slug]
    assert set(case.arguments) <= foreign.keys(), "add a row of the new kind to tests/api/objects.py"
    missing, hidden = call(case, token, case.path()), call(case, token, case.path(foreign))
    assert hidden.status_code in (404, 400), (hidden.status_code, hidden.content[:300])
    assert strip(hidden, case.path(foreign)) == strip(missing, "")


def strip(answer: Any, path: str) -> tuple[int, dict[str, Any]]:
    body = answer.json()
    for varying in ("request_id", "instance"):
        body.pop(varying, None)
    return answer.status_code, body


@each("case", [c for c in CASES if c.view.organization_in_path])
def test_KEY17_an_organizations_credential_is_refused_on_another_organizations_path(
    case: Case, people: Cast, organizations_key: str
) -> None:
    other = make_organization(people.acme)
    argument = case.view.organization_in_path
    answer = call(case, organizations_key, case.path({argument: other.public_id}))
    assert (answer.status_code, answer.json()["code"]) == (403, "org_mismatch")


def organization_key(people: Cast, organization: Organization) -> str:
    actor = admin_principal(people.acme, people.owner)
    with scope.tenant(people.acme.id):
        return keys.issue_key(
            actor=actor,
            name="org",
            scopes=[str(word) for word in sorted(ORGANIZATION)],
            resource=resources.control_plane(),
            organization=organization,
        ).secret


@each("case", PEOPLE_ONLY)
def test_API07_a_machine_is_refused_at_the_persons_own_addresses(case: Case, organizations_key: str) -> None:
    answer = call(case, organizations_key, case.path())
    assert (answer.status_code, answer.json()["code"]) == (403, "subject_type_not_allowed")


def test_AZ09_every_operation_names_a_scope_of_the_vocabulary_or_is_the_persons_own() -> None:
    words = {str(permission) for permission in Permission}
    for case in CASES:
        about_itself = case in PEOPLE_ONLY or case.route == "v1/principal"
        assert case.operation.scope in words or about_itself or case.operation.public, str(case)


def test_the_lawful_caller_gets_through(people: Cast) -> None:
    answer = Browser().api("GET", f"/t/{people.acme.slug}/v1/members?limit=100", access_token(people.owner))
    assert answer.status_code == 200
    assert principal_of(people.owner).tenant_id == people.acme.id
    assert {row["id"] for row in answer.json()["data"]} >= {people.owner.subject, people.member.subject}
