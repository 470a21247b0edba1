"""What an intruder may have left: addresses and authenticators that are not settled yet (threat L5).

Whoever has only the password adds an address or an authenticator as unsettled for a week. The person is told
by mail at once; should they recover the account within that time, it is dropped. What was added in a sign-in
that proved the mailbox or a second factor is theirs from the start, so that mail alone undoes no second factor.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from events.services import emit
from identity import assurance, authenticators, methods, selectors
from identity.emails import Address
from identity.models import EmailAddress, Passkey, RecoveryCode, TotpDevice
from identity.services import describe, person
from identity.sessions import SessionRef

HOLD = timedelta(days=7)
MAILED = {methods.MAGIC_LINK, methods.EMAIL_CODE}
Row = EmailAddress | Passkey | TotpDevice


def unsettled_until(session: SessionRef) -> datetime | None:
    """Return until when something that this sign-in adds is unsettled, None for the person's own from now on.

    Called in the open account scope. A proof by what is itself unsettled counts for nothing.
    """
    strong = session.proved_mailbox or bool(methods.proved(session.amr) & MAILED)
    strong = strong or assurance.satisfies(session.acr, assurance.MULTI_FACTOR)
    if strong and not any(rows.exists() for rows in _unsettled(session.account_id)):
        return None
    return timezone.now() + HOLD


def _unsettled(
    account_id: uuid.UUID,
) -> tuple[QuerySet[EmailAddress], QuerySet[Passkey], QuerySet[TotpDevice]]:
    later = {"unsettled_until__gt": timezone.now()}
    return (
        EmailAddress.objects.filter(account_id=account_id, **later),
        Passkey.objects.filter(account_id=account_id, connection_id=None, **later),
        TotpDevice.objects.filter(user_id=account_id, connection_id=None, **later),
    )


def drop(*, account_id: uuid.UUID, keep: Address) -> list[str]:
    """Drop what is not settled, in the open account scope, but for the address that was proved just now.

    Returns the names of what went, to be told to the person.
    """
    addresses, passkeys, apps = _unsettled(account_id)
    gone = [
        _drop_address(row, keep) for row in addresses.exclude(digest__in=keep.digests).select_for_update()
    ]
    gone += [_drop_factor(account_id, row) for rows in (passkeys, apps) for row in rows.select_for_update()]
    if gone and not authenticators.held(account_id).any:
        RecoveryCode.objects.filter(user_id=account_id, connection_id=None).delete()
    return gone


def _drop_factor(account_id: uuid.UUID, row: Passkey | TotpDevice) -> str:
    shown = {**authenticators.described(row), "reason": "recovery"}
    row.delete()
    emit("authenticator.removed", actor=person(account_id), object=shown)
    return row.name


def _drop_address(row: EmailAddress, keep: Address) -> str:
    account_id, was_primary = row.account_id, row.is_primary
    row.delete()
    _tell("user.email.removed", account_id, row.address)
    if was_primary:
        kept = selectors.emails(account_id).filter(digest__in=keep.digests).get()
        EmailAddress.objects.filter(id=kept.id).update(is_primary=True)
        _tell("user.email.primary_changed", account_id, kept.address)
    return row.address


def _tell(event: str, account_id: uuid.UUID, address: str) -> None:
    emit(event, actor=person(account_id), object=describe(account_id), personal={"email": address})
