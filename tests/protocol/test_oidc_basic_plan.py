"""The modules of the OpenID Connect Basic plan, each as a test of its own name, over HTTP.

Clauses are of OpenID Connect Core 1.0 unless said otherwise. Every request carries PKCE with S256, which this
server demands of every client.
"""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from django.db.models import F

from core import jose, scope
from oauth.models import Grant
from tests.factories import make_cast
from tests.oauth.helpers import REDIRECT, register
from tests.protocol.hosted_pages import HostedPages, Stopped
from tests.protocol.relying_party import RelyingParty

SILENT: list[str] = []
REFUSED = {"login_required", "interaction_required", "account_selection_required", "consent_required"}


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture
def client(cast, served) -> RelyingParty:
    return RelyingParty(served.issuer(cast.acme), register(cast.acme))


@pytest.fixture(scope="module")
def browser(cast) -> HostedPages:
    """A browser in which the person has signed in, from the first test that uses it on."""
    return HostedPages(cast.member, REDIRECT)


@pytest.fixture
def newcomer(cast) -> HostedPages:
    """A browser without cookies."""
    return HostedPages(cast.member, REDIRECT)


def userinfo_of(client, tokens, **options):
    answer = client.userinfo(tokens["access_token"], **options)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["sub"] == client.id_token(tokens)["sub"], "§5.3.4"
    return found


def test_oidcc_server(client, newcomer):
    tokens = client.tokens(newcomer)
    assert newcomer.seen == ["email", "password", "consent"]
    claims = client.id_token(tokens)
    assert "name" not in claims, "§5.4: not asked for"
    assert userinfo_of(client, tokens) == {"sub": claims["sub"]}


def test_oidcc_response_type_missing(client, browser):
    """RFC 6749 §3.1.1: a page, or an error at the client."""
    callback = browser.go(client.request(response_type=None))
    assert client.error_of(callback) in {"unsupported_response_type", "invalid_request"}


def test_oidcc_idtoken_signature(client, browser):
    """§10.1: signed with a published key that the header names (checked by `id_token`)."""
    tokens = client.tokens(browser)
    assert client.id_token(tokens)
    assert jose.unverified_header(tokens["id_token"])["alg"] != "none"


def test_oidcc_idtoken_unsigned(client):
    """Skipped by the suite where `none` is not offered; here it never is."""
    for name, offered in client.configuration.items():
        if name.endswith("signing_alg_values_supported"):
            assert "none" not in offered, name


def test_oidcc_userinfo_get(client, browser):
    assert userinfo_of(client, client.tokens(browser), method="GET")


def test_oidcc_userinfo_post_header(client, browser):
    assert userinfo_of(client, client.tokens(browser), method="POST")


def test_oidcc_userinfo_post_body(client, browser):
    """§5.3.1 by RFC 6750 §2.2."""
    token = client.tokens(browser)["access_token"]
    answer = client.userinfo(token, method="POST", body=True)
    assert answer.status_code == 200, answer.text
    assert answer.json()["sub"]


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(client, browser):
    assert "nonce" not in client.id_token(client.tokens(browser, nonce=None))


def test_oidcc_scope_profile(client, browser, cast):
    found = userinfo_of(client, client.tokens(browser, scope="openid profile"))
    assert found["name"] == "Mia Member"


def test_oidcc_scope_email(client, browser, cast):
    found = userinfo_of(client, client.tokens(browser, scope="openid email"))
    assert (found["email"], found["email_verified"]) == (cast.member.email, True)


@pytest.mark.parametrize("word", ["address", "phone"])
def test_oidcc_scope_address_and_phone(client, browser, word):
    """§5.4: what the tenant does not know of a person is left out (§5.3.2), never empty."""
    assert word in client.configuration["scopes_supported"]
    found = userinfo_of(client, client.tokens(browser, scope=f"openid {word}"))
    assert all(value not in (None, "", {}) for value in found.values())


def test_oidcc_scope_all(client, browser):
    """All of the standard's scopes that discovery names, at once."""
    words = ["openid", "profile", "email", "address", "phone"]
    offered = [word for word in words if word in client.configuration["scopes_supported"]]
    found = userinfo_of(client, client.tokens(browser, scope=" ".join(offered)))
    assert {"name", "email", "email_verified"} <= found.keys()


def test_oidcc_alternate_happy_flow(client, browser):
    """RFC 6749 §3.3: neither the order of scopes nor that of parameters matters."""
    address = client.request(scope="email openid")
    turned = urlencode(list(reversed(client.sent.items())))
    code = client.code_of(browser.go(f"{address.partition('?')[0]}?{turned}"))
    assert "email" in userinfo_of(client, client.checked(client.redeem(code)))


@pytest.mark.parametrize("display", ["page", "popup"])
def test_oidcc_display_page_and_popup(client, newcomer, display):
    assert client.id_token(client.tokens(newcomer, display=display))
    assert newcomer.seen[:2] == ["email", "password"]


def test_oidcc_prompt_login(client, browser):
    first = client.id_token(client.tokens(browser, max_age=3600))
    time.sleep(1.1)  # auth_time counts whole seconds
    second = client.id_token(client.tokens(browser, prompt="login"))
    assert "password" in browser.seen
    assert second["sub"] == first["sub"]
    assert second["auth_time"] > first["auth_time"]


def test_oidcc_prompt_none_not_logged_in(client, newcomer):
    """§3.1.2.6."""
    callback = newcomer.go(client.request(prompt="none"))
    assert client.error_of(callback) == "login_required"
    assert newcomer.seen == SILENT


def test_oidcc_prompt_none_logged_in(client, browser):
    first = client.id_token(client.tokens(browser))
    second = client.id_token(client.tokens(browser, prompt="none"))
    assert browser.seen == SILENT
    assert (first["sub"], first["auth_time"]) == (second["sub"], second["auth_time"])


def test_oidcc_max_age_1(client, browser):
    first = client.id_token(client.tokens(browser))
    time.sleep(2.1)
    second = client.id_token(client.tokens(browser, max_age=1))
    assert "password" in browser.seen
    assert second["auth_time"] > first["auth_time"]
    assert second["sub"] == first["sub"]


def test_oidcc_max_age_10000(client, browser):
    first = client.id_token(client.tokens(browser, max_age=15000))
    second = client.id_token(client.tokens(browser, max_age=10000))
    assert browser.seen == SILENT
    assert (first["sub"], first["auth_time"]) == (second["sub"], second["auth_time"])


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(client, browser):
    """RFC 6749 §3.1."""
    assert client.tokens(browser, extra="foobar")


def test_oidcc_id_token_hint(client, browser):
    tokens = client.tokens(browser)
    first = client.id_token(tokens)
    second = client.id_token(client.tokens(browser, prompt="none", id_token_hint=tokens["id_token"]))
    assert browser.seen == SILENT
    assert (first["sub"], first["auth_time"]) == (second["sub"], second["auth_time"])


@pytest.mark.parametrize("hint", ["buffy@example.com", "nobody"])
def test_oidcc_login_hint(client, newcomer, hint):
    assert client.id_token(client.tokens(newcomer, login_hint=hint))


@pytest.mark.parametrize("locales", ["se", "de en"])
def test_oidcc_ui_locales(client, newcomer, locales):
    assert client.id_token(client.tokens(newcomer, ui_locales=locales))


def test_oidcc_claims_locales(client, browser):
    assert client.id_token(client.tokens(browser, claims_locales="se"))


def test_oidcc_ensure_request_with_acr_values_succeeds(client, browser):
    """§3.1.2.1: voluntary, so it never fails; the claim says what was reached."""
    wanted = client.configuration["acr_values_supported"]
    claims = client.id_token(client.tokens(browser, acr_values=" ".join(wanted)))
    assert claims["acr"] in wanted


def test_oidcc_codereuse(client, browser):
    """RFC 6749 §4.1.2."""
    code = client.code_of(browser.go(client.request()))
    client.checked(client.redeem(code))
    again = client.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_oidcc_codereuse_30seconds(client, browser, cast):
    """RFC 6749 §4.1.2: what the code gave is dead too. The row is made half a minute older instead of waiting."""
    code = client.code_of(browser.go(client.request()))
    tokens = client.checked(client.redeem(code))
    with scope.tenant(cast.acme.id):
        rows = Grant.objects.filter(application=client.app.application)
        assert rows.update(expires=F("expires") - timedelta(seconds=30)) == 1
    again = client.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert soon(lambda: client.userinfo(tokens["access_token"]).status_code == 401)
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def soon(happened) -> bool:
    """Wait for what other processes learn within a second."""
    for _ in range(30):
        if happened():
            return True
        time.sleep(0.1)
    return False


def test_oidcc_ensure_registered_redirect_uri(client, browser):
    """RFC 6749 §3.1.2.4: the person is told; nothing goes to the address."""
    with pytest.raises(Stopped) as stopped:
        browser.go(client.request(redirect_uri="https://evil.example/callback"))
    assert stopped.value.page.status_code == 400
    assert "Location" not in stopped.value.page.headers


def test_oidcc_ensure_post_request_succeeds(client, browser):
    """§3.1.2.1: GET and POST."""
    code = client.code_of(browser.go(client.request(), method="POST"))
    assert client.checked(client.redeem(code))


def test_oidcc_server_client_secret_post(cast, served, browser):
    app = register(cast.acme, auth_method="client_secret_post")
    client = RelyingParty(served.issuer(cast.acme), app)
    tokens = client.tokens(browser)
    assert userinfo_of(client, tokens)


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(client, browser):
    """§6.2: skipped by the suite where `none` is not offered; here only what was pushed can be named."""
    callback = browser.go(client.request(request_uri="https://client.example/request.jwt"))
    assert client.error_of(callback) == "request_uri_not_supported"


def unsigned(claims):
    import base64
    import json

    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "oauth-authz-req+jwt"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(client, browser):
    """§6.1: never silently ignored."""
    address = client.request()
    callback = browser.go(f"{address}&request={unsigned(client.sent)}")
    assert client.error_of(callback) in {"request_not_supported", "invalid_request_object"}


def test_oidcc_ensure_request_object_with_redirect_uri(client, browser):
    """§6.1: an unsigned object cannot move the answer to an address that is not registered."""
    address = client.request()
    moved = unsigned({**client.sent, "redirect_uri": "https://evil.example/callback"})
    callback = browser.go(f"{address}&request={moved}")
    assert "code" not in callback.parameters


def test_oidcc_claims_essential(client, browser):
    """§5.5: asked for in userinfo, it is there and not in the ID token; never an error."""
    tokens = client.tokens(browser, claims='{"userinfo":{"name":{"essential":true}}}')
    assert "name" not in client.id_token(tokens)
    found = userinfo_of(client, tokens)
    assert found["name"] == "Mia Member"


def test_oidcc_refresh_token(client, browser, cast):
    """§12.2, and bound to the client that got it (RFC 6749 §10.4)."""
    first = client.tokens(browser, scope="openid offline_access", prompt="consent")
    before = client.id_token(first)
    renewed = client.checked(client.refresh(first["refresh_token"]))
    after = client.id_token(renewed, nonce="nonce" in jose.unverified_claims(renewed["id_token"]))
    for name in ("iss", "sub", "aud", "auth_time"):
        assert after[name] == before[name], name
    assert after["iat"] >= before["iat"]
    assert client.userinfo(renewed["access_token"]).status_code == 200
    other = RelyingParty(client.issuer, register(cast.acme))
    theirs = other.tokens(browser, scope="openid offline_access")
    refused = client.refresh(theirs["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert other.checked(other.refresh(theirs["refresh_token"])), (
        "a stranger's attempt costs the owner nothing"
    )


def test_oidcc_ensure_request_with_valid_pkce_succeeds(client, browser):
    """RFC 7636, and its negative sides: no challenge, the plain one, another verifier."""
    assert client.tokens(browser)
    for changes in (
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
    ):
        assert client.error_of(browser.go(client.request(**changes))) == "invalid_request"
    code = client.code_of(browser.go(client.request()))
    refused = client.redeem(code, code_verifier="x" * 50)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


# --- beside the plan: two tenants and a stranger ------------------------------------------------------------


def test_another_tenants_issuer_knows_neither_client_nor_token(client, browser, cast, served):
    tokens = client.tokens(browser)
    elsewhere = served.issuer(cast.globex)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert httpx.get(f"{elsewhere}/oauth/userinfo", headers=bearer).status_code == 403
    foreign = RelyingParty(elsewhere, client.app)
    refused = foreign.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_stranger_gets_no_code(client, cast):
    """Somebody with an account who is no member of this tenant."""
    with pytest.raises(Stopped):
        HostedPages(cast.stranger, REDIRECT).go(client.request())
