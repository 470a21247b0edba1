"""What an envelope says about its tenant: the issuer's slug and the mode.

Events lie below tenants and import nothing of them; the lookup function `tenant_by_id` is the database's
own answer, remembered under the cache topic that tenants invalidate.
"""

from __future__ import annotations

import uuid
from typing import NamedTuple

from django.conf import settings

from core import scope, urls
from core.livecache import LiveCache
from core.postgres.prepared import Prepared

_LOOK_UP = Prepared("SELECT slug, mode FROM tenant_by_id(%s)")


class Source(NamedTuple):
    """`uri` is the CloudEvents source; `mode` is live or test."""

    uri: str
    mode: str


_tenants: LiveCache[Source] = LiveCache("tenant")


def of(opened: scope.Scope) -> Source:
    """Return the source of a scope's events; raises ScopeError for a tenant that does not exist."""
    if opened.tenant_id is not None:
        key = opened.tenant_id
        return _tenants.get(str(key), lambda: _load(key))
    area = "account" if opened.account_id is not None else "operator"
    return Source(f"{settings.ORIGIN}/{area}", "live")


def _load(tenant_id: uuid.UUID) -> Source:
    row = _LOOK_UP.first([tenant_id])
    if row is None:
        raise scope.ScopeError(f"no tenant {tenant_id} to write events for")
    return Source(urls.issuer(row[0]), row[1])
