"""Algorithms by application, signed UserInfo (OIDC Core §5.3.2), standard claims (§5.1, §5.4)."""

from __future__ import annotations

import base64
import hashlib

import pytest

from core import jose, scope
from oauth import hints
from oauth.errors import InvalidRequest
from oauth.standard_claims import LINKED, SCOPE_CLAIMS, WALLETS
from tenants import keys, members
from tests.factories import Browser, access_token, admin_principal, make_member
from tests.oauth.helpers import bearer_get, flow

PROFILE = {
    "given_name": "Ada",
    "family_name": "Moreno",
    "middle_name": "B.",
    "nickname": "ada",
    "preferred_username": "ada.m",
    "profile": "https://people.example/ada",
    "picture": "https://people.example/ada.png",
    "website": "https://ada.example",
    "gender": "female",
    "birthdate": "1990-05-17",
    "zoneinfo": "Europe/Zurich",
    "phone_number": "+41445551234",
    "address": {"locality": "Zürich", "country": "CH"},
}
EVERY = ["openid", "profile", "email", "address", "phone"]


def jwks(tenant):
    found = Browser().get(f"/t/{tenant.slug}/.well-known/jwks.json").json()["keys"]
    return [jose.verifying_key(key, key["alg"]) for key in found]


def with_profile(cast, **changes):
    person = make_member(cast.acme)
    admin = admin_principal(cast.acme, cast.owner)
    with scope.tenant(cast.acme.id):
        members.update_member(
            actor=admin, member=person.member, changes={"locale": "de-CH", "profile": {**PROFILE, **changes}}
        )
    return person


@pytest.mark.parametrize("alg", jose.ALGORITHMS)
def test_id_token_and_userinfo_are_signed_as_the_client_registered(cast, alg):
    """OIDC Core §2, §3.1.3.6, §5.3.2; the key is published before it first signs (R11)."""
    run = flow(
        cast.member, id_token_signed_response_alg=alg, userinfo_signed_response_alg=alg, scopes=["openid"]
    )
    known = jwks(cast.acme)
    body = run.tokens(scope="openid")
    assert jose.unverified_header(body["id_token"])["alg"] == alg
    claims = jose.verify(body["id_token"], known, typ=None, algs={alg})
    hashed = (hashlib.sha512 if alg == "EdDSA" else hashlib.sha256)(body["access_token"].encode()).digest()
    half = base64.urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()
    assert claims["at_hash"] == half

    answer = bearer_get(cast.acme, "/oauth/userinfo", body["access_token"])
    assert answer.headers["Content-Type"] == "application/jwt"
    told = jose.verify(answer.content.decode(), known, typ="userinfo+jwt", algs={alg})
    assert (told["iss"], told["aud"]) == (cast.acme.issuer, run.app.application.client_id)
    assert told["sub"] == claims["sub"]


def test_T2_signed_userinfo_is_no_id_token_and_no_access_token(cast):
    """RFC 8725 §3.11."""
    run = flow(cast.member, userinfo_signed_response_alg="ES256")
    told = bearer_get(cast.acme, "/oauth/userinfo", run.tokens()["access_token"]).content.decode()
    with pytest.raises(InvalidRequest):
        hints.read(cast.acme, told)
    assert bearer_get(cast.acme, "/oauth/userinfo", told).status_code == 403
    assert bearer_get(cast.acme, "/v1/me", told).json()["code"] == "wrong_token_type"


@pytest.mark.parametrize("name", ["id_token", "userinfo", "introspection"])
@pytest.mark.parametrize("alg", ["none", "HS256", "ES512", "es256"])
def test_T1_unfit_algorithms_are_refused(cast, name, alg):
    admin = access_token(make_member(cast.acme, roles=["admin"]))
    body = {"name": "App", "type": "spa", "redirect_uris": ["https://a.example/cb"], "scopes": ["openid"]}
    answer = Browser().api(
        "POST",
        f"/t/{cast.acme.slug}/v1/applications",
        admin,
        {**body, f"{name}_signed_response_alg": alg},
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/{name}_signed_response_alg"


def test_OAU16_each_scope_gives_its_standard_claims_and_no_others(cast):
    person = with_profile(cast)
    whole = {**PROFILE, "phone_number_verified": False, "locale": "de-CH", "name": "Mia Member"}
    whole |= {"email": person.email, "email_verified": True}
    from_the_profile = {word: names for word, names in SCOPE_CLAIMS.items() if word not in (LINKED, WALLETS)}
    for word, names in from_the_profile.items():
        body = flow(person, scopes=EVERY).tokens(scope=f"openid {word}")
        told = bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).json()
        assert told.pop("sub") == person.subject
        assert set(told) == set(names)
        if word == "profile":
            assert type(told.pop("updated_at")) is int
        assert told == {name: whole[name] for name in told}
        assert told.items() <= jose.unverified_claims(body["id_token"]).items()


def test_OAU16_what_a_member_lacks_is_left_out(cast):
    body = flow(cast.member, scopes=EVERY).tokens(scope=" ".join(EVERY))
    told = bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).json()
    assert set(told) == {"sub", "name", "updated_at", "email", "email_verified"}


def test_profile_is_merged_and_a_new_number_is_not_verified(cast):
    person = with_profile(cast, phone_number_verified=True)
    admin = access_token(make_member(cast.acme, roles=["admin"]))
    path = f"/t/{cast.acme.slug}/v1/members/{person.subject}"
    before = Browser().api("GET", path, admin).json()["profile"]
    assert before["phone_number_verified"] is True
    changes = {"profile": {"phone_number": "+41445550000", "nickname": None}}
    after = Browser().api("PATCH", path, admin, changes).json()["profile"]
    assert (after["phone_number"], after["phone_number_verified"]) == ("+41445550000", False)
    assert "nickname" not in after
    assert after["given_name"] == "Ada"


@pytest.mark.parametrize(
    "profile",
    [
        {"email": "x@example.com"},
        {"sub": "sub_x"},
        {"picture": "http://people.example/a.png"},
        {"picture": "javascript:alert(1)"},
        {"website": "https://[x"},
        {"birthdate": "1990-13-01"},
        {"zoneinfo": "Mars/Base"},
        {"phone_number": "0445551234"},
        {"phone_number_verified": "yes"},
        {"address": {"planet": "Mars"}},
        {"address": "Zürich"},
        {"address": {"country": "\x00"}},
        {"given_name": ""},
        {"given_name": "a\x00b"},
        {"given_name": ["Ada"]},
        ["given_name"],
        "Ada",
    ],
)
def test_unfit_profiles_are_refused(cast, profile):
    admin = access_token(make_member(cast.acme, roles=["admin"]))
    path = f"/t/{cast.acme.slug}/v1/members/{cast.member.subject}"
    answer = Browser().api("PATCH", path, admin, {"profile": profile})
    assert answer.status_code == 400, answer.content


def test_a_stranger_changes_no_profile(cast):
    path = f"/t/{cast.acme.slug}/v1/members/{cast.member.subject}"
    answer = Browser().api("PATCH", path, access_token(cast.other_owner), {"profile": {"nickname": "x"}})
    assert answer.status_code == 403


def test_keys_of_one_tenant_stay_its_own(cast):
    flow(cast.member, id_token_signed_response_alg="EdDSA")
    mine, theirs = ({key.kid for key in keys.verification_keys(t.id)} for t in (cast.acme, cast.globex))
    assert not mine & theirs
