"""How long a key lives (decision C8): presets, a date or never, within the tenant's policy."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from core.errors import FieldError, PolicyDenied, ValidationFailed
from tenants.policy import TenantPolicy

DAY: Final = 86_400
PRESETS: Final = {"7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY, "1y": 365 * DAY}
RECOMMENDED: Final = "90d"
NOTICE: Final = 7 * DAY
MAX_OVERLAP: Final = 30 * DAY


class Standard:
    """The type of STANDARD: `let the product choose`, told apart from None, which means never."""


STANDARD: Final = Standard()
Expiry = datetime | None | Standard


def decide(wanted: Expiry, policy: TenantPolicy, standard: int = PRESETS[RECOMMENDED]) -> datetime | None:
    """Return when a key made now expires; None for never.

    STANDARD is `standard` seconds from now, cut to the tenant's cap. A wish beyond the policy is refused,
    not cut: PolicyDenied. A time that has passed raises ValidationFailed.
    """
    now = timezone.now()
    cap = policy.key_max_lifetime
    if isinstance(wanted, Standard):
        return now + timedelta(seconds=min(standard, cap) if cap else standard)
    if wanted is None:
        if not policy.key_never_allowed or cap:
            raise PolicyDenied("This tenant's policy asks every key to expire. Choose an expiry.")
        return None
    if wanted <= now:
        raise ValidationFailed(errors=[FieldError("/expires_at", "in_the_past", "Must be in the future.")])
    if cap and wanted > now + timedelta(seconds=cap + 60):  # a minute for the way from form to service
        raise PolicyDenied(f"This tenant's policy lets keys live {cap // DAY} days at most. Choose less.")
    return wanted


def notice_at(made_at: datetime, expires_at: datetime | None) -> datetime | None:
    """Return when to tell that a key expires (KEY-11): 7 days before, or in the last quarter of a shorter life.

    None for a key that never expires.
    """
    if expires_at is None:
        return None
    return expires_at - min(timedelta(seconds=NOTICE), (expires_at - made_at) / 4)


def allowed_presets(policy: TenantPolicy) -> list[str]:
    """Return the presets that the policy admits, shortest first, `never` last where it may be chosen."""
    cap = policy.key_max_lifetime
    admitted = [name for name, seconds in PRESETS.items() if not cap or seconds <= cap]
    return admitted + (["never"] if policy.key_never_allowed and not cap else [])


def preset(name: str) -> Expiry:
    """Read a preset's name, as on a form; raises KeyError for an unknown one."""
    return None if name == "never" else timezone.now() + timedelta(seconds=PRESETS[name])
