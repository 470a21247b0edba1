"""The dashboard's pages of who belongs to an organization, and of a member's organizations; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from organizations import selectors, services
from organizations.models import Organization
from organizations.pages import READ, WRITE, read, surroundings
from tenants.bulk_pages import STATUSES
from tenants.models import Member
from tenants.pagekit import (
    Explained,
    Viewer,
    act,
    asked,
    list_context,
    listing,
    posted,
    reason,
    see_other,
    select,
    show,
)
from tenants.pages import frame
from tenants.pages import status_label as member_status_label
from tenants.selectors import member_by_email, member_by_subject


class MembershipForm(Explained):
    member = forms.CharField(
        label=gettext_lazy("Member"),
        max_length=254,
        help_text=gettext_lazy("The e-mail address or id (sub_…) of somebody who is a member of the tenant."),
    )

    def clean_member(self) -> Member:
        text = self.cleaned_data["member"].strip()
        found = member_by_email(text) if "@" in text else None
        if found is None and "@" in text:
            raise forms.ValidationError(_("No member has this address. Send an invitation instead."))
        return found or member_by_subject(text)


def organization_members(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    """List who belongs to an organization; POST adds a member of the tenant."""
    organization = read(organization_id)
    form = MembershipForm(posted(request))
    if form.is_valid():
        added = form.carry_out(
            lambda: services.add_member(
                actor=viewer.principal, organization=organization, member=form.cleaned_data["member"]
            )
        )
        if added is not None:
            messages.success(request, _("Added. Now choose what they may do here."))
            return see_other(viewer.url("members", added.member.subject, "roles"))
    return show(
        request,
        "organizations/members.html",
        form,
        form=form,
        people_url=viewer.url("members"),
        invite_url=_invite_url(viewer, organization),
        may_change=viewer.may(WRITE),
        may_add=viewer.may(WRITE) and viewer.principal.organization_id is None,
        **_members_shown(request, organization),
        **surroundings(viewer, organization, "members"),
    )


def _members_shown(request: HttpRequest, organization: Organization) -> dict[str, Any]:
    """Return the page of memberships that the address asks for, by beginning of name or address and status."""
    q, status = asked(request, "q"), asked(request, "status")
    rows = selectors.memberships(organization)
    if q:
        rows = selectors.search_memberships(rows, q)
    if status in STATUSES:
        rows = rows.filter(member__status=status)
    options = [(one.value, member_status_label(one)) for one in STATUSES]
    return list_context(listing(request, rows), q, [select("status", _("Any status"), status, options)])


def _invite_url(viewer: Viewer, organization: Organization) -> str:
    if not viewer.may("invitations:write"):
        return ""
    return f"{viewer.url('invitations', 'new')}?organization={organization.public_id}"


def organization_member_remove(
    request: HttpRequest, viewer: Viewer, organization_id: str, member_id: str
) -> HttpResponse:
    membership = selectors.membership(read(organization_id), member_id)
    why = reason(request)
    return act(
        request,
        viewer.url("organizations", organization_id, "members"),
        lambda: services.remove_member(actor=viewer.principal, membership=membership, reason=why),
        _("The person no longer belongs to the organization."),
    )


def member_organizations(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    """The tab of one member's organizations."""
    member = member_by_subject(member_id)
    return show(
        request,
        "organizations/of_member.html",
        **frame(viewer, member, "organizations"),
        organizations=selectors.organizations_of(member),
        organizations_url=viewer.url("organizations"),
    )


ROUTES = [
    ("organizations/<str:organization_id>/members", organization_members, READ),
    (
        "organizations/<str:organization_id>/members/<str:member_id>/removal",
        organization_member_remove,
        WRITE,
    ),
    ("members/<str:member_id>/organizations", member_organizations, READ),
]
