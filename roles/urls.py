"""Addresses of roles, API resources and their scopes, after the tenant prefix was taken off."""

from __future__ import annotations

from django.urls import path

from roles import api, api_groups, api_organizations, api_resources

ORGANIZATION = "v1/organizations/<str:organization>"
GROUP = "v1/groups/<str:group>"
RESOURCE = "v1/api-resources/<str:resource>"

urlpatterns = [
    path("v1/roles", api.Roles.as_view(), name="api-roles"),
    path("v1/roles/<str:role>", api.OneRole.as_view(), name="api-role"),
    path("v1/members/<str:member>/roles", api.MemberRoles.as_view(), name="api-member-roles"),
    path("v1/members/<str:member>/roles/<str:assignment>", api.MemberRole.as_view(), name="api-member-role"),
    path(
        f"{ORGANIZATION}/roles", api_organizations.OrganizationRoles.as_view(), name="api-organization-roles"
    ),
    path(
        f"{ORGANIZATION}/roles/<str:role>",
        api_organizations.OrganizationRole.as_view(),
        name="api-organization-role",
    ),
    path(
        f"{ORGANIZATION}/members/<str:member>/roles",
        api_organizations.MembershipRoles.as_view(),
        name="api-membership-roles",
    ),
    path(
        f"{ORGANIZATION}/members/<str:member>/roles/<str:assignment>",
        api_organizations.MembershipRole.as_view(),
        name="api-membership-role",
    ),
    path("v1/groups", api_groups.Groups.as_view(), name="api-groups"),
    path(GROUP, api_groups.OneGroup.as_view(), name="api-group"),
    path(f"{GROUP}/members", api_groups.GroupMembers.as_view(), name="api-group-members"),
    path(f"{GROUP}/members/<str:member>", api_groups.OneGroupMember.as_view(), name="api-group-member"),
    path(f"{GROUP}/roles", api_groups.GroupRoles.as_view(), name="api-group-roles"),
    path(f"{GROUP}/roles/<str:role>", api_groups.OneGroupRole.as_view(), name="api-group-role"),
    path("v1/api-resources", api_resources.Resources.as_view(), name="api-resources"),
    path(RESOURCE, api_resources.OneResource.as_view(), name="api-resource"),
    path(f"{RESOURCE}/scopes", api_resources.Scopes.as_view(), name="api-scopes"),
    path(f"{RESOURCE}/scope-imports", api_resources.ScopeImports.as_view(), name="api-scope-imports"),
    path(f"{RESOURCE}/scopes/<str:scope>", api_resources.OneScope.as_view(), name="api-scope"),
]
