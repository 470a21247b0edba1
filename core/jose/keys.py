"""Signing and verifying keys, parsed once and bound to one algorithm each (RFC 8725 §3.1).

joserfc reads, writes and fingerprints JWKs; the keys themselves are `cryptography` objects, whose use is a
third of the cost of a generic JWS call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from .errors import TokenError

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

RSA_BITS = 2048
RSA_LARGEST = 8192  # a huge modulus makes each check slow
ES256_HALF = 32

# Characters of base64url. A long public exponent is as costly as a long modulus.
_lengths = {
    "crv": (5, 7),
    "x": (43, 43),
    "y": (43, 43),
    "n": (RSA_BITS // 6, -(-RSA_LARGEST // 6)),
    "e": (2, 8),
}

_sha256 = hashes.SHA256()
_ecdsa = ec.ECDSA(_sha256)
_pss = padding.PSS(padding.MGF1(_sha256), _sha256.digest_size)
_pkcs1 = padding.PKCS1v15()


@dataclass(frozen=True)
class _Algorithm:
    """How one JWS algorithm makes, signs and checks; `jwk` is joserfc's class and `crv` its curve."""

    jwk: Any
    private: type
    public: type
    generate: Callable[[], Any]
    sign: Callable[[Any, bytes], bytes]
    verify: Callable[[Any, bytes, bytes], None]
    crv: str | None = None


def _sign_es256(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """R and S at fixed width (RFC 7518 §3.4), where OpenSSL speaks DER."""
    r, s = decode_dss_signature(key.sign(data, _ecdsa))
    return r.to_bytes(ES256_HALF, "big") + s.to_bytes(ES256_HALF, "big")


def _verify_es256(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    if len(signature) != 2 * ES256_HALF:
        raise InvalidSignature
    r, s = (int.from_bytes(half, "big") for half in (signature[:ES256_HALF], signature[ES256_HALF:]))
    key.verify(encode_dss_signature(r, s), data, _ecdsa)


def _rsa(scheme: padding.AsymmetricPadding) -> _Algorithm:
    return _Algorithm(
        jwk=RSAKey,
        private=rsa.RSAPrivateKey,
        public=rsa.RSAPublicKey,
        generate=lambda: rsa.generate_private_key(65537, RSA_BITS),
        sign=lambda key, data: key.sign(data, scheme, _sha256),
        verify=lambda key, signature, data: key.verify(signature, data, scheme, _sha256),
    )


_algorithms = {
    "ES256": _Algorithm(
        ECKey,
        ec.EllipticCurvePrivateKey,
        ec.EllipticCurvePublicKey,
        lambda: ec.generate_private_key(ec.SECP256R1()),
        _sign_es256,
        _verify_es256,
        crv="P-256",
    ),
    "RS256": _rsa(_pkcs1),
    "PS256": _rsa(_pss),
    "EdDSA": _Algorithm(
        OKPKey,
        ed25519.Ed25519PrivateKey,
        ed25519.Ed25519PublicKey,
        ed25519.Ed25519PrivateKey.generate,
        lambda key, data: key.sign(data),
        lambda key, signature, data: key.verify(signature, data),
        crv="Ed25519",
    ),
}
ALGORITHMS = tuple(_algorithms)


@dataclass(frozen=True)
class VerifyingKey:
    """A public key for one algorithm. `kid` is None where the owner of the key gives none."""

    kid: str | None
    alg: str
    public: PublicKey = field(repr=False)

    def verify(self, signature: bytes, data: bytes) -> bool:
        try:
            _algorithms[self.alg].verify(self.public, signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """A private key for one algorithm. `kid` is the RFC 7638 thumbprint of its public half."""

    kid: str
    alg: str
    private: PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        return _algorithms[self.alg].sign(self.private, data)

    @property
    def verifying(self) -> VerifyingKey:
        return VerifyingKey(self.kid, self.alg, self.private.public_key())

    def private_bytes(self) -> bytes:
        """PKCS #8 DER, to be sealed by `core.crypto` before it is stored."""
        return self.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def generate_key(alg: str = "ES256") -> SigningKey:
    """A new key for ES256, RS256 (2048 bits), PS256 or EdDSA (Ed25519). Raises KeyError for another name."""
    return _signing_key(alg, _algorithms[alg].generate())


def load_signing_key(der: bytes, alg: str) -> SigningKey:
    """Read what `private_bytes` wrote. Raises ValueError for a key of another kind.

    OpenSSL's check of an RSA key takes 35 ms and is left out: these bytes come out of an authenticated seal.
    """
    private = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, _algorithms[alg].private):
        raise ValueError(f"not a key for {alg}")  # noqa: TRY004 -- the bytes are wrong, not their type
    return _signing_key(alg, cast("PrivateKey", private))


def _signing_key(alg: str, private: PrivateKey) -> SigningKey:
    public = private.public_key()
    return SigningKey(_jwk(alg, public).thumbprint(), alg, private)


def public_jwk(key: SigningKey | VerifyingKey) -> dict[str, Any]:
    """The public JWK as published: kty and its numbers, `kid`, `alg`, `use: sig` (RFC 7517 §4)."""
    public = key.verifying.public if isinstance(key, SigningKey) else key.public
    jwk = _jwk(key.alg, public)
    return {**jwk.as_dict(private=False), "kid": key.kid or jwk.thumbprint(), "alg": key.alg, "use": "sig"}


def thumbprint(key: SigningKey | VerifyingKey) -> str:
    """The RFC 7638 thumbprint (SHA-256, base64url) of the public key, whatever `kid` its owner gave it."""
    verifying = key.verifying if isinstance(key, SigningKey) else key
    return str(_jwk(verifying.alg, verifying.public).thumbprint())


def _jwk(alg: str, public: PublicKey) -> Any:
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _algorithms[alg].jwk.import_key(pem)


def verifying_key(jwk: Mapping[str, Any], alg: str) -> VerifyingKey:
    """Another party's JWK as a key for `alg`. Raises TokenError `bad_key` when it is unfit for that.

    Refused: a private or symmetric key, another type, curve, `use` or `alg`, RSA outside 2048 to 8192 bits.
    """
    algorithm = _algorithms.get(alg)
    if algorithm is None or not isinstance(jwk, Mapping) or not _is_for(jwk, alg, algorithm):
        raise TokenError("bad_key")
    try:
        public = algorithm.jwk.import_key({"kty": jwk["kty"], **_numbers(jwk)}).public_key
    except (JoseError, ValueError, TypeError, KeyError):
        raise TokenError("bad_key") from None
    if isinstance(public, rsa.RSAPublicKey) and not RSA_BITS <= public.key_size <= RSA_LARGEST:
        raise TokenError("bad_key")
    if not isinstance(public, algorithm.public):
        raise TokenError("bad_key")
    kid = jwk.get("kid")
    return VerifyingKey(kid if isinstance(kid, str) else None, alg, cast("PublicKey", public))


def _is_for(jwk: Mapping[str, Any], alg: str, algorithm: _Algorithm) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("kty") == algorithm.jwk.key_type
        and jwk.get("crv") == algorithm.crv
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", alg) in ({alg, "Ed25519"} if alg == "EdDSA" else {alg})
        and isinstance(operations, list)
        and "verify" in operations
        and not {"d", "k", "p", "q", "oth"} & jwk.keys()
    )


def _numbers(jwk: Mapping[str, Any]) -> dict[str, str]:
    """Only the members that make the public key, each a text of plausible length, before any arithmetic."""
    found = {name: jwk[name] for name in _lengths if name in jwk}
    for name, value in found.items():
        least, most = _lengths[name]
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise ValueError(f"{name} is not plausible")
    return found
