"""How often the token endpoint answers one client from one network (requirement API-05, decision C23).

Counted per client *and* network, so that nobody elsewhere can use up a client's share. Clients that prove
themselves serve many and get more; proofs that fail are counted by network alone.
"""

from __future__ import annotations

from core import ratelimit
from core.network import current_network
from core.ratelimit import Limit
from oauth.clients import Client
from oauth.errors import RateLimited
from tenants.selectors import TenantRef

CONFIDENTIAL = Limit("token", 30_000)
PUBLIC = Limit("token", 6_000)
FAILED = Limit("token_failures", 600)


def count(tenant: TenantRef, client: Client) -> None:
    """Count one request of a client that has proved itself; raises RateLimited."""
    _take(tenant, client.client_id, PUBLIC if client.is_public else CONFIDENTIAL)


def count_failure(tenant: TenantRef) -> None:
    """Count one proof that failed; raises RateLimited instead of the refusal when there were too many."""
    _take(tenant, "", FAILED)


def _take(tenant: TenantRef, client_id: str, limit: Limit) -> None:
    subject = f"{current_network()}:{client_id}"
    decision = ratelimit.hit(tenant=str(tenant.id), subjects=[subject], limits=[limit])
    if not decision.allowed:
        raise RateLimited(headers=decision.headers())
