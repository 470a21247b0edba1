"""Endpoint secrets and the signatures made with them.

Standard Webhooks: `webhook-signature` is `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, once for
each live secret, separated by spaces. Receivers allow ±5 minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from core import crypto, scope
from tenants import data_keys
from webhooks.models import Endpoint, EndpointSecret, SignatureSuite

PREFIX = "whsec_"
SECRET_BYTES = 32
MAX_LIVE = 2
AGENT = "Claviger-Webhooks/1"
data_keys.holds("webhooks_endpointsecret", "sealed")


def sealer() -> crypto.TenantSealer:
    """Return what seals and opens under the data key of the open tenant."""
    return data_keys.sealer(scope.require_tenant())


def add_secret(endpoint: Endpoint) -> str:
    """Make a secret for the endpoint in the open scope and return its text, which is not kept."""
    value = os.urandom(SECRET_BYTES)
    row = EndpointSecret(endpoint=endpoint, organization_id=endpoint.organization_id)
    row.sealed = sealer().seal(value, _place(row))
    row.save(force_insert=True)
    return PREFIX + base64.b64encode(value).decode()


def retire_secrets(endpoint: Endpoint, grace: timedelta) -> None:
    """Let the current secret sign for `grace` more and any older one end now: two may live at most."""
    now = timezone.now()
    rows = EndpointSecret.objects.filter(tenant_id=endpoint.tenant_id, endpoint_id=endpoint.id)
    rows.filter(expires_at__isnull=False).delete()
    if grace:
        rows.update(expires_at=now + grace)
    else:
        rows.delete()


def live_secrets(endpoint_ids: Sequence[uuid.UUID], now: datetime) -> dict[uuid.UUID, list[bytes]]:
    """Return the secrets that sign now, newest first, by endpoint of the open tenant."""
    rows = EndpointSecret.objects.filter(tenant_id=scope.require_tenant(), endpoint_id__in=endpoint_ids)
    opener = sealer()
    found: dict[uuid.UUID, list[bytes]] = {}
    for row in rows.order_by("-id"):
        if row.expires_at is None or row.expires_at > now:
            found.setdefault(row.endpoint_id, []).append(opener.open(row.sealed, _place(row)))
    return found


def _place(row: EndpointSecret) -> tuple[str, str, str]:
    return ("webhooks_endpointsecret", "sealed", str(row.id))


def headers(
    endpoint: Endpoint, secrets: Sequence[bytes], message_id: str, body: bytes, now: datetime, *, replay: bool
) -> dict[str, str]:
    """Return the headers of one attempt; its timestamp (seconds) is fresh, the id stays."""
    stamp = int(now.timestamp())
    signed = f"{message_id}.{stamp}.".encode() + body
    found = {
        "content-type": endpoint.content_type,
        "user-agent": AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": " ".join(f"v1,{_mac(secret, signed)}" for secret in secrets[:MAX_LIVE]),
    }
    if endpoint.signature_suite == SignatureSuite.TIMESTAMPED:
        found["x-webhook-signature"] = timestamped(secrets[:MAX_LIVE], stamp, body)
    if replay:
        found["webhook-replay"] = "true"
    return found


def _mac(secret: bytes, data: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, data, "sha256")).decode()


def timestamped(secrets: Sequence[bytes], stamp: int, body: bytes) -> str:
    """Return `t=…,v1=…`: hex HMAC-SHA256 of `t.body`, once for each live secret."""
    data = f"{stamp}.".encode() + body
    return ",".join([f"t={stamp}", *(f"v1={hmac.new(s, data, hashlib.sha256).hexdigest()}" for s in secrets)])


def redacted(sent: dict[str, str]) -> dict[str, str]:
    """Return headers as the log keeps them: signatures are cut to their beginnings."""
    return {
        name: " ".join(f"{part[:11]}…" for part in value.split(" ")) if "signature" in name else value
        for name, value in sent.items()
    }
