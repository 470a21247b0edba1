"""`/v1/members`, `/v1/tenant`."""

from __future__ import annotations

from typing import Any

from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.lists import paginate
from tenants import erasure, inclusions, members, provisioning, selectors, services
from tenants.policy import TenantPolicy
from tenants.serializers import (
    ErasureShape,
    LogoutShape,
    MemberBody,
    MemberPatch,
    MemberQuery,
    MemberShape,
    OneMemberQuery,
    PolicyBody,
    PolicyShape,
    Reason,
    TenantPatch,
    TenantShape,
)

TAGS = ("members",)


class Members(Endpoint):
    @operation(
        scope="members:read",
        query=MemberQuery,
        answer=MemberShape,
        many=True,
        summary="List members",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        filters = {name: call.query.get(name, "") for name in ("q", "role", "group", "organization")}
        answer = paginate(call, selectors.search_members(**filters), MemberShape)
        inclusions.add(call.caller, call.query.get("include", ()), answer.body["data"])
        return answer

    @operation(
        scope="members:write",
        body=MemberBody,
        answer=MemberShape,
        status=201,
        summary="Add a member who has no account here yet",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        member = provisioning.provision_member(actor=call.caller, **call.body)
        return Answer(call.shape(MemberShape, member), etag=etag(member))


class OneMember(Endpoint):
    @operation(
        scope="members:read", query=OneMemberQuery, answer=MemberShape, summary="Read a member", tags=TAGS
    )
    def get(self, call: Call) -> Answer:
        member = selectors.member_by_subject(call.path["member"])
        shown = call.shape(MemberShape, member)
        inclusions.add(call.caller, call.query.get("include", ()), [shown])
        return Answer(shown, etag=etag(member))

    @operation(
        scope="members:write", body=MemberPatch, answer=MemberShape, summary="Change a member", tags=TAGS
    )
    def patch(self, call: Call) -> Answer:
        member = selectors.member_by_subject(call.path["member"])
        call.check_match(etag(member))
        member = members.update_member(actor=call.caller, member=member, changes=call.changes(member))
        return Answer(call.shape(MemberShape, member), etag=etag(member))

    @operation(scope="members:write", status=204, summary="Remove a member", tags=TAGS)
    def delete(self, call: Call) -> None:
        member = selectors.member_by_subject(call.path["member"])
        call.check_match(etag(member))
        members.remove_member(actor=call.caller, member=member)


class Suspension(Endpoint):
    @operation(scope="members:write", body=Reason, answer=MemberShape, summary="Suspend a member", tags=TAGS)
    def put(self, call: Call) -> dict[str, Any]:
        member = selectors.member_by_subject(call.path["member"])
        reason = call.body.get("reason", "")
        return call.shape(
            MemberShape, members.suspend_member(actor=call.caller, member=member, reason=reason)
        )

    @operation(scope="members:write", status=204, summary="Reactivate a member", tags=TAGS)
    def delete(self, call: Call) -> None:
        member = selectors.member_by_subject(call.path["member"])
        members.reactivate_member(actor=call.caller, member=member)


class Logout(Endpoint):
    @operation(
        scope="members:write",
        body=Reason,
        answer=LogoutShape,
        summary="End all of a member's sessions in this tenant",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        member = selectors.member_by_subject(call.path["member"])
        ended = members.force_logout(actor=call.caller, member=member, reason=call.body.get("reason", ""))
        return {"object": "logout", "member": member.subject, "sessions_ended": ended}


class Erasure(Endpoint):
    @operation(
        scope="members:write",
        body=Reason,
        answer=ErasureShape,
        summary="Erase the personal data of a removed member",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        member = selectors.any_member_by_subject(call.path["member"])
        gone = erasure.erase_member(actor=call.caller, member=member, reason=call.body.get("reason", ""))
        return {"object": "erasure", "member": member.subject, "values_erased": gone}


class OneTenant(Endpoint):
    @operation(
        scope="tenant:read", answer=TenantShape, summary="Read the tenant's settings", tags=("tenant",)
    )
    def get(self, call: Call) -> Answer:
        tenant = selectors.tenant()
        return Answer(call.shape(TenantShape, tenant), etag=etag(tenant))

    @operation(
        scope="tenant:write",
        body=TenantPatch,
        answer=TenantShape,
        summary="Change the tenant's settings",
        tags=("tenant",),
    )
    def patch(self, call: Call) -> Answer:
        tenant = selectors.tenant()
        call.check_match(etag(tenant))
        tenant = services.update_tenant(actor=call.caller, tenant=tenant, changes=call.changes(tenant))
        return Answer(call.shape(TenantShape, tenant), etag=etag(tenant))


class Policy(Endpoint):
    @operation(
        scope="policies:read", answer=PolicyShape, summary="Read the tenant's policy", tags=("tenant",)
    )
    def get(self, call: Call) -> Answer:
        tenant = selectors.tenant()
        return Answer(call.shape(PolicyShape, TenantPolicy.read(tenant.policy)), etag=etag(tenant))

    @operation(
        scope="policies:write",
        body=PolicyBody,
        answer=PolicyShape,
        if_match="required",
        summary="Change the tenant's policy",
        tags=("tenant",),
    )
    def patch(self, call: Call) -> Answer:
        tenant = selectors.tenant()
        call.check_match(etag(tenant))
        tenant = services.update_policy(actor=call.caller, tenant=tenant, changes=call.body)
        return Answer(call.shape(PolicyShape, TenantPolicy.read(tenant.policy)), etag=etag(tenant))
