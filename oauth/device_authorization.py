"""POST /oauth/device/code (RFC 8628 §3.1): a device without a browser asks to be allowed elsewhere."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core import context, ratelimit, secrets
from core.errors import RateLimitExceeded
from core.principal import Actor
from core.urls import absolute
from events.services import emit
from oauth import catalogue, retries
from oauth.catalogue import Target
from oauth.client_auth import client_of
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidScope, UnauthorizedClient
from oauth.grants import DEVICE_CODE
from oauth.http import form_of, machine, tenant_of
from oauth.models import DeviceGrant
from tenants.selectors import TenantRef

LIFETIME = 600  # seconds
INTERVAL = 5  # seconds between two polls, until a device is told to slow down
# §6.1: no vowels, so no words; no digits, so nothing that looks like a letter. 20^8 is 34.5 bits.
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
DEVICE_PURPOSE, USER_PURPOSE = "device_code", "device_user_code"
STARTS = ratelimit.Limit("device_code", 300, 60)
SHOWN_ONCE = ("device_code", "user_code", "verification_uri_complete")
_random = random.SystemRandom()


@dataclass(frozen=True)
class Codes:
    """What a device gets once: neither is stored readably."""

    device_code: str
    user_code: str


@machine
def device_authorization(request: HttpRequest) -> HttpResponse:
    """§3.1 and §3.2. The client proves itself as at the token endpoint; public ones name themselves."""
    tenant = tenant_of(request)
    parameters = form_of(request)
    client = client_of(request, tenant, parameters)
    if not client.allows_grant(DEVICE_CODE):
        raise UnauthorizedClient
    target = _target(tenant, client, parameters)
    _count(tenant, client)
    return retries.once(
        request,
        tenant,
        client,
        parameters,
        lambda: answer(tenant, begin(tenant, client, target)),
        secrets=SHOWN_ONCE,
    )


def _target(tenant: TenantRef, client: Client, parameters: Mapping[str, str]) -> Target:
    words = catalogue.parse_scope(parameters.get("scope", ""))
    if not words:
        raise InvalidScope("Name the scopes that you need.")
    return catalogue.target(tenant, client, words, parameters.get("resource", ""))


def _count(tenant: TenantRef, client: Client) -> None:
    """Anyone may name a public client, so what one network starts in its name is counted."""
    subject = f"{client.client_id}:{context.current().ip}"
    decision = ratelimit.hit(tenant=tenant.slug, subjects=[subject], limits=[STARTS])
    if not decision.allowed:
        raise RateLimitExceeded(headers=decision.headers())


def begin(tenant: TenantRef, client: Client, target: Target) -> Codes:
    """Store a request for authorization; only digests of its codes stay."""
    known = context.current()
    with in_tenant(tenant.id):
        row = DeviceGrant(
            application_id=client.id,
            scope=target.scope,
            audience=target.audience,
            interval=INTERVAL,
            expires=timezone.now() + timedelta(seconds=LIFETIME),
            ip=known.ip or None,
            user_agent=known.user_agent[:300],
        )
        codes = _store(row)
        emit(
            "device_code.created",
            actor=Actor("service", client.client_id, via=client.client_id),
            object=describe(row, client.client_id),
        )
    return codes


def _store(row: DeviceGrant) -> Codes:
    """Insert under a user code that no other request of the tenant has."""
    device_code = secrets.new_token("dc_")
    row.device_code = secrets.fingerprint(device_code, DEVICE_PURPOSE)
    while True:
        user_code = "".join(_random.choice(ALPHABET) for _ in range(LENGTH))
        row.user_code = secrets.fingerprint(user_code, USER_PURPOSE)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            continue
        return Codes(device_code, shown(user_code))


def answer(tenant: TenantRef, codes: Codes) -> dict[str, Any]:
    """Return the body of §3.2."""
    page = absolute("tenant", "oauth-device-verify", tenant.slug)
    return {
        "device_code": codes.device_code,
        "user_code": codes.user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={codes.user_code}",
        "expires_in": LIFETIME,
        "interval": INTERVAL,
    }


def shown(user_code: str) -> str:
    """Write a user code as people read it: XXXX-XXXX."""
    return f"{user_code[:4]}-{user_code[4:]}"


def typed(text: str) -> str:
    """Read what a person typed: case, dashes and spaces do not matter (§6.1). Empty if it is no user code."""
    code = "".join(character for character in text[:40].upper() if character.isalnum())
    fits = len(code) == LENGTH and all(character in ALPHABET for character in code)
    return code if fits else ""


def describe(row: DeviceGrant, client_id: str, **more: Any) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "object": "device_code",
        "client_id": client_id,
        "scope": row.scope,
        "audience": row.audience,
        "status": row.status,
        **more,
    }
