"""Phone numbers and wallets of an account: linked once proved, and unlinked. Each has one canonical form (L6)."""

from __future__ import annotations

import uuid
from typing import TypeVar

import phonenumbers
from django.db import transaction
from django.db.models import QuerySet

from core.errors import NotFound
from core.uniqueness import unique_or
from events.services import emit
from identity.emails import Address
from identity.errors import ContactTaken, InvalidNumber
from identity.models import ContactClaim, PhoneNumber, Wallet
from identity.services import describe, person

T = TypeVar("T", PhoneNumber, Wallet)


def number(text: str) -> Address:
    """Read a phone number in international form; raises InvalidNumber.

    Its canonical form is E.164 with a scheme in front, so that it can never be taken for a mailbox.
    """
    try:
        parsed = phonenumbers.parse(text[:40])
    except phonenumbers.NumberParseException:
        raise InvalidNumber from None
    if not phonenumbers.is_valid_number(parsed):
        raise InvalidNumber
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Address(written, f"tel:{written}")


def phones(account_id: uuid.UUID) -> QuerySet[PhoneNumber]:
    """Return the person's numbers, the primary one first."""
    return PhoneNumber.objects.filter(account_id=account_id).order_by("-is_primary", "id")


def wallets(account_id: uuid.UUID) -> QuerySet[Wallet]:
    return Wallet.objects.filter(account_id=account_id).order_by("id")


def link_phone(*, account_id: uuid.UUID, address: Address) -> PhoneNumber:
    """Keep a number that was proved just now, in the open account scope; raises ContactTaken."""
    is_first = not phones(account_id).exists()
    row = PhoneNumber(
        account_id=account_id, number=address.mailbox, digest=address.digest, is_primary=is_first
    )
    return _store(row, "user.phone.verified", {"phone": address.mailbox})


def link_wallet(*, account_id: uuid.UUID, address: Address) -> Wallet:
    """Keep a wallet that has signed just now, in the open account scope; raises ContactTaken."""
    row = Wallet(account_id=account_id, address=address.mailbox, digest=address.digest)
    return _store(row, "identity.wallet.linked", {"wallet": address.mailbox})


def _store(row: T, event: str, personal: dict[str, str]) -> T:
    with unique_or(ContactTaken):
        row.save(force_insert=True)
        account = row.account_id
        emit(event, actor=person(account), object=describe(account), personal=personal)
    return row


def make_primary(*, account_id: uuid.UUID, phone_id: uuid.UUID) -> None:
    """Make a number the primary one, in the open account scope; raises NotFound for anybody else's."""
    with transaction.atomic():
        rows = phones(account_id).select_for_update()
        if not any(row.id == phone_id for row in rows):
            raise NotFound
        PhoneNumber.objects.filter(account_id=account_id, is_primary=True).update(is_primary=False)
        PhoneNumber.objects.filter(account_id=account_id, id=phone_id).update(is_primary=True)
        emit("user.phone.primary_changed", actor=person(account_id), object=describe(account_id))


def unlink(*, account_id: uuid.UUID, kind: type[PhoneNumber | Wallet], row_id: uuid.UUID) -> None:
    """Remove one of the open account scope; raises NotFound for anybody else's."""
    with transaction.atomic():
        if not kind.objects.filter(account_id=account_id, id=row_id).delete()[0]:
            raise NotFound
        _keep_a_primary(account_id)
        event = "user.phone.removed" if kind is PhoneNumber else "identity.wallet.unlinked"
        emit(event, actor=person(account_id), object=describe(account_id))


def _keep_a_primary(account_id: uuid.UUID) -> None:
    """The oldest number follows when the primary one is gone."""
    first = phones(account_id).first()
    if first is not None and not first.is_primary:
        PhoneNumber.objects.filter(account_id=account_id, id=first.id).update(is_primary=True)


def drop_all(account_id: uuid.UUID) -> None:
    """Unlink everything after a recovery: whoever had the account may have linked something of theirs (L5)."""
    ContactClaim.objects.filter(account_id=account_id).delete()
    for kind in (PhoneNumber, Wallet):
        for row_id in kind.objects.filter(account_id=account_id).values_list("id", flat=True):
            unlink(account_id=account_id, kind=kind, row_id=row_id)
