"""RFC 9728: protected resource metadata, hosted; and the challenges that lead there (OAU-28, ANC-03)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from core import scope
from roles import resources
from roles.addresses import metadata_address
from tests.factories import Browser, access_token, make_member, make_principal, unique
from tests.oauth.helpers import bearer_get, flow, form, register
from tests.protocol.sample_mcp import SampleServer


def make(tenant, audience="", **settings):
    audience = audience or f"https://{unique('mcp')}.example/mcp"
    actor = make_principal(tenant)
    with scope.tenant(tenant.id):
        row = resources.create_resource(actor=actor, audience=audience, name="Tickets", **settings)
        for value in ("ticket:read", "ticket:write"):
            resources.create_scope(actor=actor, resource=row, value=value)
    return row


def get(address, **headers):
    return Browser().get(urlsplit(address).path, headers=headers)


def test_hosted_copy_of_any_resource(cast):
    """§2, §3.3: resource is the identifier itself."""
    row = make(cast.acme, documentation_url="https://docs.example/tickets")
    address = metadata_address(cast.acme.slug, row)
    assert address == f"{cast.acme.issuer}/resources/{row.public_id}/.well-known/oauth-protected-resource"
    answer = get(address)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"].startswith("public, max-age=")
    assert answer.json() == {
        "resource": row.audience,
        "authorization_servers": [cast.acme.issuer],
        "scopes_supported": ["ticket:read", "ticket:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Tickets",
        "resource_documentation": "https://docs.example/tickets",
    }
    assert get(address, **{"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_path_inserted_form_for_resources_under_the_issuer(cast):
    """§3.1."""
    row = make(cast.acme, f"{cast.acme.issuer}/mcp/tickets")
    path = f"/.well-known/oauth-protected-resource/t/{cast.acme.slug}/mcp/tickets"
    assert urlsplit(metadata_address(cast.acme.slug, row)).path == path
    assert get(path).json()["resource"] == row.audience


def test_our_own_api_has_its_document_and_every_401_leads_there(cast):
    """§5.1."""
    path = f"/.well-known/oauth-protected-resource/t/{cast.acme.slug}/v1"
    body = get(path).json()
    assert body["resource"] == f"{cast.acme.issuer}/v1"
    assert "members:read" in body["scopes_supported"]
    assert body["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "EdDSA", "Ed25519"]
    assert body["dpop_bound_access_tokens_required"] is False
    assert body["tls_client_certificate_bound_access_tokens"] is False
    assert "resource_signing_alg_values_supported" not in body  # §2: its answers are not signed
    for token in ("", "x"):
        challenge = bearer_get(cast.acme, "/v1/members", token).headers["WWW-Authenticate"]
        found = re.search(r'resource_metadata="([^"]+)"', challenge)
        assert found, challenge
        assert urlsplit(found[1]).path == path


def test_insufficient_scope_names_the_scopes_and_the_document(cast):
    """RFC 6750 §3.1; MCP 2026-07-28 step-up authorization."""
    token = access_token(make_member(cast.acme, roles=["admin"]), ["members:read"])
    answer = bearer_get(cast.acme, "/v1/webhook-endpoints", token)
    assert answer.status_code == 403
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="webhooks:read"' in challenge
    assert "resource_metadata=" in challenge


@pytest.mark.parametrize("below", ["v2", "v1/members", "", "%2e%2e/v1"])
def test_what_is_no_resource_has_no_document(cast, below):
    path = f"/.well-known/oauth-protected-resource/t/{cast.acme.slug}/{below}"
    assert get(path).status_code == 404


@pytest.mark.parametrize("public_id", ["rs_x", "rs_01kb3v9z6t0000000000000000", "x", "../v1"])
def test_malformed_ids_have_no_document(cast, public_id):
    path = f"/t/{cast.acme.slug}/resources/{public_id}/.well-known/oauth-protected-resource"
    assert get(path).status_code == 404


def test_T2_another_tenants_resource_is_missing(cast):
    row = make(cast.acme)
    path = f"/t/{cast.globex.slug}/resources/{row.public_id}/.well-known/oauth-protected-resource"
    assert get(path).status_code == 404
    assert get("/.well-known/oauth-protected-resource/t/nobody-here/v1").status_code == 404


@pytest.mark.parametrize(
    "audience", ["{issuer}/v1", "{issuer}/v1/members", "{other}/v1", "{origin}", "{origin}/v1"]
)
def test_T2_nobody_poses_as_our_own_api(cast, audience):
    """§7.3: impersonation."""
    named = audience.format(
        issuer=cast.acme.issuer, other=cast.globex.issuer, origin=cast.acme.issuer.split("/t/")[0]
    )
    answer = Browser().api(
        "POST",
        f"/t/{cast.acme.slug}/v1/api-resources",
        access_token(make_member(cast.acme, roles=["owner"])),
        {"audience": named, "name": "Mine"},
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "not_yours")


def test_ANC03_a_sample_mcp_server_needs_no_metadata_code(cast):
    """A client starts from a bare 401, discovers, signs in, and steps up when a tool wants more."""
    row = make(cast.acme)
    proof = register(cast.acme, "machine", introspection_audiences=[row.audience])

    def introspect(token):
        return form(cast.acme, "/oauth/introspect", {"token": token}, app=proof).json()

    server = SampleServer(row.audience, metadata_address(cast.acme.slug, row), introspect)

    status, headers, _ = server.call("list_tickets")
    assert status == 401
    link = re.search(r'resource_metadata="([^"]+)"', headers["WWW-Authenticate"])[1]
    described = get(link).json()
    assert described["resource"] == server.audience
    issuer = urlsplit(described["authorization_servers"][0])
    found = Browser().get(f"/.well-known/oauth-authorization-server{issuer.path}").json()
    assert found["issuer"] == described["authorization_servers"][0]

    scopes = ["openid", *described["scopes_supported"]]
    run = flow(cast.member, "native", scopes=scopes, resources=[row.audience])
    narrow = run.tokens(scope="ticket:read", resource=described["resource"])["access_token"]
    assert server.call("list_tickets", f"Bearer {narrow}")[0] == 200

    status, headers, _ = server.call("close_ticket", f"Bearer {narrow}")
    assert status == 403
    more = re.search(r'scope="([^"]+)"', headers["WWW-Authenticate"])[1]
    wide = run.tokens(scope=f"ticket:read {more}", resource=described["resource"])["access_token"]
    assert server.call("close_ticket", f"Bearer {wide}")[2]["subject"] == cast.member.subject

    ours = flow(cast.member).tokens()["access_token"]
    assert server.call("list_tickets", f"Bearer {ours}")[0] == 401
    theirs = flow(cast.other_member).tokens()["access_token"]
    assert server.call("list_tickets", f"Bearer {theirs}")[0] == 401
