"""Finding one of the person's own services by its id in an address; anybody else's is not found."""

from __future__ import annotations

from core.errors import NotFound
from core.lookups import id_or_missing
from portal.frame import Own, places
from tenants.models import Member, Tenant


def own_place(own: Own, tenant_id: str) -> tuple[Tenant, Member]:
    """Return the service and the member that the person is there; raises NotFound."""
    wanted = id_or_missing(Tenant.PREFIX, tenant_id)
    found = next((place for place in places(own) if place[0].id == wanted), None)
    if found is None:
        raise NotFound
    return found
