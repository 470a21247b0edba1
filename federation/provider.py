"""A connection free of database objects, for what is done with no scope open, such as calls to its provider."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from federation.models import Connection
from tenants import data_keys

TABLE, COLUMN = "federation_connection", "sealed_secret"


@dataclass(frozen=True)
class Provider:
    id: uuid.UUID
    tenant_id: uuid.UUID
    organization_id: uuid.UUID | None
    name: str
    issuer: str
    client_id: str
    client_auth: str
    secret: str = field(repr=False)
    endpoints: Mapping[str, str]
    algorithms: tuple[str, ...]
    scopes: tuple[str, ...]
    attributes: Mapping[str, str]
    trust_email: bool
    trust_mfa: bool


class Rejected(Exception):
    """A sign-in that is not taken. `check` is one of CHECKS; `detail` a short sentence for who set it up."""

    def __init__(self, check: str, detail: str = "") -> None:
        super().__init__(check)
        self.check, self.detail = check, detail[:300]


CHECKS = (
    "state", "provider", "redirect", "discovery", "token", "signature", "issuer", "audience", "nonce", "clock",
    "freshness", "userinfo", "attributes", "domain", "no_member", "member", "disabled",
)  # fmt: skip


def load(row: Connection) -> Provider:
    """Read a connection with its secret, in the open tenant scope."""
    return Provider(
        id=row.id,
        tenant_id=row.tenant_id,
        organization_id=row.organization_id,
        name=row.name,
        issuer=row.issuer,
        client_id=row.client_id,
        client_auth=row.client_auth,
        secret=open_secret(row),
        endpoints=dict(row.endpoints),
        algorithms=tuple(row.algorithms),
        scopes=tuple(row.scopes),
        attributes=dict(row.attributes),
        trust_email=row.trust_email,
        trust_mfa=row.trust_mfa,
    )


def seal_secret(row: Connection, secret: str) -> None:
    """Seal a client secret for this row alone: moved to another it does not open (threat V1)."""
    sealer = data_keys.sealer(row.tenant_id)
    row.sealed_secret = sealer.seal(secret.encode(), (TABLE, COLUMN, str(row.id)))


def open_secret(row: Connection) -> str:
    sealer = data_keys.sealer(row.tenant_id)
    return sealer.open(bytes(row.sealed_secret), (TABLE, COLUMN, str(row.id))).decode()
