"""An API resource that wants its tokens bound gets no other ones (RFC 9449 §5, RFC 8705 §3, RFC 9728 §2)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from core import scope
from roles import resources
from roles.addresses import metadata_address
from tests.factories import Browser, access_token, make_principal, unique
from tests.factories.hosted import at_home
from tests.oauth.helpers import claims, flow, form, register, service_token, token
from tests.oauth.proofs import proof
from tests.protocol.test_rfc8705_mtls import certificate, headers, proxy  # noqa: F401 — a fixture

DPOP, SUPPORTED = "dpop_bound_access_tokens_required", "dpop_signing_alg_values_supported"
MTLS = "tls_client_certificate_bound_access_tokens"
FORM = {"name": "Tickets", "signing_alg": "ES256", "error_dialect": "problem", "for_people": "access"}


def make(tenant, binding="dpop"):
    actor = make_principal(tenant)
    with scope.tenant(tenant.id):
        row = resources.create_resource(
            actor=actor, audience=f"https://{unique('api')}.example", name="Tickets", token_binding=binding
        )
        resources.create_scope(actor=actor, resource=row, value="ticket:read")
    return row


def rebind(tenant, row, binding):
    with scope.tenant(tenant.id):
        resources.update_resource(
            actor=make_principal(tenant), resource=row, changes={"token_binding": binding}
        )


def machine(tenant, row, **settings):
    return register(
        tenant,
        "machine",
        scopes=["ticket:read", "members:read"],
        resources=[f"{tenant.issuer}/v1", row.audience],
        **settings,
    )


def error_of(answer):
    return answer.status_code, answer.json()["error"]


def proved(tenant):
    return proof(f"{tenant.issuer}/oauth/token")


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("none", {}),
        ("dpop", {DPOP: True}),
        ("certificate", {MTLS: True}),
        ("either", {DPOP: False, MTLS: True}),
    ],
)
def test_9728_2_the_metadata_say_what_is_asked(cast, binding, said):
    row = make(cast.acme, binding)
    body = Browser().get(urlsplit(metadata_address(cast.acme.slug, row)).path).json()
    assert {name: body[name] for name in (DPOP, MTLS) if name in body} == said
    assert (SUPPORTED in body) == (DPOP in said)


def test_T4_client_credentials_get_bound_tokens_only(cast):
    row = make(cast.acme)
    app = machine(cast.acme, row)
    asked = {"grant_type": "client_credentials", "resource": row.audience}
    assert error_of(token(cast.acme, asked, app=app)) == (400, "invalid_dpop_proof")
    body = token(cast.acme, asked, app=app, DPoP=proved(cast.acme)).json()
    assert (body["token_type"], set(claims(body["access_token"])["cnf"])) == ("DPoP", {"jkt"})
    assert service_token(cast.acme, app, scope="members:read"), "another API asks for nothing"


def test_T4_a_code_is_not_spent_on_a_request_without_proof_and_refreshing_asks_again(cast):
    row = make(cast.acme)
    run = flow(cast.member, scopes=["openid", "ticket:read", "offline_access"], resources=[row.audience])
    code = run.code(scope="openid ticket:read offline_access")
    assert error_of(run.redeem(code)) == (400, "invalid_dpop_proof")
    asked = {
        "grant_type": "authorization_code", "code": code, "code_verifier": run.verifier,
        "redirect_uri": run.app.application.redirect_uris,
    }  # fmt: skip
    body = token(cast.acme, asked, app=run.app, DPoP=proved(cast.acme))
    assert body.status_code == 200, body.content
    first = body.json()
    assert first["token_type"] == "DPoP"
    refused = token(
        cast.acme, {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}, app=run.app
    )
    assert error_of(refused) == (400, "invalid_dpop_proof")
    again = token(
        cast.acme, {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]},
        app=run.app, DPoP=proved(cast.acme),
    )  # fmt: skip
    assert again.json()["token_type"] == "DPoP", again.content


def test_T4_token_exchange_is_no_way_around(cast):
    row = make(cast.acme, "none")
    grants = ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]
    app = machine(cast.acme, row, grants=grants)
    plain = service_token(cast.acme, app, resource=row.audience)
    rebind(cast.acme, row, "dpop")
    asked = {
        "grant_type": grants[1],
        "subject_token": plain,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "resource": row.audience,
    }
    assert error_of(token(cast.acme, asked, app=app)) == (400, "invalid_dpop_proof")
    assert token(cast.acme, asked, app=app, DPoP=proved(cast.acme)).json()["token_type"] == "DPoP"


def test_T4_a_bearer_token_from_before_is_inactive_for_its_api(cast):
    """RFC 9701 and 7662 answer for the API; the refusal comes ready made."""
    row = make(cast.acme, "none")
    app = machine(cast.acme, row)
    server = register(cast.acme, "machine", introspection_audiences=[row.audience])
    plain = service_token(cast.acme, app, resource=row.audience)
    bound = token(
        cast.acme,
        {"grant_type": "client_credentials", "resource": row.audience},
        app=app,
        DPoP=proved(cast.acme),
    ).json()["access_token"]

    def seen(text):
        return form(cast.acme, "/oauth/introspect", {"token": text}, app=server).json()

    assert seen(plain)["active"] is True
    rebind(cast.acme, row, "dpop")
    assert seen(bound)["active"] is True
    told = seen(plain)
    assert (told["active"], told["refusal"]["code"], told["refusal"]["status"]) == (
        False,
        "token_invalid",
        401,
    )
    stranger = register(cast.globex, "machine")
    assert form(cast.acme, "/oauth/introspect", {"token": bound}, app=stranger).status_code == 401


def test_T4_a_certificate_where_one_is_asked(cast, proxy):  # noqa: F811
    row = make(cast.acme, "certificate")
    app = machine(cast.acme, row, tls_client_certificate_bound_access_tokens=True)
    asked = {"grant_type": "client_credentials", "resource": row.audience}
    sent = {name.replace("-", "_"): value for name, value in headers(certificate()).items()}
    assert error_of(token(cast.acme, asked, app=machine(cast.acme, row), DPoP=proved(cast.acme))) == (
        400,
        "invalid_request",
    )
    body = token(cast.acme, asked, app=app, **sent)
    assert body.status_code == 200, body.content
    assert set(claims(body.json()["access_token"])["cnf"]) == {"x5t#S256"}
    rebind(cast.acme, row, "either")
    assert token(cast.acme, asked, app=app, **sent).status_code == 200
    keyed = machine(cast.acme, row)
    assert token(cast.acme, asked, app=keyed, DPoP=proved(cast.acme)).json()["token_type"] == "DPoP"
    assert error_of(token(cast.acme, asked, app=keyed)) == (400, "invalid_dpop_proof")


def test_it_is_set_by_page_and_by_api(cast):
    row, owner = make(cast.acme, "none"), access_token(cast.owner)
    path = f"/v1/api-resources/{row.public_id}"
    assert (
        Browser().api("PATCH", path, owner, {"token_binding": "either"}).json()["token_binding"] == "either"
    )
    refused = Browser().api("PATCH", path, owner, {"token_binding": "magic"})
    assert refused.json()["errors"][0]["pointer"] == "/token_binding"
    assert (
        Browser().api("PATCH", path, access_token(cast.other_owner), {"token_binding": "none"}).status_code
        == 404
    )
    page = f"/dashboard/{cast.acme.slug}/api-resources/{row.public_id}/settings"
    browser = at_home(cast.owner)
    assert browser.submit(browser.get(page), {**FORM, "token_binding": "dpop"}, to=page).status_code == 303
    assert Browser().api("GET", path, owner).json()["token_binding"] == "dpop"
    own = next(
        one
        for one in Browser().api("GET", "/v1/api-resources", owner).json()["data"]
        if one["is_control_plane"]
    )
    fixed = Browser().api("PATCH", f"/v1/api-resources/{own['id']}", owner, {"token_binding": "dpop"})
    assert fixed.status_code in (400, 409), fixed.content
