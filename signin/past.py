"""What an account's past says at its first proof: how it signs in, and the devices it came by, in one statement."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from core import scope, secrets
from core.postgres.prepared import Prepared
from identity.places import Place
from identity.selectors import CREDENTIALS, Credentials
from signin.devices import Browser

PURPOSE = "signin.known_device"
_DEVICES = "FROM identity_knowndevice d WHERE d.account_id = a.id"
_READ = Prepared(f"""
SELECT {CREDENTIALS},
       EXISTS (SELECT {_DEVICES}),
       (SELECT d.checked_at IS NOT NULL {_DEVICES} AND d.digest = ANY(%(digests)s) AND d.forgotten_at IS NULL
         ORDER BY d.seen_at DESC LIMIT 1),
       (SELECT jsonb_build_array(d.latitude, d.longitude, d.radius, d.seen_at) {_DEVICES}
           AND d.latitude IS NOT NULL AND d.longitude IS NOT NULL AND d.forgotten_at IS NULL
         ORDER BY d.seen_at DESC LIMIT 1)
  FROM identity_account a WHERE a.id = %(account)s
""")  # noqa: S608 — constants


@dataclass(frozen=True)
class Past:
    """`knows` this browser, where something more than a password `checked` it; `last` is where and when it was seen."""

    credentials: Credentials
    has_devices: bool = False
    knows: bool = False
    checked: bool = False
    last: tuple[Place, datetime] | None = None


NONE = Past(Credentials(None, has_second=True, has_mailbox=False))  # for no account nothing can be enough


def read(account_id: uuid.UUID, browser: Browser) -> Past:
    """Return the account's past, NONE for one that is not there; opens its scope for this one statement."""
    digests = [] if browser.is_new else digests_of(account_id, browser)
    with scope.one_statement_of_account(account_id):
        found = _READ.first({"account": account_id, "digests": digests})
    if found is None:
        return NONE
    password, has_second, has_mailbox, has_devices, checked, last = found
    credentials = Credentials(password, has_second, has_mailbox)
    return Past(credentials, has_devices, checked is not None, bool(checked), _seen(last))


def _seen(last: str | None) -> tuple[Place, datetime] | None:
    if last is None:
        return None
    latitude, longitude, radius, seen_at = json.loads(last)
    return Place(latitude, longitude, radius), datetime.fromisoformat(seen_at)


def digests_of(account_id: uuid.UUID, browser: Browser) -> list[str]:
    """Return what a device is found by, current first."""
    return secrets.fingerprints(f"{account_id}:{browser.value}", PURPOSE)
