"""`/v1/groups`, who is in them and which roles they give. A caller inside an organization sees its own only."""

from __future__ import annotations

from typing import Any

from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.lists import paginate
from organizations.selectors import organization
from roles import group_selectors, selectors, services
from roles.group_serializers import (
    GivenQuery,
    GroupBody,
    GroupMemberShape,
    GroupPatch,
    GroupQuery,
    GroupRoleShape,
    GroupShape,
    InGroupQuery,
    ListedGroupShape,
)
from roles.models import Group, Role
from roles.permissions import Permission
from tenants.selectors import member_by_subject

READ, WRITE = Permission.GROUPS_READ, Permission.GROUPS_WRITE
TAGS = ("groups",)


def shown(call: Call, group: Group) -> Answer:
    return Answer(call.shape(GroupShape, group), etag=etag(group))


class Groups(Endpoint):
    @operation(
        scope=READ, query=GroupQuery, answer=ListedGroupShape, many=True, summary="List groups", tags=TAGS
    )
    def get(self, call: Call) -> Answer:
        rows = group_selectors.with_counts(group_selectors.groups())
        if call.query.get("q"):
            rows = group_selectors.search(rows, call.query["q"])
        if call.query.get("member"):
            rows = group_selectors.with_member(rows, member_by_subject(call.query["member"]).id)
        if call.query.get("role"):
            rows = group_selectors.giving(rows, call.query["role"])
        return paginate(call, rows, ListedGroupShape)

    @operation(
        scope=WRITE,
        body=GroupBody,
        answer=GroupShape,
        status=201,
        summary="Create a group of the tenant or of one organization",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        confined = call.body.pop("organization", None)
        where = organization(confined) if confined else None
        return shown(call, services.create_group(actor=call.caller, organization=where, **call.body))


class InGroup(Endpoint):
    """Base of addresses beneath one group."""

    ids_in_path = {"group": Group.PREFIX}

    @staticmethod
    def group(call: Call) -> Group:
        return group_selectors.group(call.path["group"])


class OneGroup(InGroup):
    @operation(scope=READ, answer=GroupShape, summary="Read a group", tags=TAGS)
    def get(self, call: Call) -> Answer:
        return shown(call, self.group(call))

    @operation(scope=WRITE, body=GroupPatch, answer=GroupShape, summary="Change a group", tags=TAGS)
    def patch(self, call: Call) -> Answer:
        group = self.group(call)
        call.check_match(etag(group))
        return shown(call, services.update_group(actor=call.caller, group=group, changes=call.changes(group)))

    @operation(
        scope=WRITE, status=204, summary="Delete a group; its members lose the roles it gives", tags=TAGS
    )
    def delete(self, call: Call) -> None:
        group = self.group(call)
        call.check_match(etag(group))
        services.delete_group(actor=call.caller, group=group)


class GroupMembers(InGroup):
    @operation(
        scope=READ,
        query=InGroupQuery,
        answer=GroupMemberShape,
        many=True,
        summary="List who is in a group",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = group_selectors.people(self.group(call)).select_related("group", "member")
        text = call.query.get("q")
        return paginate(call, group_selectors.search_people(rows, text) if text else rows, GroupMemberShape)


class OneGroupMember(InGroup):
    @operation(scope=WRITE, answer=GroupMemberShape, summary="Put a member into a group", tags=TAGS)
    def put(self, call: Call) -> dict[str, Any]:
        row = services.add_to_group(
            actor=call.caller, group=self.group(call), member=member_by_subject(call.path["member"])
        )
        return call.shape(GroupMemberShape, row)

    @operation(scope=WRITE, status=204, summary="Take a member out of a group", tags=TAGS)
    def delete(self, call: Call) -> None:
        services.remove_from_group(
            actor=call.caller, group=self.group(call), member=member_by_subject(call.path["member"])
        )


class GroupRoles(InGroup):
    @operation(
        scope=READ,
        query=GivenQuery,
        answer=GroupRoleShape,
        many=True,
        summary="List the roles that a group gives",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = group_selectors.given(self.group(call)).select_related("group", "role")
        return paginate(call, rows, GroupRoleShape)


class OneGroupRole(InGroup):
    ids_in_path = {**InGroup.ids_in_path, "role": Role.PREFIX}

    @operation(scope=WRITE, answer=GroupRoleShape, summary="Give a role to everybody in a group", tags=TAGS)
    def put(self, call: Call) -> dict[str, Any]:
        row = services.add_group_role(
            actor=call.caller, group=self.group(call), role=selectors.role(call.path["role"])
        )
        return call.shape(GroupRoleShape, row)

    @operation(scope=WRITE, status=204, summary="Have a group give a role no more", tags=TAGS)
    def delete(self, call: Call) -> None:
        services.remove_group_role(
            actor=call.caller, group=self.group(call), role=selectors.role(call.path["role"])
        )
