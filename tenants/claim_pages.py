"""The tab of a member's further standard claims, the tenant's own copy (OpenID Connect Core §5.1)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants import members, selectors
from tenants.claim_forms import ClaimsForm
from tenants.pagekit import Viewer, posted, see_other, show
from tenants.pages import frame


def member_claims(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    """Show the claims; POST changes those that were touched."""
    member = selectors.member_by_subject(member_id)
    initial = ClaimsForm.initial_of(member.profile)
    form = ClaimsForm(posted(request), initial=initial)
    if request.method == "POST" and viewer.may("members:write") and form.is_valid():
        changes = {"profile": form.changes}
        saved = form.carry_out(
            lambda: members.update_member(actor=viewer.principal, member=member, changes=changes)
        )
        if saved is not None:
            messages.success(request, _("Saved. New tokens carry it."))
            return see_other(viewer.url("members", member.subject, "claims"))
    return show(
        request,
        "members/claims.html",
        form,
        form=form,
        may_change=viewer.may("members:write"),
        rows=[{"label": name, "value": value} for name, value in sorted(member.profile.items())],
        **frame(viewer, member, "claims"),
    )


ROUTES = [("members/<str:member_id>/claims", member_claims, "members:read")]
