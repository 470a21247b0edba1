"""The dashboard's addresses. Each app's `pages.ROUTES` lists (path below the tenant, page, permission);
here every page gets the frame around it. The service behind a page asks for the permission again.
"""

from __future__ import annotations

from itertools import chain

from django.urls import URLPattern, URLResolver, path

import apikeys.account_pages as service_accounts
import apikeys.pages as keys
import audit.pages as audit
import audit.sign_ins as sign_ins
import federation.member_pages as federation_members
import federation.pages as federation
import invitations.pages as invitations
import oauth.assignment_pages as assignment
import oauth.initial_access_token_pages as initial_access_tokens
import oauth.inspector_pages as inspector
import oauth.pages as applications
import oauth.token_pages as application_tokens
import oauth.trusted_issuer_pages as trusted_issuers
import oauth.try_it_pages as try_it
import organizations.branding_pages as organization_branding
import organizations.domain_pages as organization_domains
import organizations.member_pages as organization_members
import organizations.pages as organizations
import organizations.policy_pages as organization_policy
import roles.group_pages as groups
import roles.member_pages as member_roles
import roles.pages as roles
import tenants.branding_pages as branding
import tenants.claim_pages as claims
import tenants.key_pages as signing_keys
import tenants.pages as tenants
import tenants.protection_pages as protection
import tenants.settings_pages as tenant_settings
import webhooks.pages as webhooks
from dashboard import creation, overview, search
from dashboard.frame import page

TENANT = "dashboard/<slug:slug>"
APPS = (
    tenants,
    tenant_settings,
    protection,
    signing_keys,
    branding,
    claims,
    application_tokens,
    invitations,
    organizations,
    organization_members,
    organization_domains,
    organization_policy,
    organization_branding,
    applications,
    assignment,
    try_it,
    initial_access_tokens,
    trusted_issuers,
    federation,
    federation_members,
    roles,
    groups,
    member_roles,
    keys,
    service_accounts,
    webhooks,
    audit,
    sign_ins,
    inspector,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", creation.home, name="home"),
    path("dashboard/", creation.choose, name="dashboard_choose"),
    path("dashboard/new", creation.create, name="dashboard_new"),
    path(f"{TENANT}/", page("", "")(overview.overview), name="dashboard"),
    path(f"{TENANT}/search", page("", "")(search.page), name="dashboard_search"),
    path(f"{TENANT}/search.json", page("", "")(search.palette), name="dashboard_palette"),
    *(
        path(
            f"{TENANT}/{below}",
            page(str(permission), below.partition("/")[0])(view),
            name=f"dashboard_{view.__name__}",
        )
        for below, view, permission in chain.from_iterable(app.ROUTES for app in APPS)
    ),
]
