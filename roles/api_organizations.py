"""`/v1/organizations/{id}/roles` and `…/members/{sub}/roles`: its own people do this with organizations:write."""

from __future__ import annotations

from typing import Any

from core.api.endpoint import Answer, Call, etag, operation
from core.api.lists import paginate
from organizations.api import InOrganization
from organizations.selectors import membership
from roles import selectors, services
from roles.api import TAGS, changed, list_roles
from roles.models import Role, RoleAssignment
from roles.serializers import (
    AssignmentQuery,
    AssignmentShape,
    OrganizationAssignmentBody,
    RoleBody,
    RolePatch,
    RoleQuery,
    RoleShape,
)


class OrganizationRoles(InOrganization):
    @operation(
        scope="organizations:read",
        query=RoleQuery,
        answer=RoleShape,
        many=True,
        summary="List the custom roles of an organization",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        return list_roles(call, selectors.roles().filter(organization=self.organization(call)))

    @operation(
        scope="organizations:write",
        body=RoleBody,
        answer=RoleShape,
        status=201,
        summary="Create a custom role of an organization",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        role = services.create_role(actor=call.caller, organization=self.organization(call), **call.body)
        return Answer(call.shape(RoleShape, role), etag=etag(role))


class OrganizationRole(InOrganization):
    ids_in_path = {**InOrganization.ids_in_path, "role": Role.PREFIX}

    def role(self, call: Call) -> Role:
        return selectors.role(call.path["role"], self.organization(call).id)

    @operation(scope="organizations:read", answer=RoleShape, summary="Read an organization's role", tags=TAGS)
    def get(self, call: Call) -> Answer:
        role = self.role(call)
        return Answer(call.shape(RoleShape, role), etag=etag(role))

    @operation(
        scope="organizations:write",
        body=RolePatch,
        answer=RoleShape,
        if_match="required",
        summary="Change an organization's role",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        return changed(call, self.role(call))

    @operation(
        scope="organizations:write",
        status=204,
        if_match="required",
        summary="Delete an organization's role",
        tags=TAGS,
    )
    def delete(self, call: Call) -> None:
        role = self.role(call)
        call.check_match(etag(role))
        services.delete_role(actor=call.caller, role=role)


class MembershipRoles(InOrganization):
    @operation(
        scope="organizations:read",
        query=AssignmentQuery,
        answer=AssignmentShape,
        many=True,
        summary="List the roles that a member has in an organization",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        held = membership(self.organization(call), call.path["member"])
        rows = selectors.assignments(held.member_id).filter(organization_id=held.organization_id)
        return paginate(call, rows.select_related("role", "member", "group"), AssignmentShape)

    @operation(
        scope="organizations:write",
        body=OrganizationAssignmentBody,
        answer=AssignmentShape,
        status=201,
        summary="Give a member a role in an organization",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        where = self.organization(call)
        row = services.assign_role(
            actor=call.caller,
            member=membership(where, call.path["member"]).member,
            role=selectors.role(call.body["role"]),
            organization=where,
            expires_at=call.body.get("expires_at"),
        )
        return call.shape(AssignmentShape, row)


class MembershipRole(InOrganization):
    ids_in_path = {**InOrganization.ids_in_path, "assignment": RoleAssignment.PREFIX}

    @operation(scope="organizations:write", status=204, summary="Take a role in an organization", tags=TAGS)
    def delete(self, call: Call) -> None:
        held = membership(self.organization(call), call.path["member"])
        row = selectors.assignment(call.path["assignment"], held.member_id, held.organization_id)
        services.unassign_role(actor=call.caller, assignment=row)
