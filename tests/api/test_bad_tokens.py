"""Credentials that must not be believed: the right refusal, and never a word of them in it (T1, T2, K2)."""

from __future__ import annotations

import base64
import gc
import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from apikeys.models import ApiKey
from apikeys.services import keys
from core import scope
from tenants import tokens
from tenants.keys import jwks
from tests.api.callers import api_key, problem
from tests.api.routes import Case, operations
from tests.factories import Browser, Cast, access_token, admin_principal, make_cast
from tests.factories.people import open_session
from tests.sweeps import each

pytestmark = pytest.mark.usefixtures("roomy")


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return read


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def bad(people: Cast) -> dict[str, tuple[str, int, str]]:
    """Return Authorization headers by what is wrong with them, with the status and code they must get."""
    good = access_token(people.owner)
    head, body, signature = good.split(".")
    claims = claims_of(good)
    public = json.dumps(jwks(people.acme.id)["keys"][0]).encode()
    signed = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt'})}.{body}"
    past = {"iat": int(time.time()) - 7200, "nbf": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
    invalid = (401, "token_invalid")
    return {
        "garbage": ("Bearer garbage", *invalid),
        "dots": ("Bearer ...", *invalid),
        "binary": ("Bearer \xff\xfe\xfd", *invalid),
        "none": (f"Bearer {encoded({'alg': 'none', 'typ': 'at+jwt'})}.{body}.", *invalid),
        "none with signature": (
            f"Bearer {encoded({'alg': 'nOnE', 'typ': 'at+jwt'})}.{body}.{signature}",
            *invalid,
        ),
        "HS256 with the public key": (
            f"Bearer {signed}.{encoded(hmac.new(public, signed.encode(), hashlib.sha256).digest())}",
            *invalid,
        ),
        "expired": (f"Bearer {tokens.AccessToken(people.acme, claims | past)}", 401, "token_expired"),
        "other issuer": (
            f"Bearer {tokens.AccessToken(people.globex, claims)}",
            *invalid,
        ),
        "foreign issuer": (
            f"Bearer {head}.{encoded(claims | {'iss': 'https://evil.example'})}.{signature}",
            *invalid,
        ),
        "ID token": (f"Bearer {tokens.IdToken(people.acme, claims)}", 403, "wrong_token_type"),
        "cut": (f"Bearer {good[:-10]}", *invalid),
        "two parts": (f"Bearer {head}.{body}", *invalid),
        "altered": (
            f"Bearer {head}.{encoded(claims | {'sub': people.member.subject})}.{signature}",
            *invalid,
        ),
        "oversized": (f"Bearer {head}.{encoded(claims | {'x': 'y' * 60_000})}.{signature}", *invalid),
        "revoked key": (f"Bearer {revoked_key(people)}", 401, "token_revoked"),
        "unknown key": ("Bearer sk_test_" + "a" * 60, *invalid),
        "altered key": (f"Bearer {altered(api_key(people.acme, people.owner))}", *invalid),
        "Basic": ("Basic " + base64.b64encode(b"user:canary-password").decode(), 401, "token_missing"),
        "empty": ("", 401, "token_missing"),
        "empty bearer": ("Bearer ", 401, "token_missing"),
    }


def revoked_key(people: Cast) -> str:
    actor = admin_principal(people.acme, people.owner)
    secret = api_key(people.acme, people.owner)
    with scope.tenant(people.acme.id):
        keys.revoke_key(actor=actor, key=ApiKey.objects.latest("id"))
    return secret


def altered(key: str) -> str:
    return key[:-8] + ("0" if key[-8] != "0" else "1") + key[-7:]


@each("case", operations())
def test_T1_T2_no_operation_believes_a_bad_credential(
    case: Case, bad: dict[str, tuple[str, int, str]]
) -> None:
    for name, (header, status, code) in bad.items():
        gc.disable()  # the heap of a whole suite takes longer to look through than the refusal
        started = time.thread_time()
        answer = Browser().generic(
            case.method.upper(), case.path(), b"{}", "application/json", headers={"Authorization": header}
        )
        took = time.thread_time() - started
        gc.enable()
        assert took < 0.4, name
        refused = problem(answer, status, code)
        sent = header.partition(" ")[2]
        assert len(sent) < 4 or sent not in answer.content.decode(), name
        assert "canary" not in str(refused)
        if status == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_K2_a_bad_key_is_refused_alike_in_either_header(
    people: Cast, bad: dict[str, tuple[str, int, str]]
) -> None:
    for name in ("revoked key", "unknown key", "altered key"):
        header, status, code = bad[name]
        problem(Browser().api("GET", "/v1/members", X_API_Key=header.partition(" ")[2]), status, code)


def test_two_credentials_are_ambiguous_and_one_is_taken(people: Cast) -> None:
    token, key = access_token(people.owner), api_key(people.acme, people.owner)
    problem(Browser().api("GET", "/v1/members", token, X_API_Key=key), 400, "ambiguous_credentials")
    assert Browser().api("GET", "/v1/members", token).status_code == 200
    assert Browser().api("GET", "/v1/members", X_API_Key=key).status_code == 200


def test_a_credential_in_the_address_is_none(people: Cast) -> None:
    token = access_token(people.owner)
    for name in ("access_token", "api_key", "token"):
        problem(Browser().api("GET", f"/v1/members?{name}={token}"), 401, "token_missing")


def test_T2_the_twin_of_each_bad_token_is_good(people: Cast) -> None:
    claims = claims_of(access_token(people.owner))
    assert claims["sid"]
    assert open_session(people.owner).id
    again = str(tokens.AccessToken(people.acme, claims))
    assert Browser().api("GET", f"/t/{people.acme.slug}/v1/members", again).status_code == 200
    assert (
        Browser().api("GET", f"/t/{people.globex.slug}/v1/members", again).json()["code"] == "tenant_mismatch"
    )
