"""`/v1/me`: the caller's own view of itself (API-07). People only: a machine has no "me"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from core import ids, scope
from core.api.endpoint import PEOPLE, Call, Endpoint, Operation, operation
from core.api.fields import PublicId, Shape
from core.errors import NotFound
from core.principal import Principal
from organizations import selectors as organizations
from organizations.models import Organization
from roles import authority
from tenants import selectors as members
from tenants.models import Member, TenantSession

ME = ("Me",)


class MeShape(Shape):
    object_name = "member"

    name = serializers.CharField()
    email = serializers.CharField()
    email_verified = serializers.BooleanField()
    locale = serializers.CharField()
    status = serializers.CharField()
    tenant_id = PublicId("ten")
    organization_id = serializers.SerializerMethodField()
    session_id = serializers.SerializerMethodField()
    client_id = serializers.SerializerMethodField()
    roles = serializers.SerializerMethodField()
    scopes = serializers.SerializerMethodField()

    def get_organization_id(self, member: Member) -> str | None:
        active = self.context["call"].caller.organization_id
        return ids.encode(Organization.PREFIX, active) if active else None

    def get_session_id(self, member: Member) -> str | None:
        session = self.context["call"].caller.session_id
        return ids.encode(TenantSession.PREFIX, session) if session else None

    def get_client_id(self, member: Member) -> str:
        return str(self.context["call"].caller.client_id)

    def get_roles(self, member: Member) -> list[str]:
        return list(self.context["call"].caller.roles)

    def get_scopes(self, member: Member) -> list[str]:
        return sorted(self.context["call"].caller.scopes)


class MyOrganizationShape(Shape):
    """An organization that the caller belongs to, with the caller's roles in it."""

    object_name = "organization"

    name = serializers.CharField()
    slug = serializers.CharField()
    status = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    active = serializers.SerializerMethodField()

    def get_active(self, organization: Organization) -> bool:
        return bool(self.context["call"].caller.organization_id == organization.id)


class PermissionsShape(serializers.Serializer):
    """What the caller may do here with this token, and what the roles alone would allow."""

    object = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())
    granted = serializers.ListField(child=serializers.CharField())
    roles = serializers.ListField(child=serializers.CharField())


class Me(Endpoint):
    takes_outside_tokens = True

    @operation(answer=MeShape, subject_types=PEOPLE, summary="Read the signed-in person", tags=ME)
    def get(self, call: Call) -> dict[str, Any]:
        return call.shape(MeShape, _member(call))


class MyOrganizations(Endpoint):
    """All of a person's organizations in the tenant, also while one is active: a switcher needs that."""

    takes_outside_tokens = True
    mine: list[Organization]

    def authorize(
        self, spec: Operation, caller: Principal, request: Request, path: Mapping[str, Any]
    ) -> None:
        """Read before the door narrows the scope to the active organization, which hides the others."""
        super().authorize(spec, caller, request, path)
        with scope.tenant(caller.tenant_id):
            self.mine = _organizations_of(caller)

    @operation(
        answer=MyOrganizationShape,
        many=True,
        subject_types=PEOPLE,
        summary="List the organizations the person belongs to in this tenant",
        tags=ME,
    )
    def get(self, call: Call) -> dict[str, Any]:
        data = [call.shape(MyOrganizationShape, row) for row in self.mine]
        return {"object": "list", "data": data, "has_more": False, "next_cursor": None, "prev_cursor": None}


def _organizations_of(caller: Principal) -> list[Organization]:
    assert caller.member_id is not None
    found = list(organizations.organizations_of(members.member(caller.member_id)))
    for row in found:
        row.roles = list(authority.roles_of(caller.member_id, row.id))  # type: ignore[attr-defined]
    return found


class MyPermissions(Endpoint):
    @operation(answer=PermissionsShape, subject_types=PEOPLE, summary="List what the person may do", tags=ME)
    def get(self, call: Call) -> dict[str, Any]:
        caller = call.caller
        assert caller.member_id is not None
        return {
            "object": "permissions",
            "permissions": sorted(caller.permissions),
            "granted": sorted(authority.permissions_of(caller.member_id, caller.organization_id)),
            "roles": list(caller.roles),
        }


def _member(call: Call) -> Member:
    if call.caller.member_id is None:
        raise NotFound
    return members.member(call.caller.member_id)
