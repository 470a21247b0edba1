"""What an organization asks of sign-ins: the page and the API follow one rule (ORG-16, AUT-12, 15, SES-01, C18)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core import scope
from events import selectors as events
from organizations import policy
from organizations.models import Organization
from tenants import selectors
from tenants.policy import TenantPolicy
from tests.dashboard.test_frame import signed_in
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_cast,
    make_member,
    make_organization,
)
from tests.factories.people import give_role
from tests.factories.policies import change_policy

ALL = ["password", "passkey", "magic_link", "email_code"]


@pytest.fixture(scope="module")
def cast() -> Cast:
    made = make_cast()
    change_policy(made.acme, session_idle=1800, session_idle_cap=7200)
    return made


@pytest.fixture
def house(cast: Cast) -> tuple[Organization, Person]:
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        give_role(person.member, "admin", organization)
    return organization, person


def page_of(cast: Cast, organization: Organization) -> str:
    return f"/dashboard/{cast.acme.slug}/organizations/{organization.public_id}/sign-in"


def save(cast: Cast, organization: Organization, person: Person, **values: Any) -> Any:
    browser, at = signed_in(person), page_of(cast, organization)
    given = {"member_factor": "any", "sign_in_methods": ALL, "session_idle": "", "reason": "Audit"}
    return browser.submit(browser.get(at), {**given, **values}, to=at)


def patch(cast: Cast, organization: Organization, token: str, body: Any) -> Any:
    path = f"/t/{cast.acme.slug}/v1/organizations/{organization.public_id}"
    return Browser().api("PATCH", path, token, {"policy": body})


def stored(cast: Cast, organization: Organization) -> dict[str, Any]:
    with scope.tenant(cast.acme.id):
        found: dict[str, Any] = Organization.objects.get(id=organization.id).policy
        return found


def test_ORG16_its_administrator_sets_it_and_reads_what_results_and_why(cast: Cast, house: Any) -> None:
    organization, person = house
    shown = signed_in(person).get(page_of(cast, organization)).content.decode()
    assert "30 minutes" in shown
    assert "All that the tenant allows." in shown
    done = save(
        cast,
        organization,
        person,
        member_factor="passkey",
        sign_in_methods=["passkey", "magic_link"],
        session_idle="90",
    )
    assert done.status_code == 303
    assert stored(cast, organization) == {
        "member_factor": "passkey",
        "sign_in_methods": ["passkey", "magic_link"],
        "session_idle": 5400,
    }
    shown = signed_in(cast.owner).get(page_of(cast, organization)).content.decode()
    assert "90 minutes" in shown
    assert "With a passkey" in shown
    assert "The organization asks for more than the tenant." in shown
    assert "Those that the tenant and the organization both allow." in shown


def test_what_is_left_to_the_tenant_is_not_stored(cast: Cast, house: Any) -> None:
    organization, _person = house
    save(cast, organization, cast.owner, member_factor="second_factor", session_idle="5")
    assert stored(cast, organization) == {"member_factor": "second_factor", "session_idle": 300}
    save(cast, organization, cast.owner)
    assert stored(cast, organization) == {}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"session_idle": "121"}, "session_idle"),
        ({"session_idle": "0"}, "session_idle"),
        ({"sign_in_methods": ["guest"]}, "sign_in_methods"),
        ({"sign_in_methods": []}, "sign_in_methods"),
        ({"member_factor": "retina"}, "member_factor"),
        ({"member_factor": "passkey", "reason": ""}, "reason"),
    ],
)
def test_SES01_beyond_the_tenants_word_is_refused_at_the_field(
    cast: Cast, house: Any, values: dict[str, Any], field: str
) -> None:
    organization, person = house
    refused = save(cast, organization, person, **values)
    assert refused.status_code == 422
    assert (
        f'id="id_{field}_error' in refused.content.decode()
        or f'href="#id_{field}' in refused.content.decode()
    )
    assert stored(cast, organization) == {}


def test_SES01_the_api_follows_the_same_rule_and_merges(cast: Cast, house: Any) -> None:
    organization, person = house
    token = access_token(person, organization=organization)
    assert patch(cast, organization, token, {"session_idle": 7200}).status_code == 200
    assert patch(cast, organization, token, {"member_factor": "passkey"}).json()["policy"] == {
        "session_idle": 7200,
        "member_factor": "passkey",
    }
    refused = patch(cast, organization, token, {"session_idle": 7201})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/policy/session_idle"
    refused = patch(cast, organization, token, {"sign_in_methods": ["wallet"]})
    assert refused.json()["errors"][0]["code"] == "none_allowed"
    assert patch(cast, organization, token, {"session_idle": None}).json()["policy"] == {
        "member_factor": "passkey"
    }
    assert patch(cast, organization, token, None).json()["policy"] == {}


def test_a_later_cap_of_the_tenant_counts_and_the_page_says_so(cast: Cast, house: Any) -> None:
    organization, person = house
    save(cast, organization, person, session_idle="120")
    change_policy(cast.acme, session_idle_cap=3600)
    try:
        shown = signed_in(person).get(page_of(cast, organization)).content.decode()
        assert "60 minutes" in shown
        assert "the tenant&#x27;s cap counts" in shown
    finally:
        change_policy(cast.acme, session_idle_cap=7200)


def test_TEN05_others_neither_see_nor_set_it(cast: Cast, house: Any) -> None:
    organization, person = house
    other = make_organization(cast.acme)
    for who in (cast.other_owner, cast.stranger, cast.member):
        assert signed_in(who).get(page_of(cast, organization)).status_code in (403, 404)
    assert signed_in(person).get(page_of(cast, other)).status_code == 404
    assert patch(cast, other, access_token(person, organization=organization), {}).status_code == 403


def test_it_is_recorded_with_before_after_and_reason(cast: Cast, house: Any) -> None:
    organization, person = house
    save(cast, organization, person, session_idle="5")
    save(cast, organization, person, session_idle="6", reason="Requested by security")
    with scope.tenant(cast.acme.id):
        rows = events.stream().filter(type="organization.updated", organization_id=organization.id)
        told = json.loads(bytes(rows.order_by("-id").first().canonical))
    assert told["data"]["object"]["policy"] == {"session_idle": 360}
    assert told["data"]["previous"]["policy"] == {"session_idle": 300}
    assert "Requested by security" in json.dumps(told)


def test_AUT15_the_stricter_of_both_is_what_results() -> None:
    for tenant, own, level, is_own in (
        ("any", "any", "", False),
        ("second_factor", "any", "urn:claviger:acr:mfa", False),
        ("second_factor", "passkey", "urn:claviger:acr:phr", True),
        ("passkey", "second_factor", "urn:claviger:acr:phr", False),
    ):
        now = policy.in_force(TenantPolicy(member_factor=tenant), {"member_factor": own})
        assert (now.level, now.level_is_own) == (level, is_own)


def test_the_policy_is_read_from_within_an_organization_too(cast: Cast, house: Any) -> None:
    organization, _person = house
    with scope.organization(cast.acme.id, organization.id):
        selectors._policies.clear()
        assert selectors.policy().session_idle_cap == 7200
