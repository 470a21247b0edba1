"""What sign-in remembers between two requests: flows under way, and how often something was tried."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from core import crypto
from core.models import Identified


class Purpose(models.TextChoices):
    SIGN_IN = "sign_in"
    SIGN_UP = "sign_up"
    RECOVERY = "recovery"


class Stage(models.TextChoices):
    PASSWORD = "password"
    MAILED = "mailed"
    TEXTED = "texted"
    WALLET = "wallet"
    SECOND_FACTOR = "second_factor"
    CONFIRM = "confirm"
    FEDERATED = "federated"  # at a connection's provider
    LINK = "link"  # back from it; the person's own side is still to be proved
    VERIFY = "verify"
    NEW_PASSWORD = "new_password"
    DONE = "done"


class SignInFlow(Identified):
    """One person's way through the hosted pages, bound to one browser.

    A tenant's flow has `tenant_id`; one at the bare origin (account, dashboard) has none and is seen in
    operator scope only. `account_id` is set on recovery and once a first factor was
    proved, so that a completed recovery can drop the others.
    `sealed` holds what was typed (address, name, password hash of a sign-up) until the address is proved:
    before that there is no account (threat L5).
    """

    PREFIX = "flow"
    is_scoped: ClassVar[bool] = True

    tenant_id = models.UUIDField(null=True, editable=False)
    account_id = models.UUIDField(null=True)
    purpose = models.CharField(max_length=12, choices=Purpose)
    stage = models.CharField(max_length=16, choices=Stage)
    browser_digest = models.CharField(max_length=100)
    address_digest = models.CharField(max_length=100)
    code_digest = models.CharField(max_length=100, blank=True)
    link_digest = models.CharField(max_length=100, blank=True)
    proof_expires_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sealed = models.BinaryField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["tenant_id", "address_digest"], name="signin_flow_address"),
            models.Index(fields=["account_id"], name="signin_flow_account"),
            models.Index(fields=["expires_at"], name="signin_flow_expiry"),
        ]

    @property
    def is_open(self) -> bool:
        return self.stage != Stage.DONE and self.expires_at > timezone.now()

    @property
    def data(self) -> Mapping[str, Any]:
        """What was typed, opened once for each value of `sealed`. Raises SealError."""
        if self._opened is None or self._opened[0] is not self.sealed:
            opened: dict[str, Any] = crypto.open_sealed_json(bytes(self.sealed), self._place())
            self._opened = self.sealed, MappingProxyType(opened)
        return self._opened[1]

    def seal(self, data: Mapping[str, Any]) -> None:
        self.sealed = crypto.seal_json(dict(data), self._place())

    _opened: tuple[Any, Mapping[str, Any]] | None = None

    def _place(self) -> tuple[str, ...]:
        return (str(self.tenant_id or ""), "signin_signinflow", "sealed", str(self.id))


class AttemptWindow(models.Model):
    """How often something was tried lately. `key` is a keyed digest of address, network or device: it
    names nobody, so the table is plain and survives every refused request.
    """

    is_plain: ClassVar[bool] = True

    key = models.CharField(max_length=100, primary_key=True)
    count = models.PositiveIntegerField()
    next_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
