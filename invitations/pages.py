"""The dashboard's pages of invitations: plain functions in an open tenant scope; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.lookups import id_or_missing
from invitations import bulk_pages, selectors, services
from invitations.models import Invitation, InvitationState
from organizations import selectors as organizations
from organizations.models import Organization
from roles import guards
from roles import selectors as roles
from roles.models import Role
from tenants.pagekit import (
    Explained,
    Viewer,
    act,
    asked,
    list_context,
    listing,
    posted,
    row_of,
    see_other,
    select,
    show,
)

READ, WRITE = "invitations:read", "invitations:write"


class InvitationForm(Explained):
    """Offers only what the inviter may give."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)
    organization = forms.ChoiceField(
        label=gettext_lazy("Organization"),
        required=False,
        help_text=gettext_lazy("Roles below then count in that organization only."),
    )
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, viewer: Viewer, **options: Any) -> None:
        super().__init__(*args, **options)
        self.confined = viewer.principal.organization_id
        self.offered = {role.public_id: role for role in offered(viewer)}
        self.offer("roles", [(key, role.name) for key, role in self.offered.items()])
        if self.confined:
            del self.fields["organization"]
        else:
            self.offer("organization", [("", _("None: the tenant itself")), *organizations.choices()])

    @property
    def where(self) -> Organization | None:
        if self.confined:
            return organizations.organization(self.confined)
        text = self.cleaned_data["organization"]
        return organizations.organization(id_or_missing(Organization.PREFIX, text)) if text else None

    @property
    def chosen(self) -> list[Role]:
        return [self.offered[key] for key in self.cleaned_data["roles"]]


def offered(viewer: Viewer) -> list[Role]:
    """Return the roles that the viewer could give; the service decides again."""
    place, actor = viewer.principal.organization_id, viewer.principal
    rows = roles.roles().order_by("-is_built_in", "name")[:200]
    return [
        role
        for role in rows
        if role.organization_id in (None, place)
        and roles.granted(role, place) <= actor.permissions
        and (not guards.is_owner_role(role) or (actor.member_id and guards.owns(actor.member_id, place)))
    ]


def state_label(state: str) -> str:
    labels = {
        InvitationState.PENDING: _("Pending"),
        InvitationState.ACCEPTED: _("Accepted"),
        InvitationState.DECLINED: _("Declined"),
        InvitationState.REVOKED: _("Revoked"),
        InvitationState.EXPIRED: _("Expired"),
    }
    return labels[InvitationState(state)]


def invitation_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List invitations, newest first, by the beginning of the address, state and organization."""
    q, state, place = (asked(request, name) for name in ("q", "state", "organization"))
    page = listing(request, _narrowed(q, state, place))
    states = [(s.value, state_label(s)) for s in InvitationState]
    selects = [
        select("state", _("Any state"), state, states),
        select("organization", _("Any organization"), place, organizations.choices()),
    ]
    return show(
        request,
        "invitations/list.html",
        shown=[shown(row) for row in page.rows],
        **list_context(page, q, selects),
        invitations_url=viewer.url("invitations"),
        new_url=viewer.url("invitations", "new") if viewer.may(WRITE) else "",
        may_change=viewer.may(WRITE),
    )


def _narrowed(q: str, state: str, place: str) -> QuerySet[Invitation]:
    rows = selectors.invitations().select_related("organization", "inviter")
    if state in InvitationState.values:
        rows = selectors.in_states(rows, [state])
    if q:
        rows = selectors.search(rows, q)
    if place:
        rows = rows.filter(organization=row_of(Organization.PREFIX, place))
    return rows


def shown(invitation: Invitation) -> dict[str, Any]:
    state = str(invitation.effective_state)
    names = [role.name for role in selectors.roles_of(invitation)]
    retry = state in (InvitationState.PENDING, InvitationState.EXPIRED)
    return {"row": invitation, "state": state, "label": state_label(state), "roles": names, "retry": retry}


def invitation_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    initial = {"organization": request.GET.get("organization", "")}
    form = InvitationForm(posted(request), initial=initial, viewer=viewer)
    if form.is_valid():
        made = form.carry_out(
            lambda: services.invite(
                actor=viewer.principal,
                email=form.cleaned_data["email"],
                roles=form.chosen,
                organization=form.where,
            )
        )
        if made is not None:
            messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": made.email})
            return see_other(viewer.url("invitations"))
    return show(
        request,
        "invitations/new.html",
        form,
        form=form,
        invitations_url=viewer.url("invitations"),
        many_url=viewer.url("invitations", "many"),
    )


def invitation_resend(request: HttpRequest, viewer: Viewer, invitation_id: str) -> HttpResponse:
    invitation = read(invitation_id)
    return act(
        request,
        viewer.url("invitations"),
        lambda: services.resend(actor=viewer.principal, invitation=invitation),
        _("Sent again with a new link. The earlier link no longer works."),
    )


def invitation_revoke(request: HttpRequest, viewer: Viewer, invitation_id: str) -> HttpResponse:
    invitation = read(invitation_id)
    return act(
        request,
        viewer.url("invitations"),
        lambda: services.revoke(actor=viewer.principal, invitation=invitation),
        _("The invitation is revoked. Its link no longer works."),
    )


def invitation_detail(request: HttpRequest, viewer: Viewer, invitation_id: str) -> HttpResponse:
    """One invitation by its id, as the list shows it."""
    invitation = read(invitation_id)
    return show(
        request,
        "invitations/detail.html",
        invitation=invitation,
        item=shown(invitation),
        rows=facts(invitation),
        crumbs=[{"label": _("Invitations"), "url": viewer.url("invitations")}],
        invitations_url=viewer.url("invitations"),
        may_change=viewer.may(WRITE),
    )


def facts(invitation: Invitation) -> list[dict[str, Any]]:
    organization, inviter = invitation.organization, invitation.inviter
    return [
        {
            "label": _("Organization"),
            "value": organization.name if organization else _("None: the tenant itself"),
        },
        {"label": _("Roles"), "value": ", ".join(role.name for role in selectors.roles_of(invitation))},
        {
            "label": _("Invited by"),
            "value": inviter.subject if inviter else invitation.inviter_key,
            "kind": "copy",
        },
        {"label": _("Sent"), "value": invitation.sent_at, "kind": "time"},
        {"label": _("Expires"), "value": invitation.expires_at, "kind": "time"},
        {"label": _("Decided"), "value": invitation.decided_at, "kind": "time"},
    ]


def read(invitation_id: str) -> Invitation:
    return selectors.invitation(id_or_missing(Invitation.PREFIX, invitation_id))


ROUTES = [
    ("invitations", invitation_list, READ),
    ("invitations/new", invitation_create, WRITE),
    ("invitations/many", bulk_pages.invite_many, WRITE),
    ("invitations/<str:invitation_id>", invitation_detail, READ),
    ("invitations/<str:invitation_id>/delivery", invitation_resend, WRITE),
    ("invitations/<str:invitation_id>/revocation", invitation_revoke, WRITE),
]
