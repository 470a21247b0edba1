"""Claim mapping in ID tokens, access tokens and key JWTs (OAU-24, KEY-05)."""

from __future__ import annotations

import pytest

from core import scope
from oauth import applications
from roles import claim_mapping, resources, selectors
from tenants import members
from tests.factories import (
    Browser,
    access_token,
    admin_principal,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    unique,
)
from tests.oauth.helpers import claims, flow, register, service_token


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture
def admin(cast):
    return access_token(make_member(cast.acme, roles=["owner"]))


def api(tenant, method, path, token, body=None):
    return Browser().api(method, f"/t/{tenant.slug}/v1/{path}", token, body)


COGNITO = [
    {"claim": "custom:tenant_id", "source": "tenant_id"},
    {"claim": "custom:role", "source": "roles", "as": "first", "order": ["owner", "viewer"]},
    {"claim": "cognito:groups", "source": "roles", "as": "list"},
    {"claim": "permissions", "source": "permissions", "as": "list", "tokens": ["access_token"]},
    {"claim": "https://example.com/plan", "source": "metadata", "key": "plan"},
    {"claim": "scp", "source": "scopes", "tokens": ["access_token"]},
    {"claim": "realm", "source": "constant", "value": "people", "tokens": ["id_token"]},
    {"claim": "organizationId", "source": "organization_id"},
    {"claim": "kind", "source": "subject_type"},
]


def planned(cast, **metadata):
    person = make_member(cast.acme, roles=["viewer", "auditor"])
    with scope.tenant(cast.acme.id):
        actor = admin_principal(cast.acme, cast.owner)
        members.update_member(actor=actor, member=person.member, changes={"metadata": {"plan": "gold"}})
    return person


def test_OAU24_names_of_other_systems_in_both_tokens(cast):
    person = planned(cast)
    body = flow(person, claim_mapping=COGNITO).tokens(scope="openid members:read")
    access, identity = claims(body["access_token"]), claims(body["id_token"])
    for token in (access, identity):
        assert token["custom:tenant_id"] == cast.acme.public_id
        assert token["custom:role"] == "viewer"
        assert token["cognito:groups"] == ["auditor", "viewer"]
        assert token["https://example.com/plan"] == "gold"
        assert token["kind"] == "user"
        assert "organizationId" not in token
    assert "members:read" in access["permissions"]
    assert access["scp"] == "openid members:read"
    assert identity["realm"] == "people"
    assert not {"permissions", "scp"} & identity.keys()
    assert "realm" not in access


def test_OAU24_values_follow_the_living_person(cast):
    person = planned(cast)
    run = flow(person, claim_mapping=COGNITO)
    body = run.tokens(scope="openid members:read offline_access")
    with scope.tenant(cast.acme.id):
        actor = admin_principal(cast.acme, cast.owner)
        members.update_member(actor=actor, member=person.member, changes={"metadata": {"plan": "tin"}})
    again = run.refresh(body["refresh_token"]).json()
    assert claims(again["access_token"])["https://example.com/plan"] == "tin"


def test_OAU24_an_application_without_mapping_has_none(cast):
    body = flow(cast.member).tokens()
    assert not {"custom:role", "permissions"} & claims(body["access_token"]).keys()


def test_OAU24_a_service_maps_its_scopes(cast):
    rules = [
        {"claim": "permissions", "source": "permissions", "as": "list"},
        {"claim": "k", "source": "subject_type"},
    ]
    found = claims(service_token(cast.acme, register(cast.acme, "machine", claim_mapping=rules)))
    assert (found["permissions"], found["k"]) == (["audit:read", "members:read"], "service")


KEY_RULES = [
    {"claim": "organizationId", "source": "organization_id"},
    {"claim": "organizationSlug", "source": "organization_slug"},
    {"claim": "permissions", "source": "permissions", "as": "list"},
]


def exchanged(cast, admin, **more):
    body = {"name": "Key", "scopes": ["members:read", "organizations:read"], **more}
    with scope.tenant(cast.acme.id):
        body["resource_id"] = resources.control_plane().public_id
    made = api(cast.acme, "POST", "api-keys", admin, body)
    assert made.status_code == 201, made.content
    answer = Browser().post(
        f"/t/{cast.acme.slug}/v1/auth/token",
        {"grant_type": "api_key", "api_key": made.json()["secret"]},
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content
    return claims(answer.json()["access_token"])


def test_KEY05_the_jwt_of_a_key_has_the_mapped_claims(cast, admin):
    """The tenant's own API takes a mapping too, and nothing else of it changes."""
    with scope.tenant(cast.acme.id):
        own = resources.control_plane().public_id
    assert api(cast.acme, "PATCH", f"api-resources/{own}", admin, {"name": "Mine"}).status_code == 409
    answer = api(cast.acme, "PATCH", f"api-resources/{own}", admin, {"claim_mapping": KEY_RULES})
    assert answer.status_code == 200, answer.content
    try:
        organization = make_organization(cast.acme)
        found = exchanged(cast, admin, organization_id=organization.public_id)
        assert found["organizationId"] == found["org_id"] == organization.public_id
        assert found["organizationSlug"] == organization.slug
        assert found["permissions"] == ["members:read", "organizations:read"]
        assert (found["tenant_id"], found["subject_type"]) == (cast.acme.public_id, "service")
        assert "organizationId" not in exchanged(cast, admin)
    finally:
        api(cast.acme, "PATCH", f"api-resources/{own}", admin, {"claim_mapping": []})


def test_OAU24_an_api_has_the_last_word_on_its_tokens(cast):
    actor = make_principal(cast.acme)
    audience = f"https://{unique('api')}.example"
    with scope.tenant(cast.acme.id):
        row = resources.create_resource(
            actor=actor,
            audience=audience,
            name="Plans",
            claim_mapping=[{"claim": "realm", "source": "constant", "value": "api"}],
        )
        resources.create_scope(actor=actor, resource=row, value="plan:read")
    rules = [{"claim": "realm", "source": "constant", "value": "app"}]
    app = register(cast.acme, "machine", scopes=["plan:read"], claim_mapping=rules)
    assert claims(service_token(cast.acme, app))["realm"] == "api"


@pytest.mark.parametrize("name", sorted(claim_mapping.RESERVED))
def test_OAU24_registered_claims_cannot_be_overwritten(cast, name):
    with pytest.raises(Exception, match="not valid"):
        claim_mapping.check([{"claim": name, "source": "constant", "value": "x"}])


@pytest.mark.parametrize(
    "rules",
    [
        [{"claim": "sub", "source": "constant", "value": "sub_x"}],
        [{"claim": "act", "source": "metadata", "key": "a"}],
        [{"claim": "", "source": "roles"}],
        [{"claim": "1st", "source": "roles"}],
        [{"claim": "two words", "source": "roles"}],
        [{"claim": "x" * 121, "source": "roles"}],
        [{"claim": "http://example.com/x", "source": "roles", "as": "object"}],
        [{"claim": "x", "source": "password"}],
        [{"claim": "x", "source": "metadata"}],
        [{"claim": "x", "source": "constant"}],
        [{"claim": "x", "source": "constant", "value": "a\nb"}],
        [{"claim": "x", "source": "roles", "as": "object"}],
        [{"claim": "x", "source": "roles", "order": "owner"}],
        [{"claim": "x", "source": "roles", "order": ["a\u2028b"]}],
        [{"claim": ["x"], "source": {}, "as": [], "key": 7, "value": None}],
        [{"claim": "x", "source": "roles", "tokens": []}],
        [{"claim": "x", "source": "roles", "tokens": ["refresh_token"]}],
        [{"claim": "x", "source": "roles", "eval": "1"}],
        [{"claim": "x", "source": "roles"}] * 2,
        [{"claim": f"x{n}", "source": "roles"} for n in range(21)],
        ["x"],
        "x",
    ],
)
def test_OAU24_unfit_rules_are_refused_at_the_door(cast, admin, rules):
    app = register(cast.acme)
    path = f"applications/{app.application.public_id}"
    answer = api(cast.acme, "PATCH", path, admin, {"claim_mapping": rules})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed"), answer.content
    with scope.tenant(cast.acme.id):
        assert applications.application(app.application.id).claim_mapping == []


def test_OAU24_values_beyond_the_limits_are_left_out():
    many = [f"role-{n}" for n in range(101)]
    rules = claim_mapping.compiled(
        [
            {"claim": "many", "source": "roles", "as": "list"},
            {"claim": "long", "source": "metadata", "key": "k"},
            {"claim": "fits", "source": "roles", "as": "first"},
        ]
    )
    facts = {"roles": many, "metadata": {"k": "x" * 5000}}
    assert claim_mapping.claims(rules, "id_token", facts.__getitem__) == {"fits": "role-0"}


def test_preview_by_api_needs_the_right_to_see_members(cast, admin):
    person = planned(cast)
    app = register(cast.acme, claim_mapping=COGNITO)
    path = f"applications/{app.application.public_id}/claim-previews"
    found = api(cast.acme, "POST", path, admin, {"member": person.subject, "scopes": ["x:y"]}).json()
    assert found["access_token"]["custom:role"] == "viewer"
    assert found["access_token"]["scp"] == "x:y"
    assert found["id_token"]["realm"] == "people"
    developer = access_token(make_member(cast.acme, roles=["developer"]))
    assert api(cast.acme, "POST", path, developer, {"member": person.subject}).status_code == 403
    organization = make_organization(cast.acme)
    inside = {"member": person.subject, "organization": organization.public_id}
    assert api(cast.acme, "POST", path, admin, inside).status_code == 404
    assert api(cast.acme, "POST", path, admin, {"member": "sub_x"}).status_code == 404


def test_strangers_neither_see_nor_change_a_mapping(cast):
    app = register(cast.acme, claim_mapping=COGNITO)
    foreign = access_token(cast.other_owner)
    path = f"applications/{app.application.public_id}"
    assert api(cast.globex, "GET", path, foreign).status_code == 404
    body = {"member": cast.member.subject}
    assert api(cast.globex, "POST", f"{path}/claim-previews", foreign, body).status_code == 404


# --- pages -----------------------------------------------------------------------------------------------


def enter(person):
    from tests.factories.hosted import sign_in

    browser = Browser()
    assert browser.follow(sign_in(browser, None, person.email)).status_code == 200
    return browser


@pytest.fixture(scope="module")
def visitor(cast):
    return enter(cast.owner)


def page(cast, *parts):
    return "/".join([f"/dashboard/{cast.acme.slug}", *parts])


def test_the_page_adds_previews_and_removes_a_claim(cast, visitor):
    app = register(cast.acme)
    address = page(cast, "applications", app.application.public_id, "claims")
    shown = visitor.get(address)
    assert shown.status_code == 200, shown.content[:500]
    fields = {
        "claim": "custom:role",
        "source": "roles",
        "form": "first",
        "order": "owner\nviewer",
        "tokens": ["id_token"],
    }
    added = visitor.post(address, {**fields, **token_of(visitor, shown)})
    assert added.status_code == 303, added.content[-3000:]
    assert stored(cast, app) == [
        {
            "claim": "custom:role",
            "source": "roles",
            "as": "first",
            "order": ["owner", "viewer"],
            "tokens": ["id_token"],
        }
    ]
    seen = visitor.get(f"{address}?member={cast.owner.email}").content.decode()
    assert "custom:role" in seen
    assert "owner" in seen
    assert "No such member" in visitor.get(f"{address}?member=sub_x").content.decode()
    bad = visitor.post(address, {**fields, "claim": "sub", **token_of(visitor, shown)})
    assert bad.status_code == 422
    assert "has a meaning of its own" in bad.content.decode()
    gone = visitor.post(address, {"remove": "custom:role", **token_of(visitor, shown)})
    assert (gone.status_code, stored(cast, app)) == (303, [])


def stored(cast, app):
    with scope.tenant(cast.acme.id):
        return applications.application(app.application.id).claim_mapping


def token_of(visitor, shown):
    from tests.factories import csrf_of

    return {"csrfmiddlewaretoken": csrf_of(shown)}


def test_the_page_of_tokens_saves_and_says_what_is_out_of_bounds(cast, visitor):
    app = register(cast.acme)
    address = page(cast, "applications", app.application.public_id, "tokens")
    shown = visitor.get(address)
    sent = {
        "access_token_lifetime": "900",
        "id_token_signed_response_alg": "RS256",
        **token_of(visitor, shown),
    }
    assert visitor.post(address, sent).status_code == 303
    with scope.tenant(cast.acme.id):
        row = applications.application(app.application.id)
    assert (row.access_token_lifetime, row.id_token_signed_response_alg) == (900, "RS256")
    refused = visitor.post(address, {**sent, "access_token_lifetime": "5"})
    assert refused.status_code == 422
    assert "300 to 3600 seconds" in refused.content.decode()


def test_the_pages_of_an_api_work(cast, visitor):
    shown = visitor.get(page(cast, "api-resources", "new"))
    audience = f"https://{unique('api')}.example"
    sent = {"name": "Tickets", "audience": audience, "signing_alg": "EdDSA", **token_of(visitor, shown)}
    made = visitor.post(page(cast, "api-resources", "new"), sent)
    assert made.status_code == 303, made.content[-2000:]
    base = made.headers["Location"]
    csrf = token_of(visitor, shown)
    content = "ticket:read Read\nticket:write Write"
    tried = visitor.post(f"{base}/import", {"content": content, "dry_run": "on", "format": "auto", **csrf})
    assert "ticket:read, ticket:write" in tried.content.decode()
    assert visitor.post(f"{base}/import", {"content": content, "format": "auto", **csrf}).status_code == 303
    assert visitor.post(f"{base}/import", {"content": "a b\x01", "format": "auto", **csrf}).status_code == 422
    bundle = {"value": "read-only", "bundles": "ticket:read", "features": "Desk", **csrf}
    assert visitor.post(base, bundle).status_code == 303
    seen = visitor.get(base).content.decode()
    assert "Stands for ticket:read" in seen
    assert "oauth-protected-resource" in seen
    assert "ticket:write" not in visitor.get(f"{base}?feature=Desk").content.decode().split("<tbody>")[1]
    settings = {
        "name": "Tickets", "token_lifetime": "600", "signing_alg": "RS256", "error_dialect": "upper",
        "token_binding": "none", "for_people": "id", "id_token_clients": "app_x", "acr_values": "urn:x urn:y",
        "max_age": "60", **csrf,
    }  # fmt: skip
    assert visitor.post(f"{base}/settings", settings).status_code == 303
    with scope.tenant(cast.acme.id):
        row = selectors.api_resources().get(audience=audience)
    assert row.accepted_token_types == {"user": ["id_token"], "guest": ["id_token"]}
    assert (row.acr_values, row.max_age, row.error_dialect) == (["urn:x", "urn:y"], 60, "upper")
    refused = visitor.post(f"{base}/settings", {**settings, "token_lifetime": "7200"})
    assert (refused.status_code, "by this tenant" in refused.content.decode()) == (422, True)
    assert visitor.get(f"{base}/claims").status_code == 200
    listed = visitor.get(page(cast, "api-resources?alg=RS256&dialect=upper")).content.decode()
    assert "Tickets" in listed
    assert "No API matches" in visitor.get(page(cast, "api-resources?q=zzz")).content.decode()


def test_the_page_of_signing_keys_works(cast, visitor):
    address = page(cast, "settings", "signing-keys")
    shown = visitor.get(address)
    assert "ES256" in shown.content.decode()
    assert "No key matches" in visitor.get(f"{address}?state=revoked").content.decode()
    early = visitor.post(f"{address}/rotation", {"alg": "ES256", **token_of(visitor, shown)})
    assert early.status_code == 303
    assert "not known everywhere yet" in visitor.get(address).content.decode()


def test_pages_refuse_those_who_may_only_look(cast):
    viewer = enter(make_member(cast.acme, roles=["viewer"]))
    app = register(cast.acme)
    address = page(cast, "applications", app.application.public_id, "claims")
    shown = viewer.get(address)
    assert shown.status_code == 200
    assert "Add a claim" not in shown.content.decode()
    sent = {"claim": "x", "source": "roles", "form": "string"}
    assert viewer.post(address, sent).status_code in (403, 422)
    assert stored(cast, app) == []
