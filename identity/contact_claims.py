"""Proving a phone number or a wallet before it is linked. The door asks for a fresh sign-in first (L8)."""

from __future__ import annotations

import secrets as random
import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core import crypto, ids, ratelimit, scope, secrets
from core.errors import RateLimitExceeded
from identity import contacts, siwe, typed
from identity.emails import Address
from identity.errors import ClaimRefused, WalletRefused
from identity.models import ContactClaim, PhoneNumber, Wallet

LIFETIME = timedelta(minutes=10)
MAX_COMPARES = 5
CLAIMS = ratelimit.Limit("contact_claim", quota=5, window=3600)


def claim_phone(*, account_id: uuid.UUID, number: Address) -> str:
    """Keep a claim in the open account scope and return the code to send. Raises RateLimitExceeded."""
    code = f"{random.randbelow(1_000_000):06d}"
    _claim(account_id, {"kind": "phone", **_written(number)}, code)
    return code


def claim_wallet(*, account_id: uuid.UUID, wallet: Address, domain: str, uri: str) -> None:
    """Keep the message that the wallet is to sign, in the open account scope. Raises RateLimitExceeded."""
    now = timezone.now()
    message = siwe.message(
        domain=domain,
        address=wallet.mailbox,
        uri=uri,
        statement="Link this wallet to your account. This costs nothing and moves nothing.",
        nonce=random.token_hex(16),
        issued_at=now,
        expires_at=now + LIFETIME,
    )
    _claim(account_id, {"kind": "wallet", "message": message, **_written(wallet)}, "")


def _written(address: Address) -> dict[str, str]:
    return {"mailbox": address.mailbox, "canonical": address.canonical}


def _claim(account_id: uuid.UUID, data: dict[str, Any], code: str) -> None:
    decision = ratelimit.hit(tenant="", subjects=[f"account:{account_id}"], limits=[CLAIMS])
    if not decision.allowed:
        raise RateLimitExceeded(headers={"Retry-After": str(decision.retry_after)})
    claim_id = ids.uuid7()
    with transaction.atomic():
        ContactClaim.objects.filter(account_id=account_id).delete()
        ContactClaim.objects.create(
            id=claim_id,
            account_id=account_id,
            sealed=crypto.seal_json(data, _place(claim_id)),
            code_digest=secrets.digest(f"{claim_id}:{code}", "identity.contact") if code else "",
            expires_at=timezone.now() + LIFETIME,
        )


def pending(account_id: uuid.UUID, kind: str) -> dict[str, Any] | None:
    """Return what waits to be proved (kind, mailbox, canonical, a wallet's message), None where nothing does."""
    row = ContactClaim.objects.filter(account_id=account_id, expires_at__gt=timezone.now()).first()
    found: dict[str, Any] | None = _opened(row) if row else None
    return found if found and found["kind"] == kind else None


def prove_phone(*, account_id: uuid.UUID, code: str) -> PhoneNumber:
    """Link the claimed number; opens the account scope itself, since a wrong try must stay counted.

    Raises ClaimRefused (wrong, old, tried five times), ContactTaken.
    """
    claim, data = _count(account_id, "phone")
    bound = f"{claim.id}:{typed.bare(code)}"
    if not secrets.matches(bound, claim.code_digest, "identity.contact"):
        raise ClaimRefused
    with scope.account(account_id):
        _use(claim)
        return contacts.link_phone(account_id=account_id, address=_address(data))


def prove_wallet(*, account_id: uuid.UUID, signature: str) -> Wallet:
    """Link the claimed wallet; raises ClaimRefused, WalletRefused for another signature, ContactTaken."""
    claim, data = _count(account_id, "wallet")
    if not siwe.is_signed_by(data["mailbox"], data["message"], signature):
        raise WalletRefused
    with scope.account(account_id):
        _use(claim)
        return contacts.link_wallet(account_id=account_id, address=_address(data))


def _count(account_id: uuid.UUID, kind: str) -> tuple[ContactClaim, dict[str, Any]]:
    """Count one compare before it is made, by one statement (M1)."""
    with scope.account(account_id):
        live = ContactClaim.objects.filter(
            account_id=account_id, attempts__lt=MAX_COMPARES, expires_at__gt=timezone.now()
        )
        if not live.update(attempts=F("attempts") + 1):
            raise ClaimRefused
        claim = ContactClaim.objects.get(account_id=account_id)
    data = _opened(claim)
    if data["kind"] != kind:
        raise ClaimRefused
    return claim, data


def _use(claim: ContactClaim) -> None:
    if not ContactClaim.objects.filter(id=claim.id).delete()[0]:
        raise ClaimRefused


def _opened(claim: ContactClaim) -> dict[str, Any]:
    data: dict[str, Any] = crypto.open_sealed_json(bytes(claim.sealed), _place(claim.id))
    return data


def _address(data: dict[str, Any]) -> Address:
    return Address(data["mailbox"], data["canonical"])


def _place(claim_id: uuid.UUID) -> tuple[str, ...]:
    return ("", "identity_contactclaim", "sealed", str(claim_id))
