"""A passkey for the demo: made as a device would make it, with the private half in the record.

A browser's virtual authenticator (WebAuthn's automation, CDP `WebAuthn.addCredential`) can take it over.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from webauthn.helpers import bytes_to_base64url, encode_cbor

from config.demo.people import Person, account_of
from config.demo.record import Record
from core import scope
from identity import authenticators, passkeys

FLAGS = 0x01 | 0x04 | 0x40  # user present, user verified, attested credential data (§6.1)
BINDING = "demo"


def with_passkey(person: Person, known: Record) -> Record:
    """Give the person a passkey and return what a virtual authenticator needs; one that was lost is replaced."""
    account_id, site = account_of(person), passkeys.here()
    with scope.account(account_id):
        present = authenticators.held(account_id).passkeys
        held = [bytes_to_base64url(bytes(row.credential_id)) for row in present if row.rp_id == site.rp_id]
        if known.get("credential_id") in held:
            return known
        for row in present:
            authenticators.remove(account_id=account_id, public_id=row.public_id)
    options = json.loads(
        passkeys.offer(
            account_id=account_id, label=person.email, name=person.name, site=site, bound_to=BINDING
        )
    )
    key, credential_id = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(32)
    answer = json.dumps(_answer(options, site.origin, key, credential_id))
    passkeys.register(account_id=account_id, answer=answer, name="Demo passkey", site=site, bound_to=BINDING)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {
        "credential_id": bytes_to_base64url(credential_id),
        "user_handle": options["user"]["id"],
        "rp_id": site.rp_id,
        "private_key": base64.b64encode(private).decode(),
    }


def _answer(
    options: dict[str, Any], origin: str, key: ec.EllipticCurvePrivateKey, credential_id: bytes
) -> dict[str, Any]:
    """Answer navigator.credentials.create() with no attestation (§8.7)."""
    client = {"type": "webauthn.create", "challenge": options["challenge"], "origin": origin}
    rp_hash = hashlib.sha256(options["rp"]["id"].encode()).digest()
    head = rp_hash + bytes([FLAGS]) + struct.pack(">I", 0) + bytes(16)
    attested = head + struct.pack(">H", len(credential_id)) + credential_id + _cose(key)
    statement = encode_cbor({"fmt": "none", "attStmt": {}, "authData": attested})
    name = bytes_to_base64url(credential_id)
    response = {
        "clientDataJSON": bytes_to_base64url(json.dumps(client).encode()),
        "attestationObject": bytes_to_base64url(statement),
    }
    return {"id": name, "rawId": name, "type": "public-key", "response": response}


def _cose(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key of ES256 in COSE (RFC 9053 §7.1.1)."""
    numbers = key.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    return encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
