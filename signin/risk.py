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

from core import context, ids, scope, secrets
from core.postgres import rows
from core.postgres.prepared import Prepared
from identity import places, sessions
from identity import selectors as people
from identity.models import KnownDevice
from identity.places import Place
from identity.sessions import SessionRef
from signin.devices import Browser
from tenants import selectors
from tenants.policy import TenantPolicy
from tenants.selectors import TenantRef

NEW_DEVICE, IMPOSSIBLE_TRAVEL, PASSWORD_BREACHED = "new_device", "impossible_travel", "password_breached"
KINDS = (NEW_DEVICE, IMPOSSIBLE_TRAVEL, PASSWORD_BREACHED)
NOTIFY, STEP_UP, BLOCK = "notify", "step_up", "block"
PURPOSE = "signin.known_device"
MOST_DEVICES = 100  # of one account, the latest ones
_LATEST = f"account_id = %(account)s ORDER BY seen_at DESC LIMIT {MOST_DEVICES}"
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


def devices_of(account_id: uuid.UUID) -> list[KnownDevice]:
    """Return the person's devices in the open account scope, the latest first."""
    return rows.several(KnownDevice, _LATEST, {"account": account_id})


def look_anyway(tenant: TenantRef | None, account_id: uuid.UUID | None, browser: Browser) -> None:
    """Look as behind a right password, where the policy may block one: its refusal takes no other time (L2)."""
    policy = policy_at(tenant)
    if all(policy.risk_action(kind) != BLOCK for kind in KINDS):
        return
    wanted = account_id or ids.uuid7()
    with scope.account(wanted):
        people.credentials(wanted)
        devices = devices_of(wanted)
    weigh(policy, devices, account_id=wanted, browser=browser)


def weigh(
    policy: TenantPolicy,
    devices: list[KnownDevice],
    *,
    account_id: uuid.UUID,
    browser: Browser,
    is_breached: bool = False,
    present: SessionRef | None = None,
) -> Risk:
    """Return what looks wrong about a sign-in that is about to happen.

    What looked wrong in the session that this browser has counts on, unless it was answered: nobody gets past
    a strict tenant by signing in at a lax one first.
    """
    carried = present.risk if present is not None and present.account_id == account_id else ()
    mine = _mine(devices, account_id, browser)
    trip = _trip(devices)
    found = {
        NEW_DEVICE: bool(devices) and (mine is None or mine.checked_at is None),
        IMPOSSIBLE_TRAVEL: trip.is_impossible,
        PASSWORD_BREACHED: is_breached,
    }
    silent = {*carried, *([NEW_DEVICE] if mine is not None else [])}  # the person was told of these already
    raised = tuple(kind for kind in KINDS if found[kind] or kind in carried)
    actions = {kind: policy.risk_action(kind) for kind in raised}
    shown = {
        kind: act for kind, act in actions.items() if act != "off" and (act != NOTIFY or kind not in silent)
    }
    return Risk(raised, shown, not devices, trip.kilometres, trip.minutes)


def _mine(devices: list[KnownDevice], account_id: uuid.UUID, browser: Browser) -> KnownDevice | None:
    if browser.is_new:
        return None
    digests = _digests(account_id, browser)
    return next((row for row in devices if row.digest in digests and row.forgotten_at is None), None)


@dataclass(frozen=True)
class Trip:
    kilometres: int = 0
    minutes: int = 0
    is_impossible: bool = False


def _trip(devices: list[KnownDevice]) -> Trip:
    """Compare this place with that of the sign-in before."""
    here, now = places.current(), timezone.now()
    last = next((row for row in devices if row.latitude is not None and row.forgotten_at is None), None)
    if here is None or last is None or last.latitude is None or last.longitude is None:
        return Trip()
    before = Place(last.latitude, last.longitude, last.radius)
    minutes = max(0, int((now - last.seen_at).total_seconds() // 60))
    far = int(places.kilometres(before, here))
    return Trip(far, minutes, places.is_impossible(before, last.seen_at, here, now))


def remember(account_id: uuid.UUID, browser: Browser, *, is_checked: bool) -> None:
    """Note a sign-in in this browser, by one statement in the open account scope."""
    known, here = context.current(), places.current()
    values = {
        "id": ids.uuid7(),
        "account": account_id,
        "digest": _digests(account_id, browser)[0],
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


def _digests(account_id: uuid.UUID, browser: Browser) -> list[str]:
    return secrets.fingerprints(f"{account_id}:{browser.value}", PURPOSE)
