"""`/v1/organizations/{id}/branding`: an organization's own looks over the tenant's."""

from __future__ import annotations

from typing import Any

from core.api.endpoint import Answer, Call, etag, operation
from organizations import branding
from organizations.api import TAGS, InOrganization
from organizations.models import Organization
from tenants import selectors as tenants
from tenants.branding_api import LogoBody, OwnBrandingBody, WornShape, merged, shown


def answer(call: Call, organization: Organization) -> Answer:
    own, mode = organization.branding, call.caller.mode
    contact = {name: own.get(name) for name in branding.CONTACT}
    worn: dict[str, Any] = shown(branding.worn(tenants.tenant(), organization), mode)
    return Answer({**shown(own, mode), **contact, "worn": worn}, etag=etag(organization))


class OrganizationBranding(InOrganization):
    @operation(
        scope="organizations:read", answer=WornShape, summary="Read an organization's own looks", tags=TAGS
    )
    def get(self, call: Call) -> Answer:
        return answer(call, self.organization(call))

    @operation(
        scope="organizations:write",
        body=OwnBrandingBody,
        answer=WornShape,
        if_match="required",
        summary="Change an organization's own looks",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        organization = self.organization(call)
        call.check_match(etag(organization))
        values = merged(organization.branding, call.body)
        return answer(call, branding.publish(actor=call.caller, organization=organization, values=values))


class OrganizationLogo(InOrganization):
    variant = ""

    @operation(
        scope="organizations:write",
        body=LogoBody,
        answer=WornShape,
        summary="Publish an organization's logo for the light or the dark appearance",
        tags=TAGS,
    )
    def put(self, call: Call) -> Answer:
        organization = branding.set_logo(
            actor=call.caller,
            organization=self.organization(call),
            slug=tenants.tenant().slug,
            variant=self.variant,
            content=call.body["content"],
        )
        return answer(call, organization)

    @operation(scope="organizations:write", status=204, summary="Take an organization's logo away", tags=TAGS)
    def delete(self, call: Call) -> None:
        branding.remove_logo(actor=call.caller, organization=self.organization(call), variant=self.variant)
