"""What proves a person beside the password. Rows of the person alone; nothing of use is readable at rest.

`connection_id` binds an authenticator to a connection for single sign-on: it is then good only as the second
factor beside that connection's word, and never opens the account by itself (threat F7). None is the person's own.

The one-time-code devices are django-otp's `Device` with storage of our own: its plugins keep keys and
codes in clear.
"""

from __future__ import annotations

import hmac
import time
import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django_otp.models import Device, DeviceManager
from django_otp.oath import hotp

from core import crypto, secrets
from core.models import Identified, PersonModel

STEP = 30  # seconds (RFC 6238 §4.1)
DIGITS = 6
DRIFT = (0, -1, 1)  # steps of clock difference that are forgiven (§5.2)
CODE_PURPOSE = "identity.recovery_code"


def bound_to() -> models.UUIDField[uuid.UUID | None, uuid.UUID | None]:
    """No foreign key: connections are of an app above, and the one named may be gone."""
    return models.UUIDField(null=True, default=None, editable=False)


def good_beside(connection_id: uuid.UUID | None) -> Q:
    """Choose what is good in a sign-in: the person's own, and what is bound to the connection that opened it."""
    own = Q(connection_id=None)
    return own | Q(connection_id=connection_id) if connection_id else own


class OneTimeDevice(Device, Identified):
    """A django-otp device of one person: `user` is the account."""

    is_scoped: ClassVar[bool] = True

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_column="account_id"
    )

    objects: ClassVar[DeviceManager] = DeviceManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.public_id


class TotpDevice(OneTimeDevice):
    """An authenticator app (RFC 6238: SHA-1, six digits, 30 s). `last_step` is the newest step that was used."""

    PREFIX = "totp"

    sealed_key = models.BinaryField()
    last_step = models.BigIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True)
    unsettled_until = models.DateTimeField(null=True)  # see identity.settling
    connection_id = bound_to()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "connection_id"], name="identity_totp_one", nulls_distinct=False
            )
        ]

    def seal_key(self, key: bytes) -> None:
        self.sealed_key = crypto.seal(key, self._place())

    @property
    def key(self) -> bytes:
        return crypto.open_sealed(self.sealed_key, self._place())

    def _place(self) -> tuple[str, ...]:
        return ("", "identity_totpdevice", "sealed_key", str(self.id))

    def verify_token(self, token: str) -> bool:
        """Whether the code is right and of a step not used yet: one statement decides (threat M2)."""
        step = matching_step(self.key, token)
        if step is None:
            return False
        unused = type(self).objects.filter(id=self.id, user_id=self.user_id, last_step__lt=step)
        return bool(unused.update(last_step=step, last_used_at=timezone.now()))


def matching_step(key: bytes, token: str) -> int | None:
    """Return the time step near now that a code belongs to; every candidate is compared in constant time."""
    now, found = int(time.time()) // STEP, None
    for drift in DRIFT:
        expected = f"{hotp(key, now + drift, DIGITS):0{DIGITS}d}"
        if hmac.compare_digest(expected.encode(), token.encode()):
            found = now + drift
    return found


class RecoveryCode(OneTimeDevice):
    """One of ten codes for the day the other authenticators are lost; works once."""

    PREFIX = "rcode"

    digest = models.CharField(max_length=100)
    used_at = models.DateTimeField(null=True)
    connection_id = bound_to()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="identity_recovery_code_once")]

    @staticmethod
    def bound(account_id: uuid.UUID, token: str) -> str:
        return f"{account_id}:{token}"

    def verify_token(self, token: str) -> bool:
        digests = secrets.fingerprints(self.bound(self.user_id, token), CODE_PURPOSE)
        unused = type(self).objects.filter(id=self.id, digest__in=digests, used_at=None)
        return bool(unused.update(used_at=timezone.now()))


class Passkey(PersonModel):
    """A WebAuthn credential (Web Authentication Level 3 §4), good at the host `rp_id` only.

    `digest` is the keyed digest of the credential id: what the router role may look up. `handle` is the
    user handle that the authenticator gives back. Without `is_synced` the key never leaves its device.
    """

    PREFIX = "pk"

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=64)
    rp_id = models.CharField(max_length=253)
    digest = models.CharField(max_length=100, unique=True)
    credential_id = models.BinaryField()
    public_key = models.BinaryField()
    handle = models.BinaryField(max_length=64)
    sign_count = models.BigIntegerField(default=0)
    is_synced = models.BooleanField(default=False)
    transports = models.JSONField(default=list)
    aaguid = models.UUIDField(null=True)
    last_used_at = models.DateTimeField(null=True)
    unsettled_until = models.DateTimeField(null=True)  # see identity.settling
    connection_id = bound_to()

    class Meta:
        indexes = [models.Index(fields=["account", "rp_id"], name="identity_passkey_account")]


class TrustedBrowser(PersonModel):
    """A browser in which the person proved a second factor at `proved_at` and asked to be remembered.

    `digest` is that of the browser's own value, bound to the account. How old the proof may be is each
    tenant's policy; never is it taken for a proof that somebody asks for now.
    """

    PREFIX = "tb"

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=100)
    proved_at = models.DateTimeField()
    acr = models.CharField(max_length=40)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "digest"], name="identity_trusted_browser")]


class Challenge(models.Model):
    """A challenge that was given out and not answered yet (§13.4.3). `digest` is keyed and binds it to its
    purpose and browser: it names nobody, so the table is plain.
    """

    is_plain: ClassVar[bool] = True

    digest = models.CharField(max_length=100, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)
