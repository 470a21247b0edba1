"""The page of a person who may not use the application that they signed in for (APP-06)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from core import scope
from core.urls import tenant_path
from oauth import assignment, code_grant, marks, redirects
from oauth.errors import AccessDenied
from oauth.visits import Visit
from tenants.face import face_of


def may_use(visit: Visit, signed: Any) -> bool:
    """Whether the person who is signed in may use the application that asks."""
    client = visit.wanted.client
    if not client.assigned_organizations and not client.assigned_roles:
        return True
    with scope.tenant(visit.tenant.id):
        return assignment.allows(client, signed.member.id, signed.organization_id)


def refuse(visit: Visit, signed: Any) -> HttpResponse:
    """Say so to the person, with the way back and, where it would help, to another organization."""
    wanted = visit.wanted
    if "none" in wanted.prompt:
        raise wanted.refuse(AccessDenied("This application is not assigned to the person."))
    with scope.tenant(visit.tenant.id):
        code_grant.record_denied(wanted, signed, "assignment")
        could = assignment.has_another(wanted.client, signed.member.id)
    face = face_of(visit.tenant.id, signed.organization_id)
    here = marks.address(visit.tenant, "oauth-authorize", wanted.front, visit.mark.asked_at)
    context = {
        "tenant": face,
        "branding": face.branding,
        "client": wanted.client,
        "member": signed.member,
        "switch": tenant_path(visit.tenant.slug, "organization") if could else "",
        "next": here,
        "action": marks.address(visit.tenant, "oauth-consent", wanted.front, visit.mark.asked_at),
    }
    page = render(visit.request, "oauth/not_assigned.html", context, status=403)
    page._csp_update = {"form-action": [redirects.form_target(wanted.redirect_uri)]}  # type: ignore[attr-defined]
    return page
