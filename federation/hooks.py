"""What federation adds to the apps below: connections end with their organization, links with a person."""

from __future__ import annotations

from core.principal import Principal
from federation import bound, selectors, services
from federation.models import Exemption, UpstreamIdentity
from organizations.models import Organization
from organizations.services import before_ending
from tenants.erasure import on_erasure
from tenants.models import Member


@before_ending
def end(actor: Principal, organization: Organization) -> None:
    for connection in selectors.of_place(organization):
        services.delete_connection(actor=actor, connection=connection, reason="organization_deleted")


@on_erasure
def forget(member: Member) -> list[str]:
    """Nothing of a removed member stays here; until then their link keeps the provider from making them anew."""
    mine = list(UpstreamIdentity.objects.filter(member=member))
    Exemption.objects.filter(member=member).delete()
    bound.drop_of_members([member.id], [row.connection_id for row in mine], "erased")
    UpstreamIdentity.objects.filter(id__in=[row.id for row in mine]).delete()
    return [row.public_id for row in mine]
