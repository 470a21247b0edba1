"""People, globally. Nothing here knows a tenant; no tenant sees a row of it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils import timezone

from core import ids
from core.models import PersonModel


class AccountStatus(models.TextChoices):
    ACTIVE = "active"
    LOCKED = "locked"
    DELETED = "deleted"


class Account(AbstractBaseUser):
    """A person. `password` holds an Argon2id hash, or an unusable one where there is no password."""

    is_scoped: ClassVar[bool] = True
    USERNAME_FIELD = "id"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    status = models.CharField(max_length=16, choices=AccountStatus, default=AccountStatus.ACTIVE)
    name = models.CharField(max_length=200, blank=True)
    given_name = models.CharField(max_length=200, blank=True)
    family_name = models.CharField(max_length=200, blank=True)
    nickname = models.CharField(max_length=200, blank=True)
    locale = models.CharField(max_length=16, blank=True)
    zoneinfo = models.CharField(max_length=64, blank=True)
    password_changed_at = models.DateTimeField(null=True)
    password_needs_factor = models.BooleanField(default=False)  # too short to be the only factor
    last_login = None  # sessions know when somebody signed in
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    is_anonymous = False
    is_authenticated = True

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.status == AccountStatus.ACTIVE

    def __str__(self) -> str:
        return str(self.id)


class EmailAddress(PersonModel):
    """A verified address. It exists only once it is proved (threat L5): claims wait in sign-in flows.

    `address` is as the person typed it and the only form that is mailed; `digest` is the keyed digest of
    its canonical form, unique over all accounts and the only thing the router role may look up.
    """

    PREFIX = "eml"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="emails")
    address = models.EmailField(max_length=254)
    digest = models.CharField(max_length=100, unique=True)
    is_primary = models.BooleanField(default=False)
    verified_at = models.DateTimeField(default=timezone.now)
    unsettled_until = models.DateTimeField(null=True)  # see identity.settling

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(is_primary=True), name="identity_email_one_primary"
            ),
        ]


class EmailClaim(PersonModel):
    """A further address that the person says is theirs, waiting for the code that was mailed to it.

    It gives nothing until it is proved (threat L5); one waits at a time, a newer one replaces it.
    """

    PREFIX = "ecl"

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="claim")
    sealed = models.BinaryField()
    code_digest = models.CharField(max_length=100)
    attempts = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField()


class PhoneNumber(PersonModel):
    """A number whose owner has typed the code that was sent to it. Rows exist for proved numbers only."""

    PREFIX = "phn"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="phones")
    number = models.CharField(max_length=16)
    digest = models.CharField(max_length=100, unique=True)
    is_primary = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(is_primary=True), name="identity_phone_one_primary"
            ),
        ]


class Picture(PersonModel):
    """The person's own picture. What a tenant gets of it is a copy of its own, under an address of its own."""

    PREFIX = "pic"

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="picture")
    media_type = models.CharField(max_length=20)
    content = models.BinaryField()


class Wallet(PersonModel):
    """An Ethereum account whose key has signed our message (EIP-4361); `address` is in EIP-55 form."""

    PREFIX = "wal"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="wallets")
    address = models.CharField(max_length=42)
    digest = models.CharField(max_length=100, unique=True)


class ContactClaim(PersonModel):
    """A number that waits for its code, or a wallet that waits for its signature; a newer one replaces it."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="contact_claim")
    sealed = models.BinaryField()
    code_digest = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField()


class IdentitySession(PersonModel):
    """A person's browser sign-in, over all tenants. The cookie's value is stored as a digest only.

    `opened_by` is `account` (the account's own methods: good everywhere) or the id of the tenant whose
    connection opened it (good only there). `auth_time` is the last real authentication. `factor_proved_at` is
    set where a trusted browser stood for the second factor: when that was really proved. `proved_mailbox` says
    that a code or link mailed to the person was a part of the sign-in, such as at sign-up. `risk` names what
    looked wrong when it was opened and was answered by no further proof; each tenant weighs it at its own door.
    """

    PREFIX = "ids"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sessions")
    digest = models.CharField(max_length=100, unique=True)
    opened_by = models.CharField(max_length=40, default="account")
    connection_id = models.UUIDField(null=True)  # of that tenant
    amr = models.JSONField(default=list)
    acr = models.CharField(max_length=40, blank=True)
    auth_time = models.DateTimeField()
    factor_proved_at = models.DateTimeField(null=True)
    risk = models.JSONField(default=list)
    last_active_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    remembered = models.BooleanField(default=False)
    proved_mailbox = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account", "ended_at"], name="identity_session_account")]

    @property
    def has_run_out(self) -> bool:
        """Whether its absolute limit has passed; decided at use, never by a clean-up job (promise R20)."""
        return self.expires_at <= timezone.now()


class AccountToken(PersonModel):
    """A person's own credential across tenants (decision C28): short-lived, never given to an application.

    The token is stored as a digest only; `hint` is its clear beginning, by which the person knows it again.
    """

    PREFIX = "atk"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=120)
    hint = models.CharField(max_length=40)
    digest = models.CharField(max_length=100, unique=True)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account", "revoked_at"], name="identity_token_account")]


class AccountRequest(PersonModel):
    """What a write by a person's token is to make, by its Idempotency-Key: one thing, however often it is sent."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    place = models.BinaryField(max_length=32)
    fingerprint = models.BinaryField(max_length=32)
    made_id = models.UUIDField(default=ids.uuid7)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "place"], name="identity_account_request"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="identity_request_expiry")]


from identity.authenticator_models import Challenge, Passkey, RecoveryCode, TotpDevice, TrustedBrowser  # noqa: E402
from identity.device_models import KnownDevice  # noqa: E402

__all__ = [
    "Account",
    "AccountRequest",
    "AccountStatus",
    "AccountToken",
    "Challenge",
    "EmailAddress",
    "EmailClaim",
    "IdentitySession",
    "KnownDevice",
    "Passkey",
    "Picture",
    "RecoveryCode",
    "TotpDevice",
    "TrustedBrowser",
]
