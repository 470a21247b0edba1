"""Names of groups in tokens (OAU-24, USR-12), and how soon a token feels that a group gives a role no more."""

from __future__ import annotations

from typing import Any

import pytest

from core import scope
from organizations.models import Organization
from roles import group_selectors, resources, services
from roles.models import Group
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_cast,
    make_member,
    make_organization,
    principal_of,
)
from tests.oauth.helpers import claims, flow, register, service_token

RULES = [
    {"claim": "cognito:groups", "source": "groups", "as": "list"},
    {"claim": "custom:teams", "source": "groups"},
    {"claim": "custom:team", "source": "groups", "as": "first", "order": ["Support", "Sales"]},
]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def person(cast: Cast) -> Person:
    return make_member(cast.acme)


@pytest.fixture(scope="module")
def customer(cast: Cast, person: Person) -> Organization:
    return make_organization(cast.acme, people=[person])


@pytest.fixture(scope="module")
def sales(cast: Cast, person: Person, customer: Organization) -> Group:
    """The person is in Sales and Support of the tenant, in Buyers of the customer, and in a namesake there."""
    actor = principal_of(cast.owner)
    with scope.tenant(cast.acme.id):
        named = [("Support", None), ("Buyers", customer), ("Support", customer), ("Sales", None)]
        for name, organization in named:
            group = services.create_group(actor=actor, name=name, organization=organization)
            services.add_to_group(actor=actor, group=group, member=person.member)
        services.create_group(actor=actor, name="Others")
    return group


def api(cast: Cast, method: str, path: str, body: object = None) -> Any:
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", access_token(cast.owner), body)


def test_OAU24_groups_are_named_in_both_tokens_as_list_string_and_first(
    cast: Cast, person: Person, customer: Organization, sales: Group
):
    run = flow(person, claim_mapping=RULES)
    body = run.tokens(scope="openid offline_access")
    assert "org_id" not in claims(body["access_token"])
    for token in (body["access_token"], body["id_token"]):
        found = claims(token)
        assert found["cognito:groups"] == ["Sales", "Support"]
        assert (found["custom:teams"], found["custom:team"]) == ("Sales Support", "Support")
    moved = run.refresh(body["refresh_token"], organization=customer.public_id).json()
    assert claims(moved["access_token"])["cognito:groups"] == ["Buyers", "Sales", "Support"]
    with scope.tenant(cast.acme.id):
        services.remove_from_group(actor=principal_of(cast.owner), group=sales, member=person.member)
    again = run.refresh(moved["refresh_token"]).json()
    assert claims(again["access_token"])["cognito:groups"] == ["Buyers", "Support"]


def test_OAU24_whoever_is_in_no_group_has_an_empty_list_and_no_text(cast: Cast):
    found = claims(flow(cast.member, claim_mapping=RULES).tokens()["access_token"])
    assert found["cognito:groups"] == []
    assert not {"custom:teams", "custom:team"} & found.keys()
    theirs = claims(flow(cast.other_member, claim_mapping=RULES).tokens()["access_token"])
    assert theirs["cognito:groups"] == []


def test_OAU24_services_and_keys_are_in_no_group(cast: Cast):
    machine = register(cast.acme, "machine", claim_mapping=RULES)
    assert claims(service_token(cast.acme, machine))["cognito:groups"] == []
    with scope.tenant(cast.acme.id):
        own = resources.control_plane().public_id
    assert api(cast, "PATCH", f"api-resources/{own}", {"claim_mapping": RULES}).status_code == 200
    try:
        key = api(cast, "POST", "api-keys", {"name": "K", "scopes": ["members:read"], "resource_id": own})
        body = {"grant_type": "api_key", "api_key": key.json()["secret"]}
        path = f"/t/{cast.acme.slug}/v1/auth/token"
        answer = Browser().post(path, body, content_type="application/json")
        assert claims(answer.json()["access_token"])["cognito:groups"] == []
    finally:
        api(cast, "PATCH", f"api-resources/{own}", {"claim_mapping": []})


def test_OAU24_groups_are_read_only_where_a_rule_names_them(
    cast: Cast, person: Person, monkeypatch: pytest.MonkeyPatch
):
    def never(*_: object) -> list[str]:
        raise AssertionError("groups were read")

    monkeypatch.setattr(group_selectors, "names_of", never)
    rules = [{"claim": "custom:role", "source": "roles", "as": "list"}]
    assert claims(flow(person, claim_mapping=rules).tokens()["access_token"])["custom:role"] == []


def test_OAU24_the_preview_names_groups_of_the_place_asked_for(
    cast: Cast, person: Person, customer: Organization, sales: Group
):
    app = register(cast.acme, claim_mapping=RULES).application.public_id
    path = f"applications/{app}/claim-previews"
    body = {"member": person.subject, "organization": customer.public_id}
    found = api(cast, "POST", path, body).json()
    assert "Buyers" in found["access_token"]["cognito:groups"]
    assert api(cast, "POST", path, {"member": cast.member.subject}).json()["id_token"]["cognito:groups"] == []
