"""AUT-22: no password grant; in test tenants an administrator gets a member's tokens for automated tests."""

from __future__ import annotations

from typing import Any

import pytest

from core import jose, scope
from tenants import members
from tests.api.callers import api_key, problem
from tests.factories import (
    Browser,
    Cast,
    access_token,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    make_tenant,
)
from tests.oauth.helpers import bearer_get, register, token


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def app(cast: Cast) -> str:
    return register(cast.acme).application.client_id


def ask(credential: str, subject: str, **body: Any) -> Any:
    return Browser().api("POST", f"/v1/members/{subject}/test-tokens", credential, body)


def test_AUT22_an_administrator_gets_tokens_of_a_member_that_work(cast: Cast, app: str) -> None:
    admin = access_token(cast.owner)
    answer = ask(
        admin, cast.member.subject, client_id=app, scopes=["openid", "email", "members:read"], nonce="n"
    )
    assert answer.status_code == 201, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    me = bearer_get(cast.acme, "/v1/me", body["access_token"])
    assert (me.status_code, me.json()["id"], me.json()["client_id"]) == (200, cast.member.subject, app)
    assert bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).json()["email"] == cast.member.email
    claims = jose.unverified_claims(body["id_token"])
    assert (claims["aud"], claims["nonce"], claims["amr"]) == (app, "n", ["test"])
    assert (body["scope"], body["expires_in"]) == ("openid email members:read", 600)
    key = api_key(cast.acme, cast.owner)
    assert ask(key, cast.member.subject, client_id=app, scopes=["openid"]).status_code == 201


def test_AUT22_the_organization_is_the_one_that_was_named(cast: Cast, app: str) -> None:
    mine = make_organization(cast.acme, people=[cast.member])
    other, admin = make_organization(cast.acme), access_token(cast.owner)
    wanted = {"client_id": app, "scopes": ["openid"]}
    answer = ask(admin, cast.member.subject, **wanted, organization_id=mine.public_id)
    assert jose.unverified_claims(answer.json()["access_token"])["org_id"] == mine.public_id
    problem(ask(admin, cast.member.subject, **wanted, organization_id=other.public_id), 409, "conflict")


def test_AUT22_never_in_a_live_tenant(app: str) -> None:
    tenant = make_tenant(mode="live")
    owner, person = make_member(tenant, roles=["owner"]), make_member(tenant)
    client = register(tenant, redirect_uris=["https://app.example/callback"]).application.client_id
    refused = ask(access_token(owner), person.subject, client_id=client, scopes=["openid"])
    problem(refused, 403, "policy_denied")


def test_A6_nobody_gets_more_through_it_than_they_may(cast: Cast, app: str) -> None:
    support = access_token(make_member(cast.acme, roles=["admin"]))
    wanted = {"client_id": app, "scopes": ["openid"]}
    plain = make_member(cast.acme)
    assert ask(support, plain.subject, **wanted).status_code == 201
    problem(ask(support, cast.owner.subject, **wanted), 403)
    key = api_key(cast.acme, cast.owner)
    problem(ask(key, cast.owner.subject, **wanted), 403, "owner_required")
    assert ask(access_token(cast.owner), cast.owner.subject, **wanted).status_code == 201
    narrow = access_token(cast.owner, scopes=["members:write"])
    problem(ask(narrow, cast.owner.subject, **wanted), 403, "grant_exceeds_own")
    viewer = access_token(make_member(cast.acme, roles=["viewer"]))
    assert ask(viewer, plain.subject, **wanted).status_code == 403
    problem(ask(access_token(cast.other_owner), plain.subject, **wanted), 404, "not_found")
    assert Browser().api("POST", f"/v1/members/{plain.subject}/test-tokens", None, wanted).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "app_nobody"},
        {"scopes": ["roles:write"]},
        {"scopes": []},
        {"scopes": ["openid"], "resource": "https://elsewhere.example"},
        {"password": "x"},
    ],
)
def test_bad_input_is_refused(cast: Cast, app: str, changes: dict[str, Any]) -> None:
    wanted = {"client_id": app, "scopes": ["openid"], **changes}
    problem(ask(access_token(cast.owner), cast.member.subject, **wanted), 400, "validation_failed")


def test_machines_and_bound_applications_are_refused(cast: Cast) -> None:
    admin = access_token(cast.owner)
    machine = register(cast.acme, "machine").application.client_id
    problem(
        ask(admin, cast.member.subject, client_id=machine, scopes=["members:read"]), 400, "validation_failed"
    )
    bound = register(cast.acme, dpop_bound_access_tokens=True).application.client_id
    problem(ask(admin, cast.member.subject, client_id=bound, scopes=["openid"]), 409, "conflict")


def test_O16_the_tokens_die_with_the_member_and_a_suspended_one_gets_none(cast: Cast, app: str) -> None:
    person, admin = make_member(cast.acme), access_token(cast.owner)
    wanted = {"client_id": app, "scopes": ["openid"]}
    access = ask(admin, person.subject, **wanted).json()["access_token"]
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=make_principal(cast.acme), member=person.member)
    assert bearer_get(cast.acme, "/v1/me", access).status_code in (401, 403)
    problem(ask(admin, person.subject, **wanted), 409, "conflict")


def test_AUT22_the_audit_log_says_who_asked_for_whose_tokens(cast: Cast, app: str) -> None:
    person, admin = make_member(cast.acme), access_token(cast.owner)
    ask(admin, person.subject, client_id=app, scopes=["openid"])
    rows = Browser().api("GET", "/v1/events?type=token.issued&limit=50", admin).json()["data"]
    [told] = [row["data"] for row in rows if row["data"]["object"].get("member") == person.subject]
    assert (told["object"]["grant_type"], told["actor"]["id"]) == ("rehearsal", cast.owner.subject)


def test_AUT22_the_password_grant_is_not_offered(cast: Cast) -> None:
    run = register(cast.acme)
    refused = token(
        cast.acme,
        {"grant_type": "password", "username": cast.member.email, "password": cast.member.password},
        app=run,
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")
