"""The dashboard's page of one member's roles; `ROUTES` lists what it does."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.lookups import id_or_missing
from roles import group_pages, selectors, services
from roles.forms import AssignmentForm, may_unassign
from roles.models import RoleAssignment
from tenants.models import Member
from tenants.pagekit import (
    Viewer,
    act,
    posted,
    see_other,
    show,
)
from tenants.pages import frame
from tenants.selectors import member_by_subject

READ, WRITE = "roles:read", "roles:write"


def member_roles(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    """List a member's roles; POST gives one."""
    member = member_by_subject(member_id)
    form = AssignmentForm(posted(request), viewer=viewer, member=member)
    if form.is_valid():
        given = form.carry_out(lambda: assign(viewer, member, form))
        if given is not None:
            messages.success(request, _("The role counts from now on."))
            return see_other(viewer.url("members", member.subject, "roles"))
    held = selectors.assignments(member.id).select_related("role", "organization", "group")
    return show(
        request,
        "roles/of_member.html",
        form,
        form=form,
        held=[{"row": row, "may_take": may_take(viewer, row)} for row in held],
        may_change=viewer.may(WRITE) or viewer.may("organizations:write"),
        roles_url=viewer.url("roles"),
        **group_pages.shown_of(viewer, member),
        **frame(viewer, member, "roles"),
    )


def may_take(viewer: Viewer, row: RoleAssignment) -> bool:
    """Whether a button to take the role makes sense: not where a group gives it."""
    return row.group is None and may_unassign(viewer, row.role, row.organization_id)


def assign(viewer: Viewer, member: Member, form: AssignmentForm) -> RoleAssignment:
    return services.assign_role(
        actor=viewer.principal,
        member=member,
        role=form.chosen,
        organization=form.where,
        expires_at=form.cleaned_data["expires_at"],
    )


def member_role_take(
    request: HttpRequest, viewer: Viewer, member_id: str, assignment_id: str
) -> HttpResponse:
    member = member_by_subject(member_id)
    row = selectors.assignment(id_or_missing(RoleAssignment.PREFIX, assignment_id), member.id)
    return act(
        request,
        viewer.url("members", member.subject, "roles"),
        lambda: services.unassign_role(actor=viewer.principal, assignment=row),
        _("The role is taken. That works at once."),
    )


# Giving and taking a role asks for READ only at the door: inside an organization it needs
# organizations:write, in the tenant roles:write, and the service knows which (roles.services.needed_for).
ROUTES = [
    ("members/<str:member_id>/roles", member_roles, READ),
    ("members/<str:member_id>/roles/<str:assignment_id>/removal", member_role_take, READ),
]
