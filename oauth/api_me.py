"""`/v1/me`: the caller's own view of itself (API-07). People only: a machine has no "me"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from core import ids, scope
from core.api.endpoint import PEOPLE, Call, Endpoint, Operation, operation
from core.api.fields import PublicId, Shape
from core.errors import NotFound
from core.principal import Principal
from identity.api import AccountEndpoint, carries_account_token, holder
from identity.tokens import TokenScope
from organizations import selectors as organizations
from organizations.models import Organization
from roles import authority
from tenants import selectors as members
from tenants.models import Member, Tenant, TenantSession, TenantStatus

ME = ("Me",)
# The same address, asked with a person's own token.
EVERYWHERE = Operation(scope=TokenScope.TENANTS_READ.value, account=True, subject_types=PEOPLE, many=True)


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

    tenant_id = PublicId("ten")
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


class MyOrganizations(AccountEndpoint):
    """All of a person's organizations in the tenant, also while one is active: a switcher needs that.

    With the person's own token, at the bare origin, those of all tenants (TEN-13, C28).
    """

    takes_outside_tokens = True
    mine: list[Organization]

    def perform(
        self, spec: Operation, function: Callable[..., Any], request: Request, path: dict[str, Any]
    ) -> HttpResponse:
        if carries_account_token(request):
            return super().perform(EVERYWHERE, MyOrganizations.everywhere, request, path)
        return Endpoint.perform(self, spec, function, request, path)

    def everywhere(self, call: Call) -> dict[str, Any]:
        with scope.account(holder(call).account_id):
            places = members.places_of_account()
        return _whole(
            [row for tenant, member in places for row in _organizations_there(call, tenant, member)]
        )

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
        summary="List the organizations the person belongs to in this tenant, or with an own token in all",
        tags=ME,
    )
    def get(self, call: Call) -> dict[str, Any]:
        return _whole([call.shape(MyOrganizationShape, row) for row in self.mine])


def _whole(data: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": data, "has_more": False, "next_cursor": None, "prev_cursor": None}


def _organizations_of(caller: Principal) -> list[Organization]:
    assert caller.member_id is not None
    return _with_roles(members.member(caller.member_id))


def _organizations_there(call: Call, tenant: Tenant, member: Member) -> list[dict[str, Any]]:
    """Return the organizations in one of the person's tenants, none where tenant or member is suspended."""
    if tenant.status != TenantStatus.ACTIVE or not member.is_active:
        return []
    with scope.tenant(tenant.id):
        return [{**call.shape(MyOrganizationShape, row), "mode": tenant.mode} for row in _with_roles(member)]


def _with_roles(member: Member) -> list[Organization]:
    found = list(organizations.organizations_of(member))
    for row in found:
        row.roles = list(authority.roles_of(member.id, row.id))  # type: ignore[attr-defined]
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
