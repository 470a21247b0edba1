"""OAuth 2.0 Dynamic Client Registration (RFC 7591), with the members of OpenID Connect Registration 1.0."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from core import jose, scope
from core.ratelimit import clear_local
from events.models import Event
from oauth import applications, initial_access_tokens
from oauth.models import Application
from tests.factories import Browser, make_principal, unique
from tests.oauth.helpers import Flow, basic, register, token
from tests.oauth.registering import REGISTRATION, issue, registering

WEB = REGISTRATION


@pytest.fixture(autouse=True)
def _roomy():
    clear_local()


def test_3_2_1_a_client_is_registered_and_told_everything(cast):
    answer = registering(cast.acme, {**WEB, "scope": "openid email", "contacts": ["ops@shop.example"]})
    assert answer.status_code == 201, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["client_secret"].startswith("cs_")
    assert body["client_secret_expires_at"] == 0
    assert body["client_id_issued_at"] > 0
    assert body["registration_access_token"].startswith("rat_")
    assert body["registration_client_uri"] == f"{cast.acme.issuer}/oauth/register/{body['client_id']}"
    assert (body["client_name"], body["redirect_uris"]) == ("Shop", WEB["redirect_uris"])
    assert (body["grant_types"], body["response_types"]) == (["authorization_code"], ["code"])
    assert (body["scope"], body["contacts"]) == ("openid email", ["ops@shop.example"])
    assert (body["token_endpoint_auth_method"], body["subject_type"]) == ("client_secret_basic", "pairwise")


def test_2_the_registered_client_signs_people_in(cast):
    from tests.oauth import fake_bridge

    body = registering(cast.acme, WEB).json()
    browser = Browser()
    fake_bridge.enter(browser, cast.member)
    with scope.tenant(cast.acme.id):
        row = Application.objects.get(client_id=body["client_id"])
    flow = Flow(cast.acme, applications.Registered(row, body["client_secret"]), browser)
    assert "id_token" in flow.tokens(scope="openid email")


def test_3_discovery_names_the_endpoint(cast):
    found = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert found["registration_endpoint"] == f"{cast.acme.issuer}/oauth/register"


def test_2_client_credentials_are_registered_for_a_machine(cast):
    held = issue(cast.acme, grants=["client_credentials"], scopes=["members:read"])
    body = registering(cast.acme, {"client_name": "Job", "grant_types": ["client_credentials"]}, held).json()
    assert (body["response_types"], body["scope"]) == ([], "members:read")
    proof = basic(body["client_id"], body["client_secret"])
    answer = token(cast.acme, {"grant_type": "client_credentials"}, Authorization=proof)
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"token_endpoint_auth_method": "none"}, "spa"),
        ({}, "web"),
        ({"application_type": "native", "redirect_uris": ["com.example.app:/cb"]}, "native"),
        ({"token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1:33418/"]}, "native"),
        (
            {"token_endpoint_auth_method": "client_secret_post", "redirect_uris": ["http://localhost/cb"]},
            "native",
        ),
    ],
)
def test_2_metadata_tells_the_kind_of_application(cast, metadata, kind):
    """Programs on a device often say no application_type; their addresses tell (RFC 8252 §7)."""
    answer = registering(cast.acme, {**WEB, **metadata})
    assert answer.status_code == 201, answer.content
    with scope.tenant(cast.acme.id):
        assert Application.objects.get(client_id=answer.json()["client_id"]).type == kind


def test_2_a_page_in_the_browser_gets_its_origin_let_in(cast):
    body = registering(cast.acme, {**WEB, "token_endpoint_auth_method": "none"}).json()
    with scope.tenant(cast.acme.id):
        assert Application.objects.get(client_id=body["client_id"]).allowed_origins == "https://shop.example"


def test_2_unknown_and_localized_members_are_ignored(cast):
    more = {
        "client_name#de": "Laden",
        "x_custom": {"deep": [1]},
        "tenant_id": cast.globex.public_id,
        "logo_uri": None,
    }
    body = registering(cast.acme, {**WEB, **more}).json()
    assert body["client_name"] == "Shop"
    assert not {"client_name#de", "x_custom", "tenant_id"} & set(body)


def test_2_3_a_software_statement_is_ignored_and_not_echoed(cast):
    body = registering(cast.acme, {**WEB, "software_statement": "e30.e30.", "software_id": "shop-1"}).json()
    assert "software_statement" not in body
    assert body["software_id"] == "shop-1"


def test_2_scopes_outside_of_the_limits_are_left_out_and_the_answer_says_so(cast):
    body = registering(cast.acme, {**WEB, "scope": "openid members:write nonsense"}).json()
    assert body["scope"] == "openid"
    refused = registering(cast.acme, {**WEB, "scope": "members:write"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")


HOSTILE_URIS = [
    "http://shop.example/cb", "https://shop.example/cb#f", "https://user@shop.example/cb", "javascript:alert(1)",
    "data:text/html,x", "https://*.shop.example/cb", "https://shop.example\\@evil.example/", "https://", "",
    "//shop.example", "/cb", "myapp:/cb", "file:///etc/passwd", "https://shop.example/cb\n",
    "https://sh\u043ep.example/cb", "x" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("uri", HOSTILE_URIS)
def test_O10_hostile_redirect_uris_are_invalid_redirect_uri(cast, uri):
    answer = registering(cast.acme, {**WEB, "redirect_uris": [uri]})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri"), answer.content


@pytest.mark.parametrize("value", ["https://shop.example/cb", {"a": 1}, [1], [None], [["x"]], 7, True, []])
def test_O10_redirect_uris_of_another_type_are_refused(cast, value):
    answer = registering(cast.acme, {**WEB, "redirect_uris": value})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "metadata",
    [
        {"grant_types": ["password"]},
        {"grant_types": ["implicit"], "response_types": ["token"]},
        {"grant_types": ["client_credentials"]},
        {"grant_types": "authorization_code"},
        {"response_types": ["code", "id_token"]},
        {"response_types": []},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": ["none"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://127.0.0.1:1/jwks"},
        {"jwks": {"keys": []}, "jwks_uri": "https://shop.example/jwks"},
        {"application_type": "desktop"},
        {"client_name": "x" * 121},
        {"client_name": "Bank \u202egnp.exe"},
        {"client_name": {"de": "x"}},
        {"client_uri": "javascript:alert(1)"},
        {"logo_uri": "data:image/svg+xml,x"},
        {"tos_uri": "http://shop.example/tos"},
        {"policy_uri": 1},
        {"contacts": ["x" * 300]},
        {"contacts": "ops@shop.example"},
        {"initiate_login_uri": "http://shop.example/login"},
        {"default_max_age": -1},
        {"default_max_age": "60"},
        {"default_max_age": True},
        {"require_auth_time": "true"},
        {"id_token_signed_response_alg": "none"},
        {"request_object_signing_alg": "none"},
        {"id_token_encrypted_response_alg": "RSA-OAEP"},
        {"userinfo_encrypted_response_alg": "RSA-OAEP"},
        {"scope": ["openid"]},
        {"post_logout_redirect_uris": ["http://evil.example/"]},
        {"sector_identifier_uri": "http://127.0.0.1:1/sector"},
    ],
)  # fmt: skip
def test_O10_hostile_metadata_is_invalid_client_metadata(cast, metadata):
    answer = registering(cast.acme, {**WEB, **metadata})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata"), answer.content
    assert answer.json()["error_description"]


def test_O10_no_privilege_is_chosen_by_the_client(cast):
    chosen = {
        "is_first_party": True,
        "is_vetted": True,
        "client_id": "mine",
        "client_secret": "s3cret",
        "type": "web",
    }
    body = registering(
        cast.acme, {**WEB, **chosen, "introspection_audiences": ["https://api.acme.example"]}
    ).json()
    assert body["client_id"].startswith("app_")
    assert body["client_secret"] != "s3cret"
    with scope.tenant(cast.acme.id):
        row = Application.objects.get(client_id=body["client_id"])
    assert (row.is_first_party, row.is_vetted, row.introspection_audiences) == (False, False, [])


# --- the initial access token (§1.2, §3) ------------------------------------------------------------------


def refused(answer: Any) -> None:
    assert answer.status_code == 401, answer.content
    assert answer.json()["error"] == "invalid_token"
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_3_without_a_token_nothing_is_registered(cast):
    answer = registering(cast.acme, WEB, "")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="claviger"'


def test_O10_a_token_of_another_tenant_a_wrong_and_a_strangers_one_are_refused(cast):
    refused(registering(cast.acme, WEB, issue(cast.globex)))
    genuine = issue(cast.acme)
    refused(registering(cast.acme, WEB, genuine[:-1] + ("a" if genuine[-1] != "a" else "b")))
    refused(registering(cast.acme, WEB, "dcr_" + "0" * 49))
    from tests.factories import access_token

    refused(registering(cast.acme, WEB, access_token(cast.owner)))
    refused(registering(cast.acme, WEB, "x" * 5000))


def test_3_at_the_bare_origin_the_token_names_the_tenant(cast):
    answer = registering(None, WEB, issue(cast.globex))
    assert answer.status_code == 201, answer.content
    assert answer.json()["registration_client_uri"].startswith(cast.globex.issuer)
    with scope.tenant(cast.acme.id):
        assert not Application.objects.filter(client_id=answer.json()["client_id"]).exists()


def test_O10_uses_are_counted_and_a_refused_registration_spends_none(cast):
    held = issue(cast.acme, max_uses=2)
    assert registering(cast.acme, {**WEB, "redirect_uris": ["http://evil.example/"]}, held).status_code == 400
    assert [registering(cast.acme, WEB, held).status_code for _ in range(3)] == [201, 201, 401]


def test_O10_expired_and_revoked_tokens_are_refused(cast):
    held = issue(cast.acme, max_uses=5)
    with scope.tenant(cast.acme.id):
        row = initial_access_tokens.initial_access_tokens().order_by("-id").first()
        initial_access_tokens.revoke_initial_access_token(actor=make_principal(cast.acme), token=row)
    refused(registering(cast.acme, WEB, held))
    old = issue(cast.acme, expires_in=60)
    with scope.tenant(cast.acme.id):
        row = initial_access_tokens.initial_access_tokens().order_by("-id").first()
        row.expires_at = row.created_at
        row.save()
    refused(registering(cast.acme, WEB, old))


def test_T5_the_token_is_at_rest_a_digest_only(cast):
    held = issue(cast.acme)
    with scope.tenant(cast.acme.id):
        row = initial_access_tokens.initial_access_tokens().order_by("-id").first()
        stored = str(vars(row))
        events = [bytes(event.canonical) for event in Event.objects.filter(object_id=row.public_id)]
    assert held not in stored
    assert held[4:-6] not in stored
    assert events
    assert not any(held.encode() in event for event in events)


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("https://shop.example/apps/one/cb", 201),
        ("https://shop.example/apps", 201),
        ("https://shop.example/appstore", 400),
        ("https://shop.example/other", 400),
        ("https://shop.example/apps/../admin", 400),
        ("https://shop.example/apps/%2e%2e/admin", 400),
        ("https://shop.example:8443/apps/cb", 400),
        ("https://shop.example.evil.example/apps/cb", 400),
        ("https://evil.example/apps/cb", 400),
        ("http://127.0.0.1:5000/apps/cb", 400),
    ],
)
def test_O10_redirect_uris_stay_within_the_tokens_limits(cast, uri, status):
    held = issue(cast.acme, redirect_uris=["https://shop.example/apps"])
    answer = registering(cast.acme, {**WEB, "redirect_uris": [uri]}, held)
    assert answer.status_code == status, answer.content


def test_O10_grants_stay_within_the_tokens_limits(cast):
    held = issue(cast.acme, grants=["authorization_code"])
    wide = {**WEB, "grant_types": ["authorization_code", "refresh_token"]}
    assert registering(cast.acme, wide, held).json()["error"] == "invalid_client_metadata"


def test_APP05_a_retried_registration_spends_one_use_and_gets_the_same_answer(cast):
    held, key = issue(cast.acme, max_uses=1), unique("retry")
    first = registering(cast.acme, WEB, held, Idempotency_Key=key)
    again = registering(cast.acme, WEB, held, Idempotency_Key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = registering(cast.acme, {**WEB, "client_name": "Else"}, held, Idempotency_Key=key)
    assert other.status_code == 422


def test_O10_of_50_parallel_uses_of_the_last_one_exactly_one_wins(cast):
    held, answers = issue(cast.acme, max_uses=1), []

    def use() -> None:
        answers.append(registering(cast.acme, WEB, held).status_code)

    threads = [threading.Thread(target=use) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(201) == 1, answers
    assert set(answers) <= {201, 401, 503}
    with scope.tenant(cast.acme.id):
        row = initial_access_tokens.initial_access_tokens().order_by("-id").first()
        assert row.uses == 1
        assert Application.objects.filter(initial_access_token=row).count() == 1


# --- the door ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b'{"a":1,"a":2}', b"\xff", b"[" * 5000, b'{"a":"\\u0000"}']
)
def test_3_malformed_bodies_are_refused_in_the_standards_shape(cast, body):
    answer = registering(cast.acme, body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"] in ("invalid_request", "invalid_client_metadata", "invalid_redirect_uri")


def test_3_only_post_of_json(cast):
    held = issue(cast.acme, max_uses=5)
    headers = {"Authorization": f"Bearer {held}"}
    path = f"/t/{cast.acme.slug}/oauth/register"
    assert Browser().get(path, headers=headers).json()["error"] == "invalid_request"
    assert Browser().post(path, {"client_name": "x"}, headers=headers).json()["error"] == "invalid_request"


def test_3_a_page_of_any_origin_may_register_with_its_token(cast):
    path = f"/t/{cast.acme.slug}/oauth/register"
    preflight = Browser().options(path, headers={"Origin": "https://inspector.example"})
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_registrations_and_refusals_are_in_the_audit_log(cast):
    held = issue(cast.acme, max_uses=3)
    body = registering(cast.acme, WEB, held).json()
    registering(cast.acme, {**WEB, "redirect_uris": ["http://evil.example/"]}, held)
    with scope.tenant(cast.acme.id):
        row = initial_access_tokens.initial_access_tokens().order_by("-id").first()
        mine = Event.objects.filter(object_id=row.public_id).order_by("id").values_list("type", flat=True)
        assert list(mine) == [
            "initial_access_token.created",
            "initial_access_token.consumed",
            "application.dynamic_registration.rejected",
        ]
        made = Event.objects.filter(object_id=body["client_id"]).values_list("type", flat=True)
        assert set(made) == {"application.created", "application.dynamic_registration.succeeded"}


def test_a_client_that_an_administrator_registered_is_vetted(cast):
    assert register(cast.acme).application.is_vetted


def test_the_algorithm_of_assertions_is_kept_and_told_back(cast):
    """OIDC Registration §2: token_endpoint_auth_signing_alg; with a secret it means nothing and is left out."""
    jwks = {"keys": [jose.public_jwk(jose.generate_key())]}
    keyed = {**WEB, "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks}
    wanted = {"token_endpoint_auth_signing_alg": "ES256"}
    answer = registering(cast.acme, {**keyed, **wanted})
    assert answer.status_code == 201, answer.content
    assert answer.json()["token_endpoint_auth_signing_alg"] == "ES256"
    plain = registering(cast.acme, {**WEB, **wanted})
    assert plain.status_code == 201, plain.content
    assert "token_endpoint_auth_signing_alg" not in plain.json()
    refused = registering(cast.acme, {**keyed, "token_endpoint_auth_signing_alg": "HS256"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
