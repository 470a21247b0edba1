"""A software authenticator: makes and uses passkeys as a browser would, and can be told to do it wrongly."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

USER_PRESENT, USER_VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """Holds one passkey. `counts` as hardware keys do; `synced` as those of password managers."""

    def __init__(self, *, synced: bool = False, counts: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.handle = b""
        self.rp_id = ""
        self.backup = ELIGIBLE | BACKED_UP if synced else 0
        self.counts, self.count = counts, 0

    def create(self, options: str | dict[str, Any], **wrong: Any) -> str:
        """Answer navigator.credentials.create(); `wrong` replaces origin, rp_id, flags or type."""
        asked = json.loads(options) if isinstance(options, str) else options
        self.handle, self.rp_id = decode(asked["user"]["id"]), asked["rp"]["id"]
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = (
            bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(cose)
        )
        data = self._data(asked["challenge"], wrong, more=ATTESTED) + attested
        client = self._client(asked["challenge"], {"type": "webauthn.create", **wrong})
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential(
            {
                "clientDataJSON": encode(client),
                "attestationObject": encode(attestation),
                "transports": ["internal"],
            }
        )

    def get(self, options: str | dict[str, Any], **wrong: Any) -> str:
        """Answer navigator.credentials.get(); `wrong` replaces origin, rp_id, flags, type, handle or count."""
        asked = json.loads(options) if isinstance(options, str) else options
        if self.counts:
            self.count += 1
        data = self._data(asked["challenge"], wrong)
        client = self._client(wrong.get("challenge", asked["challenge"]), {"type": "webauthn.get", **wrong})
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            {
                "clientDataJSON": encode(client),
                "authenticatorData": encode(data),
                "signature": encode(signature),
                "userHandle": encode(wrong.get("handle", self.handle)),
            }
        )

    def _data(self, _challenge: str, wrong: dict[str, Any], more: int = 0) -> bytes:
        rp_id = wrong.get("rp_id", self.rp_id)
        flags = wrong.get("flags", USER_PRESENT | USER_VERIFIED) | self.backup | more
        count = wrong.get("count", self.count)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _client(self, challenge: str, said: dict[str, Any]) -> bytes:
        origin = said.get("origin", settings.ORIGIN)
        return json.dumps({"type": said["type"], "challenge": challenge, "origin": origin}).encode()

    def _credential(self, response: dict[str, Any]) -> str:
        name = encode(self.credential_id)
        whole = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps({**whole, "clientExtensionResults": {}})
