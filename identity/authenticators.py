"""A person's authenticators beside the password: what there is, what it proves, and who hears of changes.

Called in the open account scope. Doors ask for a fresh and strong enough sign-in first (threats L8, M5).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from core import ids, ports
from core.errors import NotFound
from core.lookups import id_or_missing
from events.services import emit
from identity import assurance, selectors
from identity.authenticator_models import good_beside
from identity.models import Passkey, RecoveryCode, TotpDevice, TrustedBrowser
from identity.services import person

SECOND = frozenset({"otp", "hwk", "swk"})  # amr values of what is no password (RFC 8176 §2)


@dataclass(frozen=True)
class Held:
    """What a person can prove themselves with, beside the password."""

    totp: TotpDevice | None
    passkeys: tuple[Passkey, ...]
    codes_left: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor; recovery codes stand in for one and are none."""
        return self.totp is not None or bool(self.passkeys)

    @property
    def best(self) -> str:
        """The highest acr that a sign-in with password and these can reach."""
        if self.passkeys:
            return assurance.PHISHING_RESISTANT
        return assurance.MULTI_FACTOR if self.totp else assurance.PASSWORD


def held(account_id: uuid.UUID, connection_id: uuid.UUID | None = None) -> Held:
    """Return the person's own, and behind a connection's word also what is bound to that connection."""
    good = good_beside(connection_id)
    return Held(
        TotpDevice.objects.filter(good, user_id=account_id, confirmed=True).first(),
        tuple(Passkey.objects.filter(good, account_id=account_id).order_by("id")),
        RecoveryCode.objects.filter(good, user_id=account_id, used_at=None).count(),
    )


def has_settled(account_id: uuid.UUID) -> bool:
    """Whether there is a second factor that a recovery would leave, in the open account scope."""
    settled = good_beside(None) & (Q(unsettled_until=None) | Q(unsettled_until__lte=timezone.now()))
    passkeys = Passkey.objects.filter(settled, account_id=account_id)
    apps = TotpDevice.objects.filter(settled, user_id=account_id, confirmed=True)
    return passkeys.exists() or apps.exists()


def level(amr: Iterable[str]) -> str:
    """Return the acr that these proofs add up to.

    A passkey is both factors at once, since we demand that it verifies its user; it is bound to our origin.
    """
    proofs = set(amr)
    if proofs & {"hwk", "swk"}:
        return assurance.PHISHING_RESISTANT
    return assurance.MULTI_FACTOR if "otp" in proofs and proofs - {"otp", "mfa"} else assurance.PASSWORD


def together(*proofs: Iterable[str]) -> list[str]:
    """Return the amr of proofs made one after the other; `mfa` where they are several factors (RFC 8176 §2)."""
    found = {word for part in proofs for word in part} - {"mfa"}
    several = level(found) != assurance.PASSWORD
    return sorted(found) + (["mfa"] if several else [])


def rename(*, account_id: uuid.UUID, passkey_id: uuid.UUID, name: str) -> None:
    """Give a passkey another name. Raises NotFound."""
    row = passkey(account_id, passkey_id)
    previous, row.name = row.name, name
    row.save(update_fields=["name", "updated_at"])
    emit(
        "authenticator.renamed",
        actor=person(account_id),
        object=described(row),
        previous={"name": previous},
    )


def remove(*, account_id: uuid.UUID, public_id: str) -> None:
    """Remove an authenticator; with the last one the recovery codes go too. Raises NotFound."""
    row = _find(account_id, public_id)
    gone = described(row)
    row.delete()
    TrustedBrowser.objects.filter(account_id=account_id).delete()
    if not held(account_id).any:
        RecoveryCode.objects.filter(user_id=account_id, connection_id=None).delete()
    emit("authenticator.removed", actor=person(account_id), object=gone)
    tell(account_id, "authenticator_removed", row.name)


def drop_bound(
    *, account_id: uuid.UUID, connection_ids: Iterable[uuid.UUID], until: datetime, reason: str
) -> None:
    """Drop what was bound to connections until then, in the open account scope; what came later stays."""
    bound = {"connection_id__in": list(connection_ids), "created_at__lte": until}
    for row in [
        *Passkey.objects.filter(account_id=account_id, **bound),
        *TotpDevice.objects.filter(user_id=account_id, **bound),
    ]:
        _drop(account_id, row, reason)
    RecoveryCode.objects.filter(user_id=account_id, **bound).delete()


def drop_bound_app(*, account_id: uuid.UUID, connection_id: uuid.UUID) -> None:
    """Make room for another app that is bound to the connection, in the open account scope."""
    for row in TotpDevice.objects.filter(user_id=account_id, connection_id=connection_id):
        _drop(account_id, row, "replaced")


def _drop(account_id: uuid.UUID, row: Passkey | TotpDevice, reason: str) -> None:
    gone = {**described(row), "reason": reason}
    row.delete()
    emit("authenticator.removed", actor=person(account_id), object=gone)


def described(row: Passkey | TotpDevice) -> dict[str, object]:
    shown: dict[str, object] = {"id": row.public_id, "object": "authenticator", "name": row.name}
    if isinstance(row, Passkey):
        return {**shown, "kind": "passkey", "is_synced": row.is_synced}
    return {**shown, "kind": "totp"}


def tell(account_id: uuid.UUID, template: str, name: str) -> None:
    """Mail the person, so that a change by somebody else does not stay unseen (threat M5)."""
    address = selectors.primary_email(account_id)
    if address:
        ports.mail.send(template, address, account_id=account_id, context={"name": name})


def _find(account_id: uuid.UUID, public_id: str) -> Passkey | TotpDevice:
    try:
        return passkey(account_id, Passkey.read_id(public_id))
    except ids.MalformedId:
        pass
    totp_id = id_or_missing(TotpDevice.PREFIX, public_id)
    found: TotpDevice | None = TotpDevice.objects.filter(
        id=totp_id, user_id=account_id, connection_id=None
    ).first()
    if found is None:
        raise NotFound
    return found


def passkey(account_id: uuid.UUID, passkey_id: uuid.UUID) -> Passkey:
    found = Passkey.objects.filter(id=passkey_id, account_id=account_id, connection_id=None).first()
    if found is None:
        raise NotFound
    return found
