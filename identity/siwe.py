"""Sign-In with Ethereum (EIP-4361): the message that a wallet signs, and the offline check of its signature.

We write the message and keep it: domain, address, URI, chain, nonce and times are compared by comparing the
whole text, since only a signature over exactly this one counts. Signatures are EIP-191 `personal_sign` of
accounts with a key; contract wallets (EIP-1271) would need a node to ask.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec

from identity.emails import Address
from identity.errors import InvalidWallet

CHAIN_ID = 1
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")
SIGNATURE = re.compile(r"0x[0-9a-fA-F]{130}\Z")


@lru_cache(maxsize=1)
def is_available() -> bool:
    """Whether the library that checks signatures is installed (the extra `wallets`)."""
    return find_spec("eth_account") is not None


def wallet(text: str) -> Address:
    """Read an address; mixed case must carry the right EIP-55 checksum. Raises InvalidWallet."""
    from eth_utils.address import is_checksum_address, to_checksum_address

    written = text.strip()
    if not ADDRESS.match(written):
        raise InvalidWallet
    body = written[2:]
    if body not in (body.lower(), body.upper()) and not is_checksum_address(written):
        raise InvalidWallet
    return Address(to_checksum_address(written.lower()), f"eip155:{written.lower()}")


def message(
    *,
    domain: str,
    address: str,
    uri: str,
    statement: str,
    nonce: str,
    issued_at: datetime,
    expires_at: datetime,
) -> str:
    """Write the message of EIP-4361 for an address in EIP-55 form; `statement` is one line of ASCII."""
    return (
        f"{domain} wants you to sign in with your Ethereum account:\n{address}\n\n{statement}\n\n"
        f"URI: {uri}\nVersion: 1\nChain ID: {CHAIN_ID}\nNonce: {nonce}\n"
        f"Issued At: {_time(issued_at)}\nExpiration Time: {_time(expires_at)}"
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def is_signed_by(address: str, text: str, signature: str) -> bool:
    """Whether the key of the address signed this text (EIP-191 version 0x45); malformed ones are not."""
    from eth_account import Account
    from eth_account.messages import encode_defunct

    if not SIGNATURE.match(signature.strip()):
        return False
    try:
        signer = Account.recover_message(encode_defunct(text=text), signature=signature.strip())
    except Exception:  # noqa: BLE001 — the library's own errors have no common class
        return False
    return bool(signer == address)
