"""What claim mapping adds to the tokens of this server: rules of the application and of the API resource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from core.principal import SubjectType
from oauth import catalogue
from roles import authority, claim_mapping, group_selectors
from roles.claim_facts import Facts

if TYPE_CHECKING:
    from oauth.catalogue import Target
    from oauth.clients import Client
    from oauth.issuing import Standing
    from tenants.selectors import TenantRef


def rules(tenant: TenantRef, client: Client, audience: str) -> claim_mapping.Mapped:
    """Return the rules for an access token; the API resource has the last word about its own tokens."""
    resource = catalogue.resources_of(tenant).get(audience)
    return client.mapping + resource.mapping if resource is not None else client.mapping


def of_member(
    tenant: TenantRef, client: Client, standing: Standing, target: Target, kind: SubjectType
) -> dict[str, Any]:
    """Return the mapped claims of a person's access token, in the open tenant scope."""
    found = rules(tenant, client, target.audience)
    if not found:
        return {}
    facts = facts_of(tenant, client, standing, target.scopes, kind)
    return claim_mapping.claims(found, claim_mapping.ACCESS, facts.read)


def of_id_token(
    tenant: TenantRef, client: Client, standing: Standing, scopes: Iterable[str]
) -> dict[str, Any]:
    if not client.mapping:
        return {}
    facts = facts_of(tenant, client, standing, scopes)
    return claim_mapping.claims(client.mapping, claim_mapping.ID, facts.read)


def facts_of(
    tenant: TenantRef,
    client: Client,
    standing: Standing,
    scopes: Iterable[str],
    kind: SubjectType = SubjectType.USER,
) -> Facts:
    return Facts(
        tenant,
        subject=standing.subject,
        subject_type=kind.value,
        client_id=client.client_id,
        email=standing.email,
        name=standing.name,
        organization_id=standing.organization_id,
        scopes=tuple(scopes),
        roles=lambda: authority.roles_of(standing.member_id, standing.organization_id),
        groups=lambda: group_selectors.names_of(standing.member_id, standing.organization_id),
        permissions=lambda: authority.permissions_of(standing.member_id, standing.organization_id),
        metadata=standing.metadata,
    )


def of_service(
    tenant: TenantRef,
    client: Client,
    target: Target,
    subject: str = "",
    kind: SubjectType = SubjectType.SERVICE,
) -> dict[str, Any]:
    """Return the mapped claims of a client that acts for itself: its permissions are its scopes."""
    found = rules(tenant, client, target.audience)
    if not found:
        return {}
    facts = Facts(
        tenant,
        subject=subject or client.client_id,
        subject_type=kind.value,
        client_id=client.client_id,
        name=client.name,
        scopes=target.scopes,
        permissions=lambda: target.scopes,
    )
    return claim_mapping.claims(found, claim_mapping.ACCESS, facts.read)
