"""`/v1/roles`, who has them, and the same inside one organization."""

from __future__ import annotations

from typing import Any

from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.lists import paginate
from organizations.api import InOrganization
from organizations.selectors import membership, organization
from roles import selectors, services
from roles.models import Role, RoleAssignment
from roles.serializers import (
    AssignmentBody,
    AssignmentQuery,
    AssignmentShape,
    OrganizationAssignmentBody,
    RoleBody,
    RolePatch,
    RoleQuery,
    RoleShape,
    TenantRoleBody,
)
from tenants.selectors import begins, member_by_subject

TAGS = ("roles",)


def list_roles(call: Call, rows: Any) -> Answer:
    if call.query.get("q"):
        rows = rows.filter(begins("name", call.query["q"], folded=False))
    return paginate(call, rows, RoleShape)


def changed(call: Call, role: Role) -> Answer:
    call.check_match(etag(role))
    role = services.update_role(actor=call.caller, role=role, changes=call.changes(role))
    return Answer(call.shape(RoleShape, role), etag=etag(role))


class Roles(Endpoint):
    @operation(
        scope="roles:read", query=RoleQuery, answer=RoleShape, many=True, summary="List roles", tags=TAGS
    )
    def get(self, call: Call) -> Answer:
        return list_roles(call, selectors.roles())

    @operation(
        scope="roles:write",
        body=TenantRoleBody,
        answer=RoleShape,
        status=201,
        summary="Create a custom role of the tenant or of one organization",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        confined = call.body.pop("organization", None)
        where = organization(confined) if confined else None
        role = services.create_role(actor=call.caller, organization=where, **call.body)
        return Answer(call.shape(RoleShape, role), etag=etag(role))


class OneRole(Endpoint):
    ids_in_path = {"role": Role.PREFIX}

    @operation(scope="roles:read", answer=RoleShape, summary="Read a role", tags=TAGS)
    def get(self, call: Call) -> Answer:
        role = selectors.role(call.path["role"])
        return Answer(call.shape(RoleShape, role), etag=etag(role))

    @operation(
        scope="roles:write",
        body=RolePatch,
        answer=RoleShape,
        if_match="required",
        summary="Change a custom role",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        return changed(call, selectors.role(call.path["role"]))

    @operation(
        scope="roles:write", status=204, if_match="required", summary="Delete a custom role", tags=TAGS
    )
    def delete(self, call: Call) -> None:
        role = selectors.role(call.path["role"])
        call.check_match(etag(role))
        services.delete_role(actor=call.caller, role=role)


class MemberRoles(Endpoint):
    @operation(
        scope="roles:read",
        query=AssignmentQuery,
        answer=AssignmentShape,
        many=True,
        summary="List the roles that a member has",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        member = member_by_subject(call.path["member"])
        return paginate(
            call, selectors.assignments(member.id).select_related("role", "member"), AssignmentShape
        )

    @operation(
        scope="roles:write",
        body=AssignmentBody,
        answer=AssignmentShape,
        status=201,
        summary="Give a member a role in the tenant or in one organization",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        confined = call.body.get("organization")
        row = services.assign_role(
            actor=call.caller,
            member=member_by_subject(call.path["member"]),
            role=selectors.role(call.body["role"]),
            organization=organization(confined) if confined else None,
            expires_at=call.body.get("expires_at"),
        )
        return call.shape(AssignmentShape, row)


class MemberRole(Endpoint):
    ids_in_path = {"assignment": RoleAssignment.PREFIX}

    @operation(scope="roles:write", status=204, summary="Take a role from a member", tags=TAGS)
    def delete(self, call: Call) -> None:
        member = member_by_subject(call.path["member"])
        row = selectors.assignment(call.path["assignment"], member.id)
        services.unassign_role(actor=call.caller, assignment=row)


# --- inside one organization: its own people do this with organizations:write -----------------------------


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
        return paginate(call, rows.select_related("role", "member"), AssignmentShape)

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
