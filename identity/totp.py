"""Authenticator apps (RFC 6238): offered as a key that nobody keeps yet, enrolled by the first right code."""

from __future__ import annotations

import base64
import io
import re
import secrets as random
import uuid
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

import segno
from django.utils import timezone
from django.utils.translation import gettext_noop

from core import crypto, ids
from core.uniqueness import unique_or
from events.services import emit
from identity import authenticators, typed
from identity.authenticator_models import good_beside
from identity.errors import AuthenticatorRefused, WrongFactor
from identity.models import TotpDevice
from identity.services import person

KEY_BYTES = 20  # as long as the digest of SHA-1 (RFC 4226 §4, R6)
LIFETIME = 900  # seconds in which an offered key can be confirmed
CODE = re.compile(r"[0-9]{6}\Z")


@dataclass(frozen=True)
class Offer:
    """A key to put into an app. `sealed` comes back with the first code: until then nothing is stored."""

    key: bytes
    sealed: str
    uri: str

    @property
    def text(self) -> str:
        """The key for typing, in groups of four."""
        plain = base64.b32encode(self.key).decode()
        return " ".join(plain[start : start + 4] for start in range(0, len(plain), 4))

    @property
    def picture(self) -> str:
        """The QR code as an SVG document, to be shown as an image."""
        out = io.BytesIO()
        segno.make(self.uri, error="m").save(out, kind="svg", scale=5, border=4, dark="#000", light="#fff")
        return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode()


def offer(
    *, account_id: uuid.UUID, label: str, issuer: str = "Claviger", connection_id: uuid.UUID | None = None
) -> Offer:
    """Offer a new key; with a connection for an app that will be bound to it."""
    key = random.token_bytes(KEY_BYTES)
    return _offer(key, _seal(key, _place(account_id, connection_id)), label, issuer)


def offered(
    *,
    account_id: uuid.UUID,
    sealed: str,
    label: str,
    issuer: str = "Claviger",
    connection_id: uuid.UUID | None = None,
) -> Offer:
    """Return the offer of a form that comes back; raises AuthenticatorRefused for one of somebody else."""
    return _offer(_open(sealed, _place(account_id, connection_id)), sealed, label, issuer)


def _offer(key: bytes, sealed: str, label: str, issuer: str) -> Offer:
    query = urlencode({"secret": base64.b32encode(key).decode(), "issuer": issuer}, quote_via=quote)
    return Offer(key, sealed, f"otpauth://totp/{quote(f'{issuer}:{label}')}?{query}")


def enrol(
    *,
    account_id: uuid.UUID,
    sealed: str,
    code: str,
    name: str,
    unsettled_until: datetime | None = None,
    connection_id: uuid.UUID | None = None,
) -> TotpDevice:
    """Keep an offered key once its first code is right, in the open account scope.

    `unsettled_until` comes from identity.settling; `connection_id` binds the app to a connection.

    Raises WrongFactor; AuthenticatorRefused for an offer of another person, an old one, or a second app.
    """
    row = TotpDevice(
        user_id=account_id,
        name=name,
        confirmed=True,
        unsettled_until=unsettled_until,
        connection_id=connection_id,
    )
    row.seal_key(_open(sealed, _place(account_id, connection_id)))
    taken = AuthenticatorRefused(gettext_noop("There is an authenticator app already. Remove it first."))
    with unique_or(taken):
        row.save(force_insert=True)
        if not row.verify_token(digits(code)):
            raise WrongFactor
    emit("authenticator.enrolled", actor=person(account_id), object=authenticators.described(row))
    authenticators.tell(account_id, "authenticator_added", row.name)
    return row


def compare(*, account_id: uuid.UUID, code: str, connection_id: uuid.UUID | None = None) -> None:
    """Use up a code of the person's own app, or of the one bound to the connection, in the open account scope.

    Raises WrongFactor.
    """
    given = digits(code)
    good = TotpDevice.objects.select_related("user").filter(
        good_beside(connection_id), user_id=account_id, confirmed=True
    )
    if not any(device.user.is_active and device.verify_token(given) for device in good):
        raise WrongFactor


def digits(code: str) -> str:
    """Return the six digits of a code as typed; raises WrongFactor for what is no code at all."""
    text = typed.bare(code)
    if not CODE.match(text):
        raise WrongFactor
    return text


def _seal(key: bytes, place: tuple[str, ...]) -> str:
    until = int(timezone.now().timestamp()) + LIFETIME
    blob = crypto.seal_json({"key": key.hex(), "until": until}, place)
    return base64.urlsafe_b64encode(blob).decode()


def _open(sealed: str, place: tuple[str, ...]) -> bytes:
    try:
        found = crypto.open_sealed_json(base64.urlsafe_b64decode(sealed[:600].encode()), place)
    except (ValueError, crypto.SealError):
        raise AuthenticatorRefused from None
    if found["until"] < timezone.now().timestamp():
        raise AuthenticatorRefused
    return bytes.fromhex(found["key"])


def _place(account_id: uuid.UUID, connection_id: uuid.UUID | None) -> tuple[str, ...]:
    bound = (str(connection_id),) if connection_id else ()
    return ("", "identity_totpdevice", "offer", ids.encode("acc", account_id), *bound)
