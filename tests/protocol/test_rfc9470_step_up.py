"""RFC 9470: an API's challenge leads to a fresher or stronger sign-in (ANC-08)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from core import scope
from identity import assurance
from oauth.catalogue import Resource
from oauth.resource_policy import owed
from roles import resources
from tests.factories import access_token, make_member, make_principal, make_tenant, unique
from tests.oauth import fake_bridge
from tests.oauth.helpers import bearer_get, flow, form, register, service_token

NOW = 1_800_000_000


def make(tenant, **settings):
    actor = make_principal(tenant)
    with scope.tenant(tenant.id):
        row = resources.create_resource(
            actor=actor, audience=f"https://{unique('bank')}.example", name="Bank", **settings
        )
        resources.create_scope(actor=actor, resource=row, value="pay:all")
    return row


def introspect(tenant, row, token):
    server = register(tenant, "machine", introspection_audiences=[row.audience])
    return form(tenant, "/oauth/introspect", {"token": token}, app=server).json()


def person_token(cast, row, age=0):
    run = flow(cast.member, scopes=["openid", "pay:all"], resources=[row.audience])
    fake_bridge.signed[run.browser.cookies["fake"].value].auth_time -= timedelta(seconds=age)
    return run.tokens(scope="openid pay:all")["access_token"]


def test_an_old_sign_in_is_told_with_the_challenge_ready_made(cast):
    """§3: error, max_age; §6.2: introspection tells acr and auth_time."""
    row = make(cast.acme, max_age=300)
    fresh = introspect(cast.acme, row, person_token(cast, row))
    assert fresh["active"] is True
    assert "refusal" not in fresh
    assert {"acr", "auth_time"} <= fresh.keys()
    old = introspect(cast.acme, row, person_token(cast, row, age=600))
    assert old["active"] is True
    assert old["refusal"]["status"] == 401
    challenge = old["refusal"]["headers"]["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'max_age="300"' in challenge
    assert f'resource_metadata="{cast.acme.issuer}/resources/{row.public_id}/' in challenge


def test_the_challenge_leads_the_client_to_a_sign_in_that_does(cast):
    """§4: the client sends max_age on; the new token passes."""
    row = make(cast.acme, max_age=300)
    run = flow(cast.member, scopes=["openid", "pay:all"], resources=[row.audience])
    fake_bridge.signed[run.browser.cookies["fake"].value].auth_time -= timedelta(seconds=600)
    token = run.tokens(scope="openid pay:all")["access_token"]
    challenge = introspect(cast.acme, row, token)["refusal"]["headers"]["WWW-Authenticate"]
    age = re.search(r'max_age="(\d+)"', challenge)[1]
    assert "/sign-in?" in run.start(scope="openid pay:all", max_age=age).headers["Location"]
    fake_bridge.enter(run.browser, cast.member)
    again = run.tokens(scope="openid pay:all", max_age=age)["access_token"]
    assert "refusal" not in introspect(cast.acme, row, again)


def test_a_weak_sign_in_names_the_classes_that_do(cast):
    row = make(cast.acme, acr_values=[assurance.PHISHING_RESISTANT, assurance.MULTI_FACTOR])
    found = introspect(cast.acme, row, person_token(cast, row))["refusal"]
    assert f'acr_values="{assurance.PHISHING_RESISTANT} {assurance.MULTI_FACTOR}"' in str(found["headers"])
    assert found["code"] == "step_up_required"


def test_services_owe_no_sign_in(cast):
    row = make(cast.acme, max_age=0, acr_values=[assurance.MULTI_FACTOR])
    token = service_token(
        cast.acme, register(cast.acme, "machine", scopes=["pay:all"], resources=[row.audience])
    )
    assert "refusal" not in introspect(cast.acme, row, token)


@pytest.mark.parametrize(
    ("acr", "wanted", "is_owed"),
    [
        (assurance.PASSWORD, (assurance.PASSWORD,), False),
        (assurance.MULTI_FACTOR, (assurance.PASSWORD,), False),
        (assurance.PASSWORD, (assurance.MULTI_FACTOR,), True),
        (assurance.PHISHING_RESISTANT, (assurance.MULTI_FACTOR,), False),
        ("urn:other", ("urn:other",), False),
        ("", ("urn:other",), True),
    ],
)
def test_a_stronger_class_does_for_a_weaker_one(acr, wanted, is_owed):
    resource = Resource("https://a.example", "A", {}, acr_values=wanted)
    claims = {"subject_type": "user", "acr": acr, "auth_time": NOW}
    assert (owed(resource, claims) is not None) is is_owed


def test_max_age_without_auth_time_is_owed():
    resource = Resource("https://a.example", "A", {}, max_age=10**9)
    assert owed(resource, {"subject_type": "user"}) == {"max_age": 10**9}


def test_our_own_api_challenges_when_the_tenant_says_so():
    """The tenant's own `/v1` is a resource like any other; keys and services go on."""
    tenant = make_tenant()
    person = make_member(tenant, roles=["admin"])
    token = access_token(person)
    assert bearer_get(tenant, "/v1/members", token).status_code == 200
    with scope.tenant(tenant.id):
        resources.update_resource(
            actor=make_principal(tenant),
            resource=resources.control_plane(),
            changes={"acr_values": [assurance.MULTI_FACTOR], "max_age": 3600},
        )
    answer = bearer_get(tenant, "/v1/members", token)
    assert (answer.status_code, answer.json()["code"]) == (401, "step_up_required")
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert f'acr_values="{assurance.MULTI_FACTOR}"' in challenge
    assert 'max_age="3600"' in challenge
    narrow = bearer_get(tenant, "/v1/members", access_token(person, ["webhooks:read"]))
    assert narrow.json()["code"] == "insufficient_scope"  # the order of AZ-07: scope comes before step-up
    machine = register(tenant, "machine", scopes=["members:read"])
    assert bearer_get(tenant, "/v1/members", service_token(tenant, machine)).status_code == 200
