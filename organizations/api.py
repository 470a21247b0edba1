"""`/v1/organizations` and who belongs to them. A caller inside one sees that one only (TEN-05)."""

from __future__ import annotations

from typing import Any

from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.lists import paginate
from organizations import selectors, services
from organizations.models import Organization
from organizations.serializers import (
    ListedOrganizationShape,
    MembershipBody,
    MembershipQuery,
    MembershipShape,
    OrganizationBody,
    OrganizationPatch,
    OrganizationQuery,
    OrganizationShape,
)
from tenants.selectors import member_by_subject

TAGS = ("organizations",)


class Organizations(Endpoint):
    @operation(
        scope="organizations:read",
        query=OrganizationQuery,
        answer=ListedOrganizationShape,
        many=True,
        summary="List organizations",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = selectors.with_counts(selectors.organizations())
        if call.query.get("q"):
            rows = selectors.search(rows, call.query["q"])
        return paginate(call, rows, ListedOrganizationShape)

    @operation(
        scope="organizations:write",
        body=OrganizationBody,
        answer=OrganizationShape,
        status=201,
        summary="Create an organization",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        organization = services.create_organization(actor=call.caller, **call.body)
        return Answer(call.shape(OrganizationShape, organization), etag=etag(organization))


class InOrganization(Endpoint):
    """Base of addresses beneath one organization."""

    ids_in_path = {"organization": Organization.PREFIX}
    organization_in_path = "organization"

    @staticmethod
    def organization(call: Call) -> Organization:
        return selectors.organization(call.path["organization"])


class OneOrganization(InOrganization):
    @operation(
        scope="organizations:read", answer=OrganizationShape, summary="Read an organization", tags=TAGS
    )
    def get(self, call: Call) -> Answer:
        organization = self.organization(call)
        return Answer(call.shape(OrganizationShape, organization), etag=etag(organization))

    @operation(
        scope="organizations:write",
        body=OrganizationPatch,
        answer=OrganizationShape,
        summary="Change an organization",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        organization = self.organization(call)
        call.check_match(etag(organization))
        services.update_organization(
            actor=call.caller, organization=organization, changes=call.changes(organization)
        )
        return Answer(call.shape(OrganizationShape, organization), etag=etag(organization))

    @operation(scope="organizations:write", status=204, summary="Delete an organization", tags=TAGS)
    def delete(self, call: Call) -> None:
        organization = self.organization(call)
        call.check_match(etag(organization))
        services.delete_organization(actor=call.caller, organization=organization)


class Memberships(InOrganization):
    @operation(
        scope="organizations:read",
        query=MembershipQuery,
        answer=MembershipShape,
        many=True,
        summary="List who belongs to an organization",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = selectors.memberships(self.organization(call))
        text = call.query.get("q")
        if text:
            rows = selectors.search_memberships(rows, text)
        return paginate(call, rows, MembershipShape)

    @operation(
        scope="organizations:write",
        body=MembershipBody,
        answer=MembershipShape,
        status=201,
        summary="Add a member of the tenant to an organization",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        membership = services.add_member(
            actor=call.caller,
            organization=self.organization(call),
            member=member_by_subject(call.body["member"]),
        )
        return call.shape(MembershipShape, membership)


class OneMembership(InOrganization):
    @operation(scope="organizations:read", answer=MembershipShape, summary="Read a membership", tags=TAGS)
    def get(self, call: Call) -> dict[str, Any]:
        membership = selectors.membership(self.organization(call), call.path["member"])
        return call.shape(MembershipShape, membership)

    @operation(
        scope="organizations:write", status=204, summary="Remove a member from an organization", tags=TAGS
    )
    def delete(self, call: Call) -> None:
        membership = selectors.membership(self.organization(call), call.path["member"])
        services.remove_member(actor=call.caller, membership=membership)
