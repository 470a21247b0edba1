"""AUT-22: no password grant, and for tests of applications tokens of a member, in test mode only."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from core import scope
from events import selectors as events
from tenants import members
from tenants.selectors import TenantRef
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    make_tenant,
)
from tests.factories.policies import change_policy
from tests.oauth.helpers import bearer_get, claims, form, register, token

APP_SCOPES = ["openid", "email", "offline_access", "members:read"]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def ask(tenant: TenantRef, app: Any, member: str, *, by: Person, scopes: Any = None, **body: Any) -> Any:
    path = f"/t/{tenant.slug}/v1/applications/{app.application.public_id}/sample-tokens"
    credential = access_token(by, scopes) if scopes else access_token(by)
    headers = {"Idempotency_Key": secrets.token_hex(8)}
    return Browser().api("POST", path, credential, {"member": member, **body}, **headers)


def test_AUT22_the_password_grant_is_not_offered(cast: Cast) -> None:
    app = register(cast.acme)
    given = {"grant_type": "password", "username": cast.member.email, "password": cast.member.password}
    refused = token(cast.acme, given, app=app)
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")


def test_AUT22_a_suite_gets_the_tokens_of_a_member_that_say_what_they_are(cast: Cast) -> None:
    app = register(cast.acme, scopes=APP_SCOPES)
    made = ask(cast.acme, app, cast.member.subject, by=cast.owner)
    assert made.status_code == 201, made.content
    body = made.json()
    assert made.headers["Cache-Control"] == "no-store"
    assert (body["scope"], "refresh_token" in body) == ("openid email", False)
    told, identity = claims(body["access_token"]), claims(body["id_token"])
    assert told["sub"] == identity["sub"] == cast.member.subject
    assert (told["amr"], told["client_id"]) == (["test"], app.application.client_id)
    assert identity["aud"] == app.application.client_id
    userinfo = bearer_get(cast.acme, "/oauth/userinfo", body["access_token"])
    assert userinfo.json()["email"] == cast.member.email
    with scope.tenant(cast.acme.id):
        [row] = events.described(events.stream().filter(type="token.issued"))
        data = events.envelope(row)["data"]
    assert data["actor"]["id"] == cast.owner.subject
    assert (data["object"]["member"], data["object"]["grant_type"]) == (cast.member.subject, "test")


def test_AUT22_they_end_with_the_members_sessions(cast: Cast) -> None:
    app = register(cast.acme, scopes=APP_SCOPES)
    issued = ask(cast.acme, app, cast.member.subject, by=cast.owner).json()["access_token"]
    with scope.tenant(cast.acme.id):
        members.force_logout(actor=make_principal(cast.acme), member=cast.member.member)
    assert bearer_get(cast.acme, "/oauth/userinfo", issued).status_code == 401
    introspected = form(cast.acme, "/oauth/introspect", {"token": issued}, app=app).json()
    assert introspected == {"active": False}


def test_AUT22_live_tenants_have_none(cast: Cast) -> None:
    live = make_tenant(mode="live")
    app, person = register(live, scopes=APP_SCOPES), make_member(live)
    refused = ask(live, app, person.subject, by=make_member(live, roles=["admin"]))
    assert (refused.status_code, refused.json()["code"]) == (403, "test_mode_only")


def test_A6_nobody_gains_authority_by_them(cast: Cast) -> None:
    app = register(cast.acme, scopes=APP_SCOPES)
    ours = ask(cast.acme, app, cast.member.subject, by=cast.owner, scope="openid members:read")
    assert ours.status_code == 400
    unknown = ask(cast.acme, app, cast.member.subject, by=cast.owner, scope="openid profile")
    assert unknown.status_code == 400
    viewer = make_member(cast.acme, roles=["viewer"])
    administers = ask(cast.acme, app, viewer.subject, by=cast.owner)
    assert (administers.status_code, administers.json()["code"]) == (409, "no_sample_token")
    half = ask(cast.acme, app, cast.member.subject, by=cast.owner, scopes=["applications:write"])
    assert (half.status_code, half.json()["code"]) == (403, "insufficient_scope")
    developer = make_member(cast.acme, roles=["developer"])
    no_role = ask(cast.acme, app, cast.member.subject, by=developer)
    assert no_role.status_code == 403


def test_M3_more_than_a_password_demanded_is_not_got_around(cast: Cast) -> None:
    app = register(cast.acme, scopes=APP_SCOPES)
    change_policy(cast.acme, member_factor="second_factor")
    refused = ask(cast.acme, app, cast.member.subject, by=cast.owner)
    assert refused.status_code in (401, 403, 409)
    assert "access_token" not in refused.json()


def test_A1_members_and_applications_of_others_are_not_found(cast: Cast) -> None:
    app, theirs = register(cast.acme, scopes=APP_SCOPES), register(cast.globex, scopes=APP_SCOPES)
    assert ask(cast.acme, app, cast.other_member.subject, by=cast.owner).status_code == 404
    assert ask(cast.acme, theirs, cast.member.subject, by=cast.owner).status_code == 404
    organization = make_organization(cast.acme)
    inside = {"organization": organization.public_id}
    assert ask(cast.acme, app, cast.member.subject, by=cast.owner, **inside).status_code == 409


def test_O16_a_suspended_member_and_a_disabled_application_get_none(cast: Cast) -> None:
    app, actor = register(cast.acme, scopes=APP_SCOPES), make_principal(cast.acme)
    person = make_member(cast.acme)
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=actor, member=person.member)
    assert ask(cast.acme, app, person.subject, by=cast.owner).status_code == 409
    path = f"/t/{cast.acme.slug}/v1/applications/{app.application.public_id}/suspension"
    assert Browser().api("PUT", path, access_token(cast.owner)).status_code == 200
    assert ask(cast.acme, app, cast.member.subject, by=cast.owner).status_code == 409
