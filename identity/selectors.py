"""Finding people. The look-ups by digest need no scope; the rest reads the open account scope."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db.models import QuerySet

from core import scope
from core.postgres.prepared import Prepared
from identity.emails import Address
from identity.models import Account, EmailAddress, IdentitySession

# Of the account that proved the address of this digest; in another statement it saves one for itself.
BY_EMAIL = "account_by_email({digest})"
_ACCOUNT = Prepared(f"SELECT {BY_EMAIL.format(digest='%s')}")
_CONTACT = Prepared("SELECT account_by_contact(%s)")

# The columns of Credentials, of identity_account a.
CREDENTIALS = """
CASE WHEN a.status = 'active' THEN a.password END,
EXISTS (SELECT FROM identity_totpdevice t WHERE t.account_id = a.id AND t.confirmed AND t.connection_id IS NULL)
OR EXISTS (SELECT FROM identity_passkey p WHERE p.account_id = a.id AND p.connection_id IS NULL),
EXISTS (SELECT FROM identity_emailaddress e WHERE e.account_id = a.id)
"""


@dataclass(frozen=True)
class Credentials:
    """What an account signs in with: the hash of its password, None where it has none or is not active,
    whether it has a second factor of its own, and whether it can be mailed.
    """

    password: str | None
    has_second: bool
    has_mailbox: bool


def account_id_by_address(address: Address, asked: str = "") -> uuid.UUID | None:
    """Return the account that proved this address; asks the lookup function, so no scope is needed.

    `asked` is a digest that another statement has asked for already, in vain.
    """
    return _look_up(_ACCOUNT, address, asked)


def account_id_by_contact(contact: Address) -> uuid.UUID | None:
    """Return the account that proved this phone number or wallet; asks the lookup function."""
    return _look_up(_CONTACT, contact)


def _look_up(statement: Prepared, address: Address, asked: str = "") -> uuid.UUID | None:
    for digest in address.digests:
        if digest == asked:
            continue
        found = statement.first([digest])
        if found and found[0]:
            return uuid.UUID(str(found[0]))
    return None


def account(account_id: uuid.UUID) -> Account | None:
    return Account.objects.filter(id=account_id).first()


def emails(account_id: uuid.UUID) -> QuerySet[EmailAddress]:
    """Return the person's addresses, the primary one first."""
    return EmailAddress.objects.filter(account_id=account_id).order_by("-is_primary", "id")


def primary_email(account_id: uuid.UUID) -> str:
    """Return the address that is mailed, empty where there is none."""
    return emails(account_id).values_list("address", flat=True).first() or ""


def has_own_methods(account_id: uuid.UUID) -> bool:
    """Whether the person can prove themselves without anybody's word; opens the account's scope for a moment.

    Who has an address can be mailed; an account that a connection made has none.
    """
    with scope.account(account_id):
        return emails(account_id).exists()


def live_sessions(account_id: uuid.UUID) -> QuerySet[IdentitySession]:
    """Return the person's sign-ins that nobody has ended, newest use first."""
    return IdentitySession.objects.filter(account_id=account_id, ended_at=None).order_by("-last_active_at")
