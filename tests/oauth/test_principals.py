"""Access tokens at `/v1`: who the caller is, what it may do, and which tokens are refused."""

from __future__ import annotations

import base64
import json
import time

import pytest

from core import jose, scope
from core.principal import SYSTEM
from oauth import applications
from organizations.models import Membership
from tenants import keys, members, selectors, sessions
from tests.factories import Browser, admin_principal, make_member, make_organization, make_principal
from tests.factories.people import give_role
from tests.oauth import fake_bridge
from tests.oauth.helpers import Flow, claims, flow, register, service_token


def me(tenant, token, prefix=True, path="/v1/me"):
    return Browser().api("GET", f"/t/{tenant.slug}{path}" if prefix else path, token)


def test_person_reads_itself_with_an_access_token(cast):
    """API-07."""
    token = flow(cast.member).tokens()["access_token"]
    answer = me(cast.acme, token)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["object"], body["id"], body["email"]) == ("member", cast.member.subject, cast.member.email)
    assert body["tenant_id"] == cast.acme.public_id
    assert "account" not in json.dumps(body)
    assert me(cast.acme, token, prefix=False).json()["id"] == cast.member.subject


def test_T2_id_token_at_the_api_is_the_wrong_type(cast):
    """OAU-23: 403, never 401."""
    token = flow(cast.member).tokens()["id_token"]
    answer = me(cast.acme, token)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_token_type")


def test_T2_token_of_another_tenant_is_a_mismatch(cast):
    """C14, TEN-06."""
    token = flow(cast.other_member).tokens()["access_token"]
    answer = me(cast.acme, token)
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_mismatch")
    assert me(cast.globex, token).status_code == 200


def test_T2_token_for_another_audience_is_invalid(cast):
    from roles.models import ApiResource, Scope

    with scope.tenant(cast.acme.id):
        resource = ApiResource.objects.create(audience="https://api.example/things", name="Things")
        Scope.objects.create(resource=resource, value="things:read")
        from core import livecache

        livecache.invalidate("api_resource", str(cast.acme.id))
    app = register(cast.acme, scopes=["openid", "things:read"], resources=["https://api.example/things"])
    body = flow(cast.member, app=app).tokens(scope="openid things:read")
    assert claims(body["access_token"])["aud"] == "https://api.example/things"
    answer = me(cast.acme, body["access_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def forged(tenant, token, kind):
    """Ten kinds of bad tokens."""
    head, payload, signature = token.split(".")

    def encoded(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    known = claims(token)
    key = keys.active_key(tenant.id)
    other = jose.generate_key("ES256")
    return {
        "none": f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{payload}.",
        "hs256": f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': key.kid})}.{payload}.{signature}",
        "other key": jose.sign(known, other, "at+jwt"),
        "embedded key": jose.sign(known, other, "at+jwt", {"jwk": jose.public_jwk(other)}),
        "jku": jose.sign(known, other, "at+jwt", {"jku": "https://evil.example/jwks"}),
        "altered": f"{head}.{encoded({**known, 'sub': 'sub_else'})}.{signature}",
        "no signature": f"{head}.{payload}.",
        "garbage": "a.b.c",
        "words": "not-a-token",
        "long": "x" * 20_000,
        "other issuer": jose.sign({**known, "iss": "https://evil.example"}, key, "at+jwt"),
        "unknown tenant": jose.sign({**known, "iss": tenant.issuer + "x"}, key, "at+jwt"),
        "no jti": jose.sign({name: v for name, v in known.items() if name != "jti"}, key, "at+jwt"),
        "expired": jose.sign({**known, "exp": int(time.time()) - 1}, key, "at+jwt"),
        "not yet": jose.sign({**known, "nbf": int(time.time()) + 600}, key, "at+jwt"),
        "unknown subject": jose.sign({**known, "sub": "sub_nobody"}, key, "at+jwt"),
        "unknown client": jose.sign({**known, "client_id": "app_nobody"}, key, "at+jwt"),
        "no client": jose.sign({name: v for name, v in known.items() if name != "client_id"}, key, "at+jwt"),
        "odd kind": jose.sign({**known, "subject_type": "king"}, key, "at+jwt"),
        "array claims": jose.sign({**known, "jti": ["a"]}, key, "at+jwt"),
    }[kind]


KINDS = [
    "none", "hs256", "other key", "embedded key", "jku", "altered", "no signature", "garbage", "words",
    "long",
    "other issuer", "unknown tenant", "no jti", "expired", "not yet", "unknown subject", "unknown client",
    "no client", "odd kind", "array claims",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_T1_T3_bad_tokens_are_refused(cast, kind):
    token = flow(cast.member).tokens()["access_token"]
    answer = me(cast.acme, forged(cast.acme, token, kind))
    assert answer.status_code in (401, 403), answer.content
    assert answer.json()["code"].startswith(("token_", "wrong_"))


def test_permissions_are_scopes_and_roles_together(cast):
    person = make_member(cast.acme, roles=["viewer"])
    token = flow(person).tokens(scope="openid members:read members:write")["access_token"]
    body = me(cast.acme, token, path="/v1/me/permissions").json()
    assert body["permissions"] == ["members:read"]
    assert "roles:read" in body["granted"]
    assert body["roles"] == ["viewer"]


def test_A7_lost_role_counts_on_the_next_call(cast):
    person = make_member(cast.acme)
    token = flow(person).tokens()["access_token"]
    assert me(cast.acme, token, path="/v1/me/permissions").json()["permissions"] == []
    with scope.tenant(cast.acme.id):
        give_role(person.member, "viewer")
    assert me(cast.acme, token, path="/v1/me/permissions").json()["permissions"] == ["members:read"]


def test_service_has_no_me(cast):
    """API-07: 403 subject_type_not_allowed."""
    token = service_token(cast.acme, register(cast.acme, "machine"))
    answer = me(cast.acme, token)
    assert (answer.status_code, answer.json()["code"]) == (403, "subject_type_not_allowed")


def test_service_token_works_and_shrinks_with_its_client(cast):
    app = register(cast.acme, "machine", scopes=["applications:read", "members:read"])
    token = service_token(cast.acme, app)
    assert me(cast.acme, token, path="/v1/applications").status_code == 200
    with scope.tenant(cast.acme.id):
        applications.update_application(
            actor=make_principal(cast.acme), application=app.application, changes={"scopes": ["members:read"]}
        )
    answer = me(cast.acme, token, path="/v1/applications")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


def test_O16_disabled_client_ends_its_tokens_at_once(cast):
    app = register(cast.acme)
    token = flow(cast.member, app=app).tokens()["access_token"]
    assert me(cast.acme, token).status_code == 200
    with scope.tenant(cast.acme.id):
        applications.disable_application(actor=make_principal(cast.acme), application=app.application)
    assert (me(cast.acme, token).json()["code"]) == "token_revoked"


def test_O16_suspended_member_is_refused_at_once(cast):
    person = make_member(cast.acme)
    token = flow(person).tokens()["access_token"]
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=admin_principal(cast.acme, cast.owner), member=person.member)
    answer = me(cast.acme, token)
    assert answer.json()["code"] in ("token_revoked", "subject_suspended")
    assert me(cast.acme, flow(cast.member).tokens()["access_token"]).status_code == 200


def test_O16_ended_session_ends_its_tokens_at_once(cast):
    run = flow(cast.member)
    token = run.tokens()["access_token"]
    known = fake_bridge.signed[run.browser.cookies["fake"].value]
    with scope.tenant(cast.acme.id):
        sessions.end_session(known.session, "test", actor=SYSTEM)
    assert me(cast.acme, token).json()["code"] == "token_revoked"


def test_organizations_are_listed_with_roles_also_while_one_is_active(cast):
    """TEN-13."""
    person = make_member(cast.acme)
    mine = make_organization(cast.acme, people=[person])
    also = make_organization(cast.acme, people=[person])
    make_organization(cast.acme)
    with scope.tenant(cast.acme.id):
        give_role(person.member, "viewer", mine)
    browser = Browser()
    fake_bridge.enter(browser, person, organization=mine)
    token = Flow(cast.acme, register(cast.acme), browser).tokens()
    fake_bridge.signed[browser.cookies["fake"].value]
    body = me(cast.acme, token["access_token"], path="/v1/me/organizations").json()
    found = {row["id"]: row for row in body["data"]}
    assert found.keys() == {mine.public_id, also.public_id}
    assert found[mine.public_id]["roles"] == ["viewer"]
    assert found[mine.public_id]["active"] is True
    assert claims(token["access_token"])["org_id"] == mine.public_id
    assert me(cast.acme, token["access_token"]).json()["organization_id"] == mine.public_id


def test_leaving_the_organization_ends_its_tokens(cast):
    person = make_member(cast.acme)
    mine = make_organization(cast.acme, people=[person])
    browser = Browser()
    fake_bridge.enter(browser, person, organization=mine)
    run = Flow(cast.acme, register(cast.acme), browser)
    body = run.tokens()
    with scope.tenant(cast.acme.id):
        Membership.objects.filter(organization=mine, member=person.member).delete()
    assert me(cast.acme, body["access_token"]).json()["code"] == "token_revoked"
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"


def test_no_credential_is_token_missing_with_a_plain_challenge(cast):
    """RFC 6750 §3.1."""
    answer = me(cast.acme, "")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    assert "error" not in answer.headers["WWW-Authenticate"]


def test_token_in_the_address_is_not_read(cast):
    """RFC 9700 §4.3.2."""
    token = flow(cast.member).tokens()["access_token"]
    assert Browser().get(f"/t/{cast.acme.slug}/v1/me?access_token={token}").status_code in (400, 401)


def test_stranger_has_no_member_and_gets_no_token(cast):
    stranger = cast.stranger
    with scope.tenant(cast.acme.id):
        assert selectors.member_by_account(stranger.account_id) is None


def test_new_scope_counts_at_once_and_tokens_are_signed_as_the_resource_says(cast):
    """OAU-22: one audience per token; a scope that two resources share needs the resource named."""
    from roles import resources

    admin = make_principal(cast.acme)
    audience = f"https://api.example/{time.time_ns()}"
    with scope.tenant(cast.acme.id):
        made = resources.create_resource(actor=admin, audience=audience, name="Tills", signing_alg="RS256")
        resources.create_scope(actor=admin, resource=made, value="tills:open")
    app = register(cast.acme, "machine", scopes=["tills:open", "members:read"])
    assert app.application.resources == [f"{cast.acme.issuer}/v1", audience]
    token = service_token(cast.acme, app, scope="tills:open")
    assert (claims(token)["aud"], jose.unverified_header(token)["alg"]) == (audience, "RS256")
    assert jose.verify(token, keys.verification_keys(cast.acme.id), typ="at+jwt")
    named = service_token(cast.acme, app, resource=audience)
    assert claims(named)["scope"] == "tills:open"
    from tests.oauth.helpers import token as ask

    mixed = ask(cast.acme, {"grant_type": "client_credentials", "scope": "tills:open members:read"}, app=app)
    assert mixed.json()["error"] == "invalid_scope"
    with scope.tenant(cast.acme.id):
        second = resources.create_resource(actor=admin, audience=audience + "b", name="Tills B")
        resources.create_scope(actor=admin, resource=second, value="tills:open")
    both = register(cast.acme, "machine", scopes=["tills:open"])
    shared = ask(cast.acme, {"grant_type": "client_credentials", "scope": "tills:open"}, app=both)
    assert shared.json()["error"] == "invalid_scope"
    assert claims(service_token(cast.acme, both, scope="tills:open", resource=audience + "b"))[
        "aud"
    ].endswith("b")
