"""`/v1/members/{member}/sessions`: the sessions of one person in this tenant, and ending one of them."""

from __future__ import annotations

from rest_framework import serializers

from core import ids
from core.api.endpoint import Answer, Call, Endpoint, operation
from core.api.fields import Shape, Timestamp
from core.api.lists import ListQuery, paginate
from tenants import members, selectors
from tenants.models import TenantSession
from tenants.tokens import ORGANIZATION

TAGS = ("members",)


class SessionShape(Shape):
    """A live session; its id is the `sid` of its tokens. `clients` are the applications that took part."""

    object_name = "session"

    member = serializers.SerializerMethodField()
    organization_id = serializers.SerializerMethodField()
    acr = serializers.CharField()
    amr = serializers.ListField(child=serializers.CharField())
    auth_time = Timestamp()
    last_active_at = Timestamp()
    expires_at = Timestamp()
    clients = serializers.ListField(child=serializers.CharField())
    ip = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()

    def get_member(self, session: TenantSession) -> str:
        return str(self.context["subject"])

    def get_organization_id(self, session: TenantSession) -> str | None:
        return ids.encode(ORGANIZATION, session.organization_id) if session.organization_id else None


class MemberSessions(Endpoint):
    @operation(
        scope="members:read",
        query=ListQuery,
        answer=SessionShape,
        many=True,
        summary="List a member's sessions that have not been ended",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        member = selectors.member_by_subject(call.path["member"])
        return paginate(call, selectors.sessions_of(member), SessionShape, subject=member.subject)


class OneMemberSession(Endpoint):
    ids_in_path = {"session": TenantSession.PREFIX}

    @operation(
        scope="members:write", status=204, summary="End one session of a member, with its tokens", tags=TAGS
    )
    def delete(self, call: Call) -> None:
        member = selectors.member_by_subject(call.path["member"])
        session = selectors.session_of(member, call.path["session"])
        members.revoke_session(actor=call.caller, session=session)
