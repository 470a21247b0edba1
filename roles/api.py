"""`/v1/roles`, who has them, and the same inside one organization."""

from __future__ import annotations

from typing import Any

from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.lists import paginate
from organizations.selectors import organization
from roles import selectors, services
from roles.models import Role, RoleAssignment
from roles.serializers import (
    AssignmentBody,
    AssignmentQuery,
    AssignmentShape,
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
            call, selectors.assignments(member.id).select_related("role", "member", "group"), AssignmentShape
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
