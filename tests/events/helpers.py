"""Tenants for tests of the event kernel, which knows no app above it."""

from __future__ import annotations

import uuid

from core import ids, scope
from core.principal import Actor
from events.registry import declare
from events.services import emit
from tenants.models import Tenant, Workspace

USER = Actor(type="user", id="sub_tester", via="app_web")

declare(
    "thing.created",
    "A thing was created (tests)",
    object="thing",
    fields={
        "name": "string",
        "count": {"type": ["integer", "null"]},
        "tags": "array",
        "email": "string",
        "extra": "object",
    },
)
declare(
    "thing.updated",
    "A thing was changed (tests)",
    object="thing",
    fields={"name": "string", "email": "string"},
)


def new_tenant(mode: str = "test") -> uuid.UUID:
    with scope.operator():
        workspace = Workspace(name="Workspace")
        workspace.save()
        tenant = Tenant(
            workspace=workspace, slug=f"t{uuid.uuid4().hex[:16]}", name="Tenant", mode=mode, data_key=b"-"
        )
        tenant.save()
    return tenant.id


def thing(name: str = "one", **fields: object) -> dict[str, object]:
    return {"id": ids.encode("thg", ids.uuid7()), "object": "thing", "name": name, **fields}


def emit_in(tenant_id: uuid.UUID, name: str = "one", **options: object):
    with scope.tenant(tenant_id):
        return emit("thing.created", actor=USER, object=thing(name), **options)
