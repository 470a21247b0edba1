"""Typed tokens: an ID token is none for an API unless it says so, and the other way round (OAU-23, T2, OAU-30)."""

from __future__ import annotations

import json

import pytest

from core import jose, scope
from core.principal import SubjectType
from roles import resources
from tenants import keys, members, tokens
from tests.factories import admin_principal, make_member, make_principal, unique
from tests.oauth.helpers import bearer_get, claims, flow, form, register, service_token


def make(tenant, **settings):
    actor = make_principal(tenant)
    with scope.tenant(tenant.id):
        row = resources.create_resource(
            actor=actor, audience=f"https://{unique('api')}.example", name="Notes", **settings
        )
        resources.create_scope(actor=actor, resource=row, value="note:read")
    return row


def server_of(tenant, row):
    return register(tenant, "machine", introspection_audiences=[row.audience])


def introspect(tenant, server, token):
    return form(tenant, "/oauth/introspect", {"token": token}, app=server).json()


def people_by_id_token(tenant, **more):
    """An application, and an API that takes its ID tokens of people and access tokens of services."""
    app = register(tenant, "web")
    row = make(
        tenant,
        accepted_token_types={"user": ["id_token"], "service": ["access_token"]},
        id_token_clients=[app.application.client_id],
        **more,
    )
    with scope.tenant(tenant.id):
        from oauth import applications

        applications.update_application(
            actor=make_principal(tenant),
            application=app.application,
            changes={"scopes": ["openid", "email", "profile", "note:read"], "resources": [row.audience]},
        )
    return app, row


def test_T2_type_is_checked_before_audience_at_our_own_api(cast):
    """403, never 401, and never taken."""
    body = flow(cast.member).tokens()
    answer = bearer_get(cast.acme, "/v1/me", body["id_token"])
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_token_type")


def test_T2_tokens_of_every_other_type_are_refused(cast):
    known = claims(flow(cast.member).tokens()["access_token"])
    for typ in (
        "JWT",
        "logout+jwt",
        "userinfo+jwt",
        "token-introspection+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "",
    ):
        token = jose.sign(known, keys.active_key(cast.acme.id), typ)
        answer = bearer_get(cast.acme, "/v1/me", token)
        assert answer.status_code in (401, 403), typ
        assert answer.json()["code"] in ("wrong_token_type", "token_invalid"), typ


def test_OAU23_an_api_takes_the_id_tokens_of_named_clients(cast):
    app, row = people_by_id_token(cast.acme)
    body = flow(cast.member, app=app).tokens(scope="openid note:read")
    server = server_of(cast.acme, row)
    found = introspect(cast.acme, server, body["id_token"])
    assert (found["active"], found["token_type"], found["subject_type"]) == (True, "id_token", "user")
    assert found["sub"] == cast.member.subject


def test_OAU23_there_a_persons_access_token_is_the_wrong_type(cast):
    app, row = people_by_id_token(cast.acme)
    body = flow(cast.member, app=app).tokens(scope="openid note:read")
    found = introspect(cast.acme, server_of(cast.acme, row), body["access_token"])
    assert found["active"] is False
    assert (found["refusal"]["status"], found["refusal"]["code"]) == (403, "wrong_token_type")


def test_OAU23_and_a_services_access_token_is_right(cast):
    _app, row = people_by_id_token(cast.acme)
    machine = register(cast.acme, "machine", scopes=["note:read"], resources=[row.audience])
    token = service_token(cast.acme, machine)
    assert introspect(cast.acme, server_of(cast.acme, row), token)["active"] is True


def test_OAU23_id_tokens_of_other_clients_are_the_wrong_type(cast):
    _app, row = people_by_id_token(cast.acme)
    other = flow(cast.member).tokens()["id_token"]
    found = introspect(cast.acme, server_of(cast.acme, row), other)
    assert (found["active"], found["refusal"]["code"]) == (False, "wrong_token_type")


def test_OAU23_by_default_an_id_token_is_the_wrong_type(cast):
    row = make(cast.acme)
    found = introspect(cast.acme, server_of(cast.acme, row), flow(cast.member).tokens()["id_token"])
    assert (found["active"], found["refusal"]["status"]) == (False, 403)


def test_O13_who_serves_no_api_is_told_no_reason(cast):
    token = flow(cast.member).tokens()["id_token"]
    assert introspect(cast.acme, register(cast.acme), token) == {"active": False}


def test_O13_forged_foreign_and_dead_id_tokens_are_inactive_without_reason(cast):
    app, row = people_by_id_token(cast.acme)
    person = make_member(cast.acme)
    token = flow(person, app=app).tokens(scope="openid")["id_token"]
    server = server_of(cast.acme, row)
    forged = jose.sign(jose.unverified_claims(token), jose.generate_key(), "JWT")
    theirs = flow(cast.other_member).tokens()["id_token"]
    late = jose.sign({**claims(token), "exp": 1}, keys.active_key(cast.acme.id), "JWT")
    for bad in (forged, theirs, late, token[:-4] + "AAAA"):
        assert introspect(cast.acme, server, bad) == {"active": False}
    assert introspect(cast.acme, server, token)["active"] is True
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=admin_principal(cast.acme, cast.owner), member=person.member)
    assert introspect(cast.acme, server, token) == {"active": False}


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("upper", {"error": {"code": "WRONG_TOKEN_TYPE"}}),
        ("simple", {"code": "forbidden"}),
        ("problem", {"code": "wrong_token_type", "status": 403}),
    ],
)
def test_the_refusal_speaks_the_dialect_of_the_api(cast, dialect, body):
    row = make(cast.acme, error_dialect=dialect)
    found = introspect(cast.acme, server_of(cast.acme, row), flow(cast.member).tokens()["id_token"])
    told = found["refusal"]["body"]
    if dialect == "upper":
        assert told["error"]["code"] == body["error"]["code"]
        assert told["error"]["message"]
    else:
        assert body.items() <= told.items()


# --- closed lists of subject types (OAU-30) ----------------------------------------------------------------


def test_OAU30_subject_types_are_a_closed_list(cast):
    person = claims(flow(cast.member).tokens()["access_token"])
    service = claims(service_token(cast.acme, register(cast.acme, "machine")))
    assert (person["subject_type"], service["subject_type"]) == ("user", "service")
    assert {kind.value for kind in SubjectType} == {"user", "guest", "agent", "service", "delegated"}


@pytest.mark.parametrize("kind", ["", "human", "admin", "USER", None])
def test_OAU30_tokens_of_other_subject_types_are_refused(cast, kind):
    known = {**claims(flow(cast.member).tokens()["access_token"]), "subject_type": kind}
    token = jose.sign(known, keys.active_key(cast.acme.id), "at+jwt")
    answer = bearer_get(cast.acme, "/v1/me", token)
    assert answer.status_code in (401, 403)


def test_OAU30_a_token_with_act_is_never_a_users(cast):
    mint = {
        "subject": cast.member.subject,
        "audience": f"{cast.acme.issuer}/v1",
        "client_id": "app_x",
        "scopes": ["members:read"],
        "lifetime": 60,
        "extra": {"act": {"sub": "agt_x"}},
    }
    with pytest.raises(ValueError, match="act"):
        tokens.mint_access_token(cast.acme, subject_type=SubjectType.USER, **mint)
    made = tokens.mint_access_token(cast.acme, subject_type=SubjectType.DELEGATED, **mint)
    assert json.loads(json.dumps(made.claims))["subject_type"] == "delegated"
