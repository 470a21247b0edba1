"""Making and accepting tokens (RFC 7515, 7519, 7638, 8725; threats T1, R10)."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import OKPKey, import_key

from core import jose
from core.jose import TokenError

CLAIMS = {"iss": "https://a.example/t/acme", "sub": "sub_é", "exp": 4102444800}
ALICE_TENANT = {alg: jose.generate_key(alg) for alg in jose.ALGORITHMS}
BOB_TENANT = {alg: jose.generate_key(alg) for alg in jose.ALGORITHMS}
KEYS = [key.verifying for key in ALICE_TENANT.values()]

each_alg = pytest.mark.parametrize("alg", jose.ALGORITHMS)


def refusal(token: Any, keys: Any = KEYS, typ: Any = "at+jwt", **kwargs: Any) -> str:
    with pytest.raises(TokenError) as caught:
        jose.verify(token, keys, typ=typ, **kwargs)
    return caught.value.code


@each_alg
def test_signed_token_is_accepted(alg: str) -> None:
    token = jose.sign(CLAIMS, ALICE_TENANT[alg], "at+jwt")
    assert jose.verify(token, KEYS, typ="at+jwt") == CLAIMS
    assert jose.verify(token, [ALICE_TENANT[alg]], typ={"jwt", "at+jwt"}, algs=[alg]) == CLAIMS
    assert jose.unverified_claims(token) == CLAIMS
    assert jose.unverified_header(token) == {"alg": alg, "typ": "at+jwt", "kid": ALICE_TENANT[alg].kid}


@each_alg
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")
def test_other_libraries_accept_it_and_are_accepted(alg: str) -> None:
    key = ALICE_TENANT[alg]
    jwk = jose.public_jwk(key)
    token = jose.sign(CLAIMS, key, "at+jwt")
    assert joserfc_jwt.decode(token, import_key(jwk), algorithms=[alg]).claims == CLAIMS
    assert pyjwt.decode(token, pyjwt.PyJWK(jwk).key, algorithms=[alg]) == CLAIMS
    theirs = pyjwt.encode(CLAIMS, key.private, alg, headers={"typ": "at+jwt", "kid": key.kid})
    assert jose.verify(theirs, KEYS, typ="at+jwt") == CLAIMS


def test_newer_name_of_eddsa_is_the_same_algorithm() -> None:
    """RFC 9864 §2.2: Ed25519 says what EdDSA leaves open."""
    key, other = ALICE_TENANT["EdDSA"], BOB_TENANT["EdDSA"]
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    header = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.kid}
    token = joserfc_jwt.encode(header, CLAIMS, OKPKey.import_key(pem), algorithms=["Ed25519"])
    assert jose.verify(token, KEYS, typ="at+jwt", algs=["EdDSA"]) == CLAIMS
    assert refusal(token, [other]) == "unknown_key"
    assert refusal(token, algs=["ES256"]) == "wrong_algorithm"


@each_alg
def test_key_survives_storage_and_publication(alg: str) -> None:
    key = ALICE_TENANT[alg]
    again = jose.load_signing_key(key.private_bytes(), alg)
    assert (again.kid, again.alg) == (key.kid, alg)
    token = jose.sign(CLAIMS, again, "at+jwt")
    published = jose.verifying_key(json.loads(json.dumps(jose.public_jwk(key))), alg)
    assert published.kid == key.kid
    assert jose.verify(token, [published], typ="at+jwt") == CLAIMS
    assert "private" not in repr(key)
    assert not {"d", "p", "q", "k"} & jose.public_jwk(key).keys()


def test_kid_is_the_thumbprint_of_rfc_8037_appendix_a_3() -> None:
    """RFC 7638 thumbprint, with the published vector."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert (
        jose.public_jwk(jose.verifying_key(jwk, "EdDSA"))["kid"]
        == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    )


def test_coordinates_are_published_at_full_width() -> None:
    """RFC 7518 §6.2.1.2: leading zero octets stay."""
    for _ in range(600):
        jwk = jose.public_jwk(jose.generate_key("ES256"))
        assert len(jwk["x"]) == len(jwk["y"]) == 43


def test_es256_signatures_have_fixed_width() -> None:
    for number in range(300):
        assert len(ALICE_TENANT["ES256"].sign(str(number).encode())) == 64


@each_alg
def test_another_tenants_and_a_strangers_keys_are_refused(alg: str) -> None:
    token = jose.sign(CLAIMS, ALICE_TENANT[alg], "at+jwt")
    assert refusal(token, [BOB_TENANT[alg]]) == "unknown_key"
    assert refusal(token, []) == "unknown_key"
    stranger = jose.SigningKey(ALICE_TENANT[alg].kid, alg, BOB_TENANT[alg].private)
    assert refusal(jose.sign(CLAIMS, stranger, "at+jwt")) == "bad_signature"


@each_alg
def test_any_changed_character_is_refused(alg: str) -> None:
    token = jose.sign(CLAIMS, ALICE_TENANT[alg], "at+jwt")
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        refusal(changed)


def test_key_without_kid_is_found_when_it_is_the_only_one() -> None:
    key = ALICE_TENANT["ES256"]
    token = pyjwt.encode(CLAIMS, key.private, "ES256", headers={"typ": "at+jwt"})
    assert jose.verify(token, KEYS, typ="at+jwt") == CLAIMS
    assert refusal(token, [*KEYS, BOB_TENANT["ES256"]]) == "unknown_key"


def test_one_jwk_may_serve_two_algorithms() -> None:
    jwk = {**jose.public_jwk(ALICE_TENANT["RS256"]), "alg": "PS256"}
    keys = [ALICE_TENANT["RS256"].verifying, jose.verifying_key(jwk, "PS256")]
    assert jose.verify(jose.sign(CLAIMS, ALICE_TENANT["RS256"], "at+jwt"), keys, typ="at+jwt") == CLAIMS


def test_T1_algorithms_can_be_narrowed() -> None:
    token = jose.sign(CLAIMS, ALICE_TENANT["RS256"], "at+jwt")
    assert refusal(token, algs=["ES256", "PS256"]) == "wrong_algorithm"


def test_typ_tells_kinds_of_token_apart() -> None:
    """RFC 8725 §3.11, RFC 9068 §4."""
    key = ALICE_TENANT["ES256"]
    token = jose.sign(CLAIMS, key, "at+jwt")
    assert jose.verify(token, KEYS, typ="application/AT+JWT") == CLAIMS
    assert refusal(token, typ="logout+jwt") == "wrong_type"
    assert refusal(token, typ=None) == "wrong_type"
    untyped = pyjwt.encode(CLAIMS, key.private, "ES256", headers={"typ": None, "kid": key.kid})
    assert jose.verify(untyped, KEYS, typ=None) == CLAIMS
    assert refusal(untyped) == "wrong_type"
    assert jose.verify(jose.sign(CLAIMS, key, "JWT"), KEYS, typ=None) == CLAIMS


def test_extra_headers_are_signed_and_cannot_replace_ours() -> None:
    key = ALICE_TENANT["ES256"]
    token = jose.sign(CLAIMS, key, "dpop+jwt", {"jwk": jose.public_jwk(key)})
    assert jose.unverified_header(token)["jwk"]["kty"] == "EC"
    assert jose.verify(token, KEYS, typ="dpop+jwt") == CLAIMS
    for name in ("alg", "kid", "crit", "zip"):
        with pytest.raises(ValueError, match="extra headers"):
            jose.sign(CLAIMS, key, "at+jwt", {name: "none"})
    with pytest.raises(ValueError):
        jose.sign({"n": float("nan")}, key, "at+jwt")


def test_stored_key_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="not a key for ES256"):
        jose.load_signing_key(ALICE_TENANT["EdDSA"].private_bytes(), "ES256")
    with pytest.raises(KeyError):
        jose.generate_key("HS256")


def times(**claims: Any) -> str | None:
    options = claims.pop("options", {})
    try:
        jose.check_times(claims, now=1_000_000.0, **options)
    except TokenError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": 1_000_001}, None),
        ({"exp": 1_000_000}, "expired"),
        ({"exp": 999_999.5}, "expired"),
        ({}, "missing_claim"),
        ({"exp": 1_000_060, "iat": 1_000_010, "nbf": 1_000_010}, None),
        ({"exp": 1_000_060, "iat": 1_000_011}, "not_yet_valid"),
        ({"exp": 1_000_060, "nbf": 1_000_061}, "not_yet_valid"),
        ({"exp": "1000060"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": None}, "malformed"),
        ({"exp": 1e300}, "malformed"),
        ({"exp": -1}, "malformed"),
        ({"iat": 999_900, "options": {"required": (), "max_age": 100}}, None),
        ({"iat": 999_880, "options": {"required": (), "max_age": 100}}, "too_old"),
        ({"options": {"required": (), "max_age": 100}}, "missing_claim"),
    ],
)
def test_R10_times_are_checked_at_the_moment_of_use(claims: dict[str, Any], code: str | None) -> None:
    assert times(**claims) == code


def test_times_use_the_clock() -> None:
    jose.check_times({"exp": time.time() + 5})
    with pytest.raises(TokenError):
        jose.check_times({"exp": time.time() - 1})
