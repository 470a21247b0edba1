"""Further addresses of an account: claimed, proved by a mailed code, made primary, removed (AUT-19).

The door asks for a fresh sign-in first. Whether an address belongs to somebody else is said only to who
has proved that it is theirs.
"""

from __future__ import annotations

import secrets as random
import uuid
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from core import crypto, ids, ports, ratelimit, scope, secrets
from core.errors import NotFound, RateLimitExceeded
from events.services import emit
from identity import selectors, typed
from identity.emails import Address, parse
from identity.errors import AddressesUnsettled, AddressTaken, ClaimRefused, LastAddress
from identity.models import EmailAddress, EmailClaim
from identity.services import describe, person

LIFETIME = timedelta(minutes=15)
MAX_COMPARES = 5
MAILS = ratelimit.Limit("address_claim", quota=5, window=3600)


def claim_address(*, account_id: uuid.UUID, address: Address) -> None:
    """Mail a code to the address; an older claim of the account is dead. Raises RateLimitExceeded."""
    decision = ratelimit.hit(tenant="", subjects=[f"account:{account_id}"], limits=[MAILS])
    if not decision.allowed:
        raise RateLimitExceeded(headers={"Retry-After": str(decision.retry_after)})
    code = f"{random.randbelow(1_000_000):06d}"
    claim_id = ids.uuid7()
    with transaction.atomic():
        EmailClaim.objects.filter(account_id=account_id).delete()
        EmailClaim.objects.create(
            id=claim_id,
            account_id=account_id,
            sealed=crypto.seal(address.mailbox.encode(), _place(claim_id)),
            code_digest=secrets.digest(_bound(claim_id, code), "identity.claim"),
            expires_at=timezone.now() + LIFETIME,
        )
        context = {"code": code, "minutes": int(LIFETIME.total_seconds() // 60)}
        ports.mail.send("confirm_address", address.mailbox, account_id=account_id, context=context)


def pending_claim(account_id: uuid.UUID) -> str:
    """Return the address that waits for its code, empty where none does."""
    claim = EmailClaim.objects.filter(account_id=account_id, expires_at__gt=timezone.now()).first()
    return _address(claim).mailbox if claim else ""


def prove_address(
    *, account_id: uuid.UUID, code: str, unsettled_until: datetime | None = None
) -> EmailAddress:
    """Add the claimed address; opens the account scope itself, since a wrong try must stay counted.

    `unsettled_until` comes from identity.settling; the first address of a guest is theirs at once.

    Raises ClaimRefused (wrong, old, or tried five times), AddressTaken.
    """
    with scope.account(account_id):
        live = EmailClaim.objects.filter(
            account_id=account_id, attempts__lt=MAX_COMPARES, expires_at__gt=timezone.now()
        )
        if not live.update(attempts=F("attempts") + 1):
            raise ClaimRefused
        claim = EmailClaim.objects.get(account_id=account_id)
    if not secrets.matches(_bound(claim.id, typed.bare(code)), claim.code_digest, "identity.claim"):
        raise ClaimRefused
    return _add(account_id, claim, unsettled_until)


def _add(account_id: uuid.UUID, claim: EmailClaim, unsettled_until: datetime | None) -> EmailAddress:
    address = _address(claim)
    if selectors.account_id_by_address(address) is not None:
        raise AddressTaken
    try:
        with scope.account(account_id):
            if not EmailClaim.objects.filter(id=claim.id).delete()[0]:
                raise ClaimRefused
            is_first = not selectors.emails(account_id).exists()  # a guest becomes an account (AUT-11)
            row = EmailAddress.objects.create(
                account_id=account_id,
                address=address.mailbox,
                digest=address.digest,
                is_primary=is_first,
                unsettled_until=None if is_first else unsettled_until,
            )
            _tell("user.email.added", account_id, row.address)
            _warn(account_id, "address_added", row.address)
    except IntegrityError:
        raise AddressTaken from None
    return row


def make_primary(*, account_id: uuid.UUID, address_id: uuid.UUID) -> None:
    """Send the account's mail to this proved address from now on; the earlier one is told."""
    row = _own(account_id, address_id)
    if row.is_primary:
        return
    with transaction.atomic():
        _warn(account_id, "primary_address_changed", row.address)
        EmailAddress.objects.filter(account_id=account_id, is_primary=True).update(is_primary=False)
        EmailAddress.objects.filter(id=row.id).update(is_primary=True)
        _tell("user.email.primary_changed", account_id, row.address)


def remove_address(*, account_id: uuid.UUID, address_id: uuid.UUID) -> None:
    """Give up an address; raises LastAddress for the primary one, AddressesUnsettled for the last settled one.

    By that one the person takes the account back from whoever added the others (threat L5).
    """
    row = _own(account_id, address_id)
    if row.is_primary:
        raise LastAddress
    others = selectors.emails(account_id).exclude(id=row.id)
    if not others.exclude(unsettled_until__gt=timezone.now()).exists():
        raise AddressesUnsettled
    with transaction.atomic():
        EmailAddress.objects.filter(id=row.id, is_primary=False).delete()
        _tell("user.email.removed", account_id, row.address)
        _warn(account_id, "address_removed", row.address)


def _own(account_id: uuid.UUID, address_id: uuid.UUID) -> EmailAddress:
    row = EmailAddress.objects.select_for_update().filter(account_id=account_id, id=address_id).first()
    if row is None:
        raise NotFound
    return row


def _tell(event: str, account_id: uuid.UUID, address: str) -> None:
    emit(event, actor=person(account_id), object=describe(account_id), personal={"email": address})


def _warn(account_id: uuid.UUID, template: str, address: str) -> None:
    """Tell the present primary address, so that a change by somebody else does not go unseen."""
    known = selectors.primary_email(account_id)
    ports.mail.send(template, known, account_id=account_id, context={"address": address})


def _address(claim: EmailClaim) -> Address:
    return parse(crypto.open_sealed(bytes(claim.sealed), _place(claim.id)).decode())


def _place(claim_id: uuid.UUID) -> tuple[str, ...]:
    return ("", "identity_emailclaim", "sealed", str(claim_id))


def _bound(claim_id: uuid.UUID, code: str) -> str:
    return f"{claim_id}:{code}"
