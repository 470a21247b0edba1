"""What a browser sends of a passkey (Web Authentication Level 3), bounded and read; hostile until it is verified."""

from __future__ import annotations

import json
import struct
import uuid
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    RegistrationCredential,
)

from identity.errors import AuthenticatorRefused, WrongFactor

LONGEST = 20_000  # characters of an answer
# The library reads hostile bytes and lets some of Python's own errors through.
BROKEN = (
    WebAuthnException, UnsupportedAlgorithm, ValueError, TypeError, AttributeError, LookupError, ArithmeticError,
    RecursionError, struct.error,
)  # fmt: skip


def read_registration(answer: str) -> tuple[RegistrationCredential, bytes]:
    try:
        credential = parse_registration_credential_json(_bounded(answer))
        return credential, parse_client_data_json(credential.response.client_data_json).challenge
    except BROKEN:
        raise AuthenticatorRefused from None


def read_answer(answer: str) -> tuple[AuthenticationCredential, bytes]:
    try:
        credential = parse_authentication_credential_json(_bounded(answer))
        return credential, parse_client_data_json(credential.response.client_data_json).challenge
    except BROKEN:
        raise WrongFactor from None


def _bounded(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST:
        raise ValueError("too long")
    found = json.loads(answer)
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found


def aaguid_of(text: str) -> uuid.UUID | None:
    found = uuid.UUID(text)
    return found if found.int else None
