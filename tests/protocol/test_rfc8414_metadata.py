"""RFC 8414 and OpenID Connect Discovery: metadata and keys of each issuer."""

from __future__ import annotations

import pytest

from core import jose, scope
from core.principal import SYSTEM
from tenants import keys, selectors, services
from tests.factories import Browser, make_cast, make_tenant


@pytest.fixture(scope="module")
def cast():
    return make_cast()


def metadata(tenant, name="openid-configuration"):
    return Browser().get(f"/t/{tenant.slug}/.well-known/{name}")


def test_issuer_and_endpoints_are_the_tenants_own(cast):
    """RFC 8414 §3.3: issuer must be identical to the one the address was made from; threat O6."""
    for tenant in (cast.acme, cast.globex):
        body = metadata(tenant).json()
        assert body["issuer"] == tenant.issuer
        addresses = [value for name, value in body.items() if name.endswith(("_endpoint", "_uri"))]
        assert addresses
        assert all(address.startswith(f"{tenant.issuer}/") for address in addresses)


def test_only_what_is_safe_is_offered(cast):
    """RFC 9700 §2.1.1, §2.1.2, §2.4: code and S256 only, no implicit, no password grant."""
    body = metadata(cast.acme).json()
    assert body["response_types_supported"] == ["code"]
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert body["subject_types_supported"] == ["pairwise"]
    assert not {"implicit", "password"} & set(body["grant_types_supported"])
    assert {"authorization_code", "refresh_token", "client_credentials"} <= set(body["grant_types_supported"])
    assert body["authorization_response_iss_parameter_supported"] is True  # RFC 9207 §3
    assert "none" not in body["introspection_endpoint_auth_methods_supported"]


def test_documents_may_be_read_with_headers_that_browsers_ask_about_first(cast):
    """MCP clients in a browser send MCP-Protocol-Version with it."""
    slug = cast.acme.slug
    for path in (
        f"/t/{slug}/.well-known/openid-configuration",
        f"/.well-known/oauth-authorization-server/t/{slug}",
        f"/t/{slug}/.well-known/jwks.json",
        f"/.well-known/oauth-protected-resource/t/{slug}/v1",
        "/v1/openapi.json",
    ):
        asking = {"Origin": "https://any.example", "Access-Control-Request-Method": "GET"}
        asked = Browser().options(path, headers=asking)
        assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "*"), path
        assert asked.headers["Access-Control-Allow-Headers"] == "*"
        refused = Browser().post(path, b"{}", content_type="application/json")
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD"), path


def test_rfc8414_5_openid_name_with_the_path_inserted_is_the_same_document(cast):
    slug = cast.acme.slug
    inserted = Browser().get(f"/.well-known/openid-configuration/t/{slug}")
    assert inserted.content == Browser().get(f"/t/{slug}/.well-known/openid-configuration").content
    assert Browser().get("/.well-known/openid-configuration/t/nobody-here").status_code == 404


def test_rfc8414_name_and_path_inserted_form_are_the_same_document(cast):
    """RFC 8414 §3.1."""
    own = metadata(cast.acme, "oauth-authorization-server")
    inserted = Browser().get(f"/.well-known/oauth-authorization-server/t/{cast.acme.slug}")
    assert own.content == inserted.content == metadata(cast.acme).content


@pytest.mark.parametrize("path", ["openid-configuration", "oauth-authorization-server", "jwks.json"])
def test_documents_are_public_cacheable_and_conditional(cast, path):
    """RFC 9110 §13.1.2; threat B5: nothing secret, so any origin may read them."""
    first = metadata(cast.acme, path)
    assert first.headers["Content-Type"] == "application/json"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert first.headers["Cache-Control"].startswith("public, max-age=")
    again = Browser().get(
        f"/t/{cast.acme.slug}/.well-known/{path}", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_jwks_holds_public_keys_of_this_tenant_only(cast):
    """RFC 7517 §5; threat T5: no private member."""
    mine, theirs = (metadata(tenant, "jwks.json").json()["keys"] for tenant in (cast.acme, cast.globex))
    assert not {key["kid"] for key in mine} & {key["kid"] for key in theirs}
    for key in mine:
        assert not {"d", "k", "p", "q"} & key.keys()
        assert key["use"] == "sig"
        jose.verifying_key(key, key["alg"])


def test_R11_next_key_is_published_before_use_and_the_old_one_stays(cast):
    """OAU-01."""
    tenant = make_tenant()
    before = {key["kid"] for key in metadata(tenant, "jwks.json").json()["keys"]}
    signing = keys.active_key(tenant.id).kid
    with scope.tenant(tenant.id):
        keys.rotate_as(SYSTEM)
    after = {key["kid"] for key in metadata(tenant, "jwks.json").json()["keys"]}
    fresh = keys.active_key(tenant.id).kid
    assert signing != fresh
    assert fresh in before
    assert signing in after


def test_unknown_and_suspended_tenants_have_no_metadata(cast):
    assert Browser().get("/t/nobody-here/.well-known/openid-configuration").status_code == 404
    assert Browser().get("/.well-known/openid-configuration").status_code == 404
    tenant = make_tenant()
    assert metadata(tenant).status_code == 200
    with scope.tenant(tenant.id):
        services.suspend_tenant(tenant=selectors.tenant(), reason="unpaid")
    assert metadata(tenant).status_code == 404
    assert metadata(tenant, "jwks.json").status_code == 404


def test_other_methods_are_refused(cast):
    answer = Browser(enforce_csrf_checks=False).post(f"/t/{cast.acme.slug}/.well-known/jwks.json")
    assert answer.status_code in (403, 405)
