"""Whatever is sent to a protocol endpoint is answered in its own shape, never by a failure (threats T1, O1, R12)."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core import jose
from tests.factories import Browser
from tests.oauth.helpers import REDIRECT, assertion, basic, claims, flow, register, service_token

FORM = "application/x-www-form-urlencoded"
TYPES = (
    FORM,
    f"{FORM}; charset=utf-7",
    "application/json",
    "multipart/form-data; boundary=x",
    "text/plain",
    "",
)
MACHINES = ("token", "introspect", "revoke", "device/code", "par")
NAMES = (
    "grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "client_assertion",
    "client_assertion_type", "refresh_token", "scope", "resource", "audience", "token", "token_type_hint",
    "device_code", "subject_token", "subject_token_type", "actor_token", "requested_token_type", "api_key",
    "response_type", "response_mode", "state", "nonce", "prompt", "max_age", "claims", "request", "request_uri",
    "id_token_hint", "login_hint", "acr_values", "ui_locales", "code_challenge", "code_challenge_method",
    "dpop_jkt", "organization",
)  # fmt: skip
WORDS = (
    "authorization_code", "refresh_token", "client_credentials", "code", "S256", "openid", "none", "login", "-1",
    "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "urn:claviger:params:oauth:grant-type:api_key",
    "urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:request_uri:x", "{}", "[]",
    "{\"id_token\":1}",
    "\x00", "é", "\ud7ff", "𝔘", "٣", "a" * 5000, "%", "1e999", "ﬁ", "sk_test_x_y_z", REDIRECT, "https://evil.example/",
)  # fmt: skip

texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=60))
pairs = st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=12)), texts), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
HEADERS = ("alg", "typ", "kid", "jwk", "jku", "x5c", "x5u", "crit", "b64", "zip", "cty", "enc", "epk", "p2c")
headers = st.dictionaries(st.sampled_from(HEADERS), values, max_size=5)
algorithms = st.sampled_from(
    ["none", "HS256", "ES256", "RS256", "EdDSA", "Ed25519", "ES256K", "RSA-OAEP", "dir", ""]
)
kinds = st.sampled_from(["JWT", "at+jwt", "dpop+jwt", "oauth-authz-req+jwt", "client-authentication+jwt", ""])
bodies = st.dictionaries(
    st.sampled_from(
        ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "htm", "htu", "ath", "nonce", "cnf", "act"]
    ),
    values,
    max_size=8,
)

often = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@st.composite
def tokens(draw: Any) -> str:
    """Something like a JWT: header and claims of any shape, a signature of any bytes, sometimes broken."""
    header = {**draw(headers)}
    if draw(st.booleans()):
        header |= {"alg": draw(algorithms), "typ": draw(kinds)}
    head = draw(st.one_of(st.just(header), values))
    parts = [segment(head), segment(draw(bodies)), segment(draw(st.binary(max_size=80)))]
    return draw(st.sampled_from([".".join(parts), ".".join(parts[:2]), "..".join(parts), parts[0], "." * 9]))


@pytest.fixture(scope="module")
def client(cast):
    return register(cast.acme)


def send(tenant, path, body, kind=FORM, **named):
    given_headers = {name.replace("_", "-"): value for name, value in named.items() if value is not None}
    return Browser().generic(
        "POST", f"/t/{tenant.slug}/oauth/{path}", body, content_type=kind, headers=given_headers
    )


def check(answer):
    """A machine is told in the shape of RFC 6749 §5.2, and nothing is stored on the way."""
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400 and answer.status_code != 404:
        found = answer.json()
        assert isinstance(found.get("error") or found.get("code"), str), found
        assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize("path", MACHINES)
@often
@given(fields=pairs, proven=st.booleans())
@example(fields=[("grant_type", "authorization_code"), ("code", "\x00")], proven=True)
@example(fields=[("scope", "a"), ("scope", "b")], proven=True)
def test_R12_any_form_is_answered(cast, client, path, fields, proven):
    proof = basic(client.application.client_id, client.secret) if proven else None
    check(send(cast.acme, path, urlencode(fields), Authorization=proof))


@pytest.mark.parametrize("path", MACHINES)
@often
@given(body=st.binary(max_size=300), kind=st.sampled_from(TYPES))
@example(body=b"a=%ff%fe&b=%00&&==&%", kind=FORM)
@example(body=b"\xff\xfe\x00", kind="application/x-www-form-urlencoded; charset=nonsense")
def test_R12_any_bytes_are_answered(cast, path, body, kind):
    check(send(cast.acme, path, body, kind))


credentials = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
    st.binary(max_size=60).map(lambda raw: "Basic " + base64.b64encode(raw).decode()),
    st.text(max_size=20).map(
        lambda text: "Basic " + base64.b64encode(quote_plus(text).encode() + b":x").decode()
    ),
    tokens().map(lambda token: f"Bearer {token}"),
    tokens().map(lambda token: f"DPoP {token}"),
)


@pytest.mark.parametrize("path", [*MACHINES, "userinfo"])
@often
@given(credential=credentials, proof=st.one_of(st.none(), tokens()))
def test_O8_any_credential_is_answered(cast, path, credential, proof):
    fields = {"grant_type": "client_credentials", "token": "x", "scope": "openid"}
    check(send(cast.acme, path, urlencode(fields), Authorization=credential, DPoP=proof))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("token", "client_assertion"), ("token", "subject_token"), ("introspect", "token"), ("revoke", "token"),
        ("par", "request"), ("device/code", "client_assertion"),
    ],
)  # fmt: skip
@often
@given(token=tokens())
def test_T1_any_jose_is_answered(cast, client, path, name, token):
    fields = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        name: token,
    }
    proof = None
    if name != "client_assertion":
        fields.pop("client_assertion_type")
        proof = basic(client.application.client_id, client.secret)
    answer = send(cast.acme, path, urlencode(fields), Authorization=proof)
    check(answer)
    if path == "introspect":
        assert answer.json() == {"active": False}


@often
@given(header=headers, body=bodies)
def test_T1_signed_by_a_known_key_but_strange_inside(cast, header, body):
    """The signature is right; what it signs is not."""
    key = keyed(cast)[0]
    claims_of = {"iss": keyed(cast)[1], "sub": keyed(cast)[1], **body}
    head = {"alg": "ES256", "kid": key.kid, **header}
    signed = f"{segment(head)}.{segment(claims_of)}"
    token = f"{signed}.{segment(key.sign(signed.encode()))}"
    fields = {
        "grant_type": "client_credentials",
        "client_assertion": token,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    answer = send(cast.acme, "token", urlencode(fields))
    check(answer)
    assert answer.status_code in (400, 401, 429)


_keyed: dict[Any, Any] = {}


def keyed(cast):
    if cast.acme.id not in _keyed:
        key = jose.generate_key("ES256")
        jwks = {"keys": [jose.public_jwk(key)]}
        made = register(cast.acme, "machine", auth_method="private_key_jwt", jwks=jwks)
        _keyed[cast.acme.id] = key, made.application.client_id
    return _keyed[cast.acme.id]


@often
@given(fields=pairs, method=st.sampled_from(["GET", "POST"]), known=st.booleans())
@example(fields=[("prompt", "none"), ("max_age", "٣")], method="GET", known=True)
@example(fields=[("claims", "[" * 3000)], method="GET", known=True)
@example(fields=[("claims", '{"id_token":{"acr":{"values":1}}}')], method="GET", known=True)
def test_O1_any_authorization_request_ends_at_home_or_at_a_registered_address(
    cast, client, fields, method, known
):
    right = {
        "client_id": client.application.client_id, "redirect_uri": REDIRECT, "response_type": "code",
        "scope": "openid", "code_challenge": "c" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    sent = urlencode([*(right.items() if known else ()), *fields])
    address = f"/t/{cast.acme.slug}/oauth/authorize"
    if method == "POST":
        answer = Browser().post(address, sent, content_type=FORM)
    else:
        answer = Browser().get(f"{address}?{sent}")
    assert answer.status_code < 500, answer.content
    location = urlsplit(answer.headers.get("Location", ""))
    assert location.netloc in ("", "app.example"), location


@often
@given(token=tokens())
def test_T1_any_hint_and_request_object_at_the_authorization_endpoint(cast, client, token):
    for name in ("id_token_hint", "request"):
        address = f"/t/{cast.acme.slug}/oauth/authorize?" + urlencode(
            {
                "client_id": client.application.client_id, "redirect_uri": REDIRECT, "response_type": "code",
                "scope": "openid", "code_challenge": "c" * 43, "code_challenge_method": "S256", name: token,
            }
        )  # fmt: skip
        answer = Browser().get(address)
        assert answer.status_code < 500, answer.content
        assert urlsplit(answer.headers.get("Location", "")).netloc in ("", "app.example")
    ending = Browser().get(f"/t/{cast.acme.slug}/oauth/end-session?{urlencode({'id_token_hint': token})}")
    assert ending.status_code < 500


def test_the_same_doors_open_for_those_who_ask_rightly(cast, client):
    """Otherwise refusing everything would pass."""
    machine = register(cast.acme, "machine")
    token = service_token(cast.acme, machine)
    proof = basic(machine.application.client_id, machine.secret)
    assert send(cast.acme, "introspect", urlencode({"token": token}), Authorization=proof).json()["active"]
    key, client_id = keyed(cast)
    fields = {
        "grant_type": "client_credentials",
        "client_assertion": assertion(key, client_id, cast.acme.issuer),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert send(cast.acme, "token", urlencode(fields)).status_code == 200
    elsewhere = send(cast.globex, "token", urlencode(fields))
    assert elsewhere.status_code == 401
    assert claims(flow(cast.member).tokens()["id_token"])["sub"] == cast.member.subject
