"""What looks wrong about a sign-in (ANC-23), and what the policy of its door makes of it.

Judged after the first proof was right and before anything opens. `notify` tells the person and the tenant,
`step_up` asks for a further proof, `block` answers as a wrong proof would and tells the person by mail.
Nothing is looked up for an address that nobody has proved to be theirs, so nothing tells who exists (L2).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from core import context, ids, scope
from core.postgres.prepared import Prepared
from identity import places, sessions
from identity.models import KnownDevice
from identity.sessions import SessionRef
from signin.devices import Browser
from signin.past import Past, digests_of
from tenants import selectors
from tenants.policy import TenantPolicy
from tenants.selectors import TenantRef

NEW_DEVICE, IMPOSSIBLE_TRAVEL, PASSWORD_BREACHED = "new_device", "impossible_travel", "password_breached"
KINDS = (NEW_DEVICE, IMPOSSIBLE_TRAVEL, PASSWORD_BREACHED)
NOTIFY, STEP_UP, BLOCK = "notify", "step_up", "block"
_REMEMBER = Prepared("""
INSERT INTO identity_knowndevice AS d (id, account_id, digest, created_at, updated_at, seen_at, checked_at, ip,
  user_agent, latitude, longitude, radius)
VALUES (%(id)s, %(account)s, %(digest)s, %(now)s, %(now)s, %(now)s,
  CASE WHEN %(checked)s THEN %(now)s::timestamptz END, %(ip)s, %(agent)s, %(latitude)s, %(longitude)s, %(radius)s)
ON CONFLICT (account_id, digest) DO UPDATE SET
  seen_at = excluded.seen_at, forgotten_at = NULL, ip = excluded.ip, user_agent = excluded.user_agent,
  latitude = excluded.latitude, longitude = excluded.longitude, radius = excluded.radius,
  checked_at = coalesce(excluded.checked_at, d.checked_at)
""")


@dataclass(frozen=True)
class Risk:
    """`raised`: what looked wrong, whatever this door thinks of it; `actions`: what is to be done about each.

    `is_first`: the account has no device yet to compare with. `kilometres` were travelled in `minutes`.
    """

    raised: tuple[str, ...] = ()
    actions: Mapping[str, str] = field(default_factory=dict)
    is_first: bool = False
    kilometres: int = 0
    minutes: int = 0

    def of(self, action: str) -> tuple[str, ...]:
        """Return the signals that this is to be done about."""
        return tuple(kind for kind, wanted in self.actions.items() if wanted == action)

    def dump(self) -> dict[str, Any]:
        """Write it into a flow that goes on later."""
        return {**self.__dict__, "raised": list(self.raised), "actions": dict(self.actions)}

    @classmethod
    def load(cls, written: Mapping[str, Any] | None) -> Risk:
        return cls(**{**written, "raised": tuple(written["raised"])}) if written else NONE


NONE = Risk()


def policy_at(tenant: TenantRef | None) -> TenantPolicy:
    """Return the policy of a door; at the bare origin, where no tenant rules, the default one."""
    return selectors.policy_of(tenant.id) if tenant else TenantPolicy()


def weigh(
    policy: TenantPolicy,
    known: Past,
    *,
    account_id: uuid.UUID,
    is_breached: bool = False,
    present: SessionRef | None = None,
) -> Risk:
    """Return what looks wrong about a sign-in that is about to happen.

    What looked wrong in the session that this browser has counts on, unless it was answered: nobody gets past
    a strict tenant by signing in at a lax one first.
    """
    carried = present.risk if present is not None and present.account_id == account_id else ()
    trip = _trip(known)
    found = {
        NEW_DEVICE: known.has_devices and not known.checked,
        IMPOSSIBLE_TRAVEL: trip.is_impossible,
        PASSWORD_BREACHED: is_breached,
    }
    silent = {*carried, *([NEW_DEVICE] if known.knows else [])}  # the person was told of these already
    raised = tuple(kind for kind in KINDS if found[kind] or kind in carried)
    actions = {kind: policy.risk_action(kind) for kind in raised}
    shown = {
        kind: act for kind, act in actions.items() if act != "off" and (act != NOTIFY or kind not in silent)
    }
    return Risk(raised, shown, not known.has_devices, trip.kilometres, trip.minutes)


@dataclass(frozen=True)
class Trip:
    kilometres: int = 0
    minutes: int = 0
    is_impossible: bool = False


def _trip(known: Past) -> Trip:
    """Compare this place with that of the sign-in before."""
    here, now = places.current(), timezone.now()
    if here is None or known.last is None:
        return Trip()
    before, seen_at = known.last
    minutes = max(0, int((now - seen_at).total_seconds() // 60))
    far = int(places.kilometres(before, here))
    return Trip(far, minutes, places.is_impossible(before, seen_at, here, now))


def remember(account_id: uuid.UUID, browser: Browser, *, is_checked: bool) -> None:
    """Note a sign-in in this browser, by one statement in the open account scope."""
    known, here = context.current(), places.current()
    values = {
        "id": ids.uuid7(),
        "account": account_id,
        "digest": digests_of(account_id, browser)[0],
        "now": timezone.now(),
        "checked": is_checked,
        "ip": known.ip or None,
        "agent": known.user_agent[:300],
        "latitude": here.latitude if here else None,
        "longitude": here.longitude if here else None,
        "radius": here.radius if here else 0,
    }
    _REMEMBER.post(values)


@sessions.on_ended
def forget_devices(payload: dict[str, Any]) -> None:
    """After a recovery or a reported takeover no earlier device counts as known: one was somebody else's (L5)."""
    if payload["reason"] != sessions.RECOVERY:
        return
    account_id = uuid.UUID(payload["account_id"])
    with scope.account(account_id):
        earlier = KnownDevice.objects.filter(account_id=account_id, seen_at__lte=payload["at"])
        earlier.update(forgotten_at=timezone.now(), checked_at=None)
