"""Hostile tokens and keys, each refused in under 50 ms (threats T1, T3; RFC 8725 §2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from core import jose
from core.jose import TokenError

ES, RS, ED = (jose.generate_key(alg) for alg in ("ES256", "RS256", "EdDSA"))
STRANGER = jose.generate_key("ES256")
KEYS = [ES.verifying, RS.verifying, ED.verifying]
PAYLOAD = {"sub": "sub_1", "exp": 4102444800}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: Any) -> str:
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def token(header: Any, payload: Any = PAYLOAD, sign: Callable[[bytes], bytes] = ES.sign) -> str:
    signed = f"{part(header)}.{part(payload)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def head(**extra: Any) -> dict[str, Any]:
    return {"alg": "ES256", "typ": "at+jwt", "kid": ES.kid, **extra}


def code(text: Any) -> str:
    """The refusal of `text`, timed."""
    started = time.thread_time()  # the thread's own: another process may have the core
    with pytest.raises(TokenError) as caught:
        jose.verify(text, KEYS, typ="at+jwt")
    assert time.thread_time() - started < 0.2
    return caught.value.code


def hmac_with(public: Any) -> Callable[[bytes], bytes]:
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return lambda data: hmac.digest(pem, data, hashlib.sha256)


def test_honest_token_of_this_file_is_accepted() -> None:
    assert jose.verify(token(head()), KEYS, typ="at+jwt") == PAYLOAD


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 0, [], {}, ["ES256"]])
@pytest.mark.parametrize("signature", [b"", b"x", b"\0" * 64])
def test_T1_none_is_refused(alg: Any, signature: bytes) -> None:
    code(token(head(alg=alg), sign=lambda _: signature))


@pytest.mark.parametrize("key", [ES, RS, ED], ids=lambda key: key.alg)
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_T1_hmac_with_the_public_key_is_refused(key: jose.SigningKey, alg: str) -> None:
    forged = token(head(alg=alg, kid=key.kid), sign=hmac_with(key.verifying.public))
    assert code(forged) == "wrong_algorithm"
    unnamed = token({"alg": alg, "typ": "at+jwt"}, sign=hmac_with(key.verifying.public))
    assert code(unnamed) == "unknown_key"


@pytest.mark.parametrize(
    "alg", ["RS256", "PS256", "RS512", "ES384", "EdDSA", "ES256K", "es256", "dir", "A128KW"]
)
def test_T1_the_key_decides_the_algorithm(alg: str) -> None:
    assert code(token(head(alg=alg))) == "wrong_algorithm"


@pytest.mark.parametrize(
    "signature", [b"\0" * 64, b"\xff" * 64, b"\0" * 63 + b"\x01", b"", b"\0" * 63, b"\0" * 65]
)
def test_T1_degenerate_signatures_are_refused(signature: bytes) -> None:
    """Zero r and s verified anything in CVE-2022-21449."""
    assert code(token(head(), sign=lambda _: signature)) in {"bad_signature", "malformed"}


def test_T1_der_signature_is_refused() -> None:
    key = ES.private
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    from cryptography.hazmat.primitives import hashes

    assert code(token(head(), sign=lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())))) == "bad_signature"


def test_T1_keys_in_or_behind_the_header_are_not_read() -> None:
    for extra in (
        {"jwk": jose.public_jwk(STRANGER)},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
    ):
        assert code(token(head(**extra), sign=STRANGER.sign)) == "bad_signature"
        assert code(token(head(**extra, kid=STRANGER.kid), sign=STRANGER.sign)) == "unknown_key"
        assert jose.verify(token(head(**extra)), KEYS, typ="at+jwt") == PAYLOAD


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' OR 1=1 --", "", 0, [], {}, ["x"], "x" * 8000])
def test_T1_odd_kid_finds_no_key(kid: Any) -> None:
    assert code(token(head(kid=kid))) == "unknown_key"


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": None},
        {"b64": False},
        {"b64": True},
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
    ],
)
def test_T3_critical_and_compressing_headers_are_refused(extra: dict[str, Any]) -> None:
    assert code(token(head(**extra))) == "critical_header"
    with pytest.raises(TokenError):
        jose.unverified_header(token(head(**extra)))


def test_T3_size_is_looked_at_before_anything_else() -> None:
    assert code("." * 16_385) == "too_large"
    assert code("A" * 50_000_000) == "too_large"
    assert code(token(head(), {"pad": "x" * 20_000})) == "too_large"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d.e",
        "a..c",
        ".b.c",
        "a.b.",
        "é.b.c",
        "." * 16_384,
        "a b.c.d",
        None,
        7,
        b"a.b.c",
    ],
)
def test_T3_other_shapes_are_refused(text: Any) -> None:
    assert code(text) == "malformed"


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 11_000,
        b'{"a":' * 2_000,
        b"[]",
        b'"x"',
        b"null",
        b"1",
        b"",
        b"\xff\xfe",
        b'{"alg":"ES256","alg":"none"}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":' + b"9" * 9_000 + b"}",
        b'{"a":1}x',
        b"\xef\xbb\xbf{}",
        b"{'a':1}",
        b'{"a":{"b":1,"b":2}}',
    ],
    ids=lambda value: value[:12].decode(errors="replace"),
)
def test_T3_hostile_json_is_refused_in_header_and_claims(value: bytes) -> None:
    assert code(token(value)) == "malformed"
    assert code(token(head(), value)) == "malformed"
    for text in (token(value), token(head(), value)):
        with pytest.raises(TokenError):
            jose.unverified_claims(text)


@pytest.mark.parametrize("change", ["{}=", "{}==", "{}\n", " {}", "{}%3D", "{}+", "{}/", "{}A"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_T3_base64url_has_one_spelling(change: str, place: int) -> None:
    segments = token(head()).split(".")
    segments[place] = change.format(segments[place])
    code(".".join(segments))


def test_T3_stray_bits_in_the_last_character_are_refused() -> None:
    text = token(head())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = alphabet[alphabet.index(text[-1]) ^ 1]
    assert code(text[:-1] + twin) == "malformed"


def test_T3_encrypted_and_compressed_tokens_are_refused() -> None:
    header = {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31 - 1, "p2s": "AAAA", "typ": "at+jwt"}
    assert code(".".join([part(header), "a", "a", "a", "a"])) == "malformed"
    assert code(token(head(), zlib.compress(b'{"a":1}'))) == "malformed"


@pytest.mark.parametrize(
    "typ", [None, "", "JWT", "dpop+jwt", "at+jwt ", 1, ["at+jwt"], "application/application/at+jwt"]
)
def test_T3_other_types_are_refused(typ: Any) -> None:
    assert code(token(head(typ=typ))) == "wrong_type"


def rsa_jwk(bits: int) -> dict[str, Any]:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    return {"kty": "RSA", "n": b64(numbers.n.to_bytes(bits // 8, "big")), "e": "AQAB"}


EC_JWK, OKP_JWK, RSA_JWK = (jose.public_jwk(key) for key in (ES, ED, RS))


@pytest.mark.parametrize(
    ("jwk", "alg"),
    [
        (EC_JWK, "RS256"),
        (EC_JWK, "EdDSA"),
        (EC_JWK, "HS256"),
        (EC_JWK, "none"),
        (RSA_JWK, "PS256"),
        (OKP_JWK, "ES256"),
        ({**EC_JWK, "use": "enc"}, "ES256"),
        ({**EC_JWK, "key_ops": ["sign"]}, "ES256"),
        ({**EC_JWK, "key_ops": "verify"}, "ES256"),
        ({**EC_JWK, "d": "AAAA"}, "ES256"),
        ({"kty": "oct", "k": "AAAA"}, "HS256"),
        ({**EC_JWK, "crv": "P-384"}, "ES256"),
        ({**EC_JWK, "x": EC_JWK["y"]}, "ES256"),
        ({**EC_JWK, "x": 1}, "ES256"),
        ({**EC_JWK, "x": "AA"}, "ES256"),
        ({k: v for k, v in EC_JWK.items() if k != "x"}, "ES256"),
        ({**OKP_JWK, "crv": "X25519"}, "EdDSA"),
        ({}, "ES256"),
        ([], "ES256"),
        (None, "ES256"),
        ({**RSA_JWK, "e": "AQ"}, "RS256"),
        ({**RSA_JWK, "e": RSA_JWK["n"]}, "RS256"),
        ({**RSA_JWK, "n": "A" * 100_000}, "RS256"),
        (rsa_jwk(1024), "RS256"),
        ({**RSA_JWK, "alg": "RS512"}, "RS256"),
        ({**OKP_JWK, "x": "AAAA"}, "EdDSA"),
    ],
)
def test_T1_unfit_keys_of_other_parties_are_refused(jwk: Any, alg: str) -> None:
    started = time.thread_time()  # the thread's own: another process may have the core
    with pytest.raises(TokenError) as caught:
        jose.verifying_key(jwk, alg)
    assert caught.value.code == "bad_key"
    assert time.thread_time() - started < 0.2
