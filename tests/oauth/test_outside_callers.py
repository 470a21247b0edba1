"""ORG-18: an outside issuer's ID token straight at the person's own endpoints, and nowhere else."""

from __future__ import annotations

import time

import pytest

from core import jose, scope
from oauth import trusted_issuers
from oauth.grants import TOKEN_EXCHANGE
from tenants import members
from tenants.models import Member
from tests.api.routes import operations, sample
from tests.factories import Browser, make_cast, make_organization, make_principal, make_tenant
from tests.factories.policies import change_organization_policy, change_policy
from tests.oauth.helpers import bearer_get, register
from tests.oauth.outside import provider
from tests.oauth.test_trusted_issuers import exchange, trust

ME, MINE = "/v1/me", "/v1/me/organizations"


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture
def outside():
    with provider() as running:
        yield running


@pytest.fixture
def tenant():
    return make_tenant()


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_the_persons_own_endpoints_take_it(tenant, outside):
    trust(tenant, outside, takes_id_tokens=True)
    token = outside.token()
    me = bearer_get(tenant, ME, token)
    assert me.status_code == 200, me.content
    body = me.json()
    assert (body["name"], body["scopes"], body["session_id"]) == ("Pat Person", [], None)
    assert body["client_id"].startswith("tis_")
    assert bearer_get(tenant, ME, outside.token()).json()["id"] == body["id"]
    assert bearer_get(tenant, MINE, token).json()["data"] == []


def test_the_organization_that_the_issuer_speaks_for_is_active(tenant, outside):
    organization = make_organization(tenant)
    trust(tenant, outside, takes_id_tokens=True, organization=organization)
    token = outside.token()
    assert bearer_get(tenant, ME, token).json()["organization_id"] == organization.public_id
    [mine] = bearer_get(tenant, MINE, token).json()["data"]
    assert (mine["id"], mine["active"]) == (organization.public_id, True)


def test_T2_every_other_endpoint_answers_wrong_token_type(tenant, outside):
    trust(tenant, outside, takes_id_tokens=True)
    token = outside.token()
    others = [case for case in operations() if not case.operation.public and case.path() not in (ME, MINE)]
    assert len(others) > 100
    for case in others:
        answer = Browser().api(case.method, f"/t/{tenant.slug}{case.path()}", token, sample(case))
        assert refusal(answer) == (403, "wrong_token_type"), str(case)


def test_it_is_off_by_default(tenant, outside):
    row = trust(tenant, outside)
    assert refusal(bearer_get(tenant, ME, outside.token())) == (401, "token_invalid")
    with scope.tenant(tenant.id):
        trusted_issuers.update_issuer(
            actor=make_principal(tenant), issuer=row, changes={"takes_id_tokens": True}
        )
    assert bearer_get(tenant, ME, outside.token()).status_code == 200
    with scope.tenant(tenant.id):
        trusted_issuers.disable_issuer(actor=make_principal(tenant), issuer=row)
    assert refusal(bearer_get(tenant, ME, outside.token())) == (401, "token_invalid")


def test_A2_only_under_the_address_of_the_tenant_that_trusts(tenant, outside, cast):
    trust(tenant, outside, takes_id_tokens=True)
    token = outside.token()
    assert refusal(bearer_get(cast.globex, ME, token)) == (401, "token_invalid")
    bare = Browser().get(ME, headers={"Authorization": f"Bearer {token}"})
    assert refusal(bare) == (401, "token_invalid")


def test_F3_T1_broken_tokens_are_refused(tenant, outside):
    trust(tenant, outside, takes_id_tokens=True)
    now = int(time.time())
    broken = [
        outside.token(aud="another-client"),
        outside.token(key=jose.generate_key("RS256")),
        outside.token(typ="at+jwt"),
        outside.token(sub=None),
        outside.token(iss="https://elsewhere.example"),
    ]
    for token in broken:
        assert refusal(bearer_get(tenant, ME, token)) == (401, "token_invalid")
    old = outside.token(iat=now - 7200, exp=now - 3600)
    assert refusal(bearer_get(tenant, ME, old)) == (401, "token_expired")


def test_F1_somebody_who_is_not_linked_and_may_not_be_made_is_refused(tenant, outside):
    trust(tenant, outside, takes_id_tokens=True, create_members=False)
    assert refusal(bearer_get(tenant, ME, outside.token())) == (401, "token_invalid")


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (members.suspend_member, (403, "subject_suspended")),
        (members.remove_member, (401, "token_revoked")),
        (members.force_logout, (401, "token_revoked")),
    ],
)
def test_O16_a_dead_subject_is_refused_at_once(tenant, outside, end, expected):
    trust(tenant, outside, takes_id_tokens=True)
    token = outside.token()
    subject = bearer_get(tenant, ME, token).json()["id"]
    with scope.tenant(tenant.id):
        end(actor=make_principal(tenant), member=Member.objects.get(subject=subject))
    assert refusal(bearer_get(tenant, ME, token)) == expected


def test_M3_what_an_outside_issuer_says_is_no_second_factor(tenant, outside):
    trust(tenant, outside, takes_id_tokens=True)
    app = register(tenant, "spa", grants=["authorization_code", TOKEN_EXCHANGE], is_first_party=True)
    token = outside.token(amr=["pwd", "otp", "mfa"], acr="urn:claviger:acr:phr")
    assert bearer_get(tenant, ME, token).status_code == 200
    ours = exchange(tenant, app, token).json()["access_token"]
    assert bearer_get(tenant, ME, ours).status_code == 200
    change_policy(tenant, member_factor="second_factor")
    assert refusal(bearer_get(tenant, ME, token)) == (401, "token_revoked")
    assert exchange(tenant, app, token).status_code == 400
    assert exchange(tenant, app, outside.token("somebody-new")).status_code == 400


def test_M3_an_organizations_demand_counts_for_outside_tokens_too(tenant, outside):
    organization = make_organization(tenant)
    trust(tenant, outside, takes_id_tokens=True, organization=organization)
    token = outside.token(amr=["pwd", "otp", "mfa"])
    assert bearer_get(tenant, ME, token).status_code == 200
    change_organization_policy(tenant, organization, member_factor="passkey")
    assert refusal(bearer_get(tenant, ME, token)) == (401, "token_revoked")
