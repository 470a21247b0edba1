"""Sealing of secrets at rest: AES-256-GCM with the place of the value as associated data.

A sealed value opens only where it was sealed: the context names tenant, table, column and row, so that a
ciphertext moved to another row or tenant fails (threats T5, V1). `settings.SECRET_KEYS` is a list of
`(id, 32 bytes)`: the first seals, all open. Tenants get data keys of their own, sealed under these.

Layout: version (1 byte), length of the key id (1 byte), key id, nonce (12 bytes), ciphertext and tag.
Version, key id and context are authenticated.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32
NONCE_BYTES = 12
_PLATFORM = 1
_TENANT = 2

Context = Sequence[str]


class SealError(Exception):
    """The value does not open here: another context, an unknown key, or changed bytes. Never says which."""


def seal(plaintext: bytes, context: Context) -> bytes:
    """Seal under the current platform key. `context` is (tenant, table, column, row)."""
    key_id, key = _keys()[0]
    return _seal(_PLATFORM, key_id, key, plaintext, context)


def open_sealed(blob: bytes | memoryview, context: Context) -> bytes:
    """Open what `seal` made in the same context. Raises SealError."""
    return _open(_PLATFORM, dict(_keys()), blob, context)


def seal_json(value: Any, context: Context) -> bytes:
    return seal(_dump(value), context)


def open_sealed_json(blob: bytes, context: Context) -> Any:
    return json.loads(open_sealed(blob, context))


def reseal(blob: bytes, context: Context) -> bytes:
    """The same value under the current key; the blob itself when it already is. Raises SealError."""
    return seal(open_sealed(blob, context), context) if needs_reseal(blob) else blob


def needs_reseal(blob: bytes) -> bool:
    return _parse(_PLATFORM, blob)[0] != _keys()[0][0]


def present_header() -> bytes:
    """How a value begins that is sealed under the current platform key."""
    key_id = _keys()[0][0].encode()
    return bytes([_PLATFORM, len(key_id)]) + key_id


def new_data_key(tenant_id: str) -> bytes:
    """A fresh data key for a tenant, sealed under the platform key: what the tenant's row stores."""
    return seal(os.urandom(KEY_BYTES), _data_key_context(tenant_id))


def reseal_data_key(sealed_key: bytes, tenant_id: str) -> bytes:
    """The same data key under the current platform key (rotation touches no value that it seals)."""
    return reseal(sealed_key, _data_key_context(tenant_id))


class TenantSealer:
    """Seals with a tenant's own data key. `context` is (table, column, row); the tenant is added here.

    `previous` holds sealed data keys that still open older values. Raises SealError when a key does not open.
    """

    def __init__(self, sealed_key: bytes, tenant_id: str, previous: Sequence[bytes] = ()) -> None:
        self._tenant = str(tenant_id)
        keys = [open_sealed(blob, _data_key_context(tenant_id)) for blob in (sealed_key, *previous)]
        self._current = _data_key_id(keys[0])
        self._keys = {_data_key_id(key): key for key in keys}

    def seal(self, plaintext: bytes, context: Context) -> bytes:
        return _seal(_TENANT, self._current, self._keys[self._current], plaintext, (self._tenant, *context))

    def open(self, blob: bytes | memoryview, context: Context) -> bytes:
        return _open(_TENANT, self._keys, blob, (self._tenant, *context))

    def seal_json(self, value: Any, context: Context) -> bytes:
        return self.seal(_dump(value), context)

    def open_json(self, blob: bytes, context: Context) -> Any:
        return json.loads(self.open(blob, context))

    def reseal(self, blob: bytes, context: Context) -> bytes:
        """The same value under the tenant's current data key. Raises SealError."""
        if _parse(_TENANT, blob)[0] == self._current:
            return blob
        return self.seal(self.open(blob, context), context)


def _seal(version: int, key_id: str, key: bytes, plaintext: bytes, context: Context) -> bytes:
    header = bytes([version, len(key_id.encode())]) + key_id.encode()
    nonce = os.urandom(NONCE_BYTES)
    return header + nonce + _cipher(key).encrypt(nonce, plaintext, header + _associated(context))


def _open(version: int, keys: dict[str, bytes], blob: bytes | memoryview, context: Context) -> bytes:
    key_id, header, nonce, ciphertext = _parse(version, blob)
    key = keys.get(key_id)
    if key is None:
        raise SealError("sealed value does not open")
    try:
        return _cipher(key).decrypt(nonce, ciphertext, header + _associated(context))
    except InvalidTag:
        raise SealError("sealed value does not open") from None


def _parse(version: int, blob: bytes | memoryview) -> tuple[str, bytes, bytes, bytes]:
    """Key id, header, nonce, ciphertext. PostgreSQL's bytea comes back as memoryview or bytes."""
    data = bytes(blob)
    end = 2 + data[1] if len(data) > 1 else 0
    if not end or data[0] != version or len(data) < end + NONCE_BYTES + 16:
        raise SealError("sealed value does not open")
    header, nonce, ciphertext = data[:end], data[end : end + NONCE_BYTES], data[end + NONCE_BYTES :]
    return header[2:].decode(errors="replace"), header, nonce, ciphertext


def _associated(context: Context) -> bytes:
    """Length-prefixed, so that ("ab", "c") and ("a", "bc") differ; an empty one is a programming error."""
    if isinstance(context, str) or not context:
        raise TypeError("context is a sequence of strings that names the place of the value")
    parts = [str(part).encode() for part in context]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _data_key_context(tenant_id: str) -> tuple[str, ...]:
    return (str(tenant_id), "tenant", "data_key")


def _data_key_id(key: bytes) -> str:
    return hashlib.sha256(b"claviger:data-key:" + key).hexdigest()[:16]


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _keys() -> list[tuple[str, bytes]]:
    keys: list[tuple[str, bytes]] = list(settings.SECRET_KEYS)
    if not keys:
        raise ImproperlyConfigured("SECRET_KEYS is empty: set SECRET_KEYS=id:base64key")
    return keys


@lru_cache(maxsize=4096)
def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured("a sealing key is 32 bytes")
    return AESGCM(key)
