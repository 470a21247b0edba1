"""JSON Web Tokens as this product makes and accepts them (RFC 7515, 7517, 7519, 7638, 8037, 8725)."""

from .errors import TokenError
from .keys import (
    ALGORITHMS,
    SigningKey,
    VerifyingKey,
    generate_key,
    load_signing_key,
    public_jwk,
    thumbprint,
    verifying_key,
)
from .signing import sign
from .verifying import (
    AHEAD,
    RENAMED,
    Unverified,
    check_times,
    parse,
    unverified_claims,
    unverified_header,
    verify,
)

__all__ = [
    "AHEAD",
    "ALGORITHMS",
    "RENAMED",
    "SigningKey",
    "TokenError",
    "Unverified",
    "VerifyingKey",
    "check_times",
    "generate_key",
    "load_signing_key",
    "parse",
    "public_jwk",
    "sign",
    "thumbprint",
    "unverified_claims",
    "unverified_header",
    "verify",
    "verifying_key",
]
