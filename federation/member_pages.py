"""What single sign-on adds to the dashboard's page of a member."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from federation import bound
from federation.models import UpstreamIdentity
from tenants import pages, selectors
from tenants.models import Member
from tenants.pagekit import Viewer, act, reason


@pages.beside_member
def offered(viewer: Viewer, member: Member) -> dict[str, Any]:
    """Offer the reset for members whom a connection signs in."""
    is_linked = UpstreamIdentity.objects.filter(member=member).exists()
    return {"reset_url": viewer.url("members", member.subject, "authenticators")} if is_linked else {}


def reset(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    member = selectors.member_by_subject(member_id)
    why = reason(request)
    return act(
        request,
        viewer.url("members", member.subject),
        lambda: bound.reset(actor=viewer.principal, member=member, reason=why),
        _("Reset. At the next single sign-on the person sets up a second factor anew."),
    )


ROUTES = [("members/<str:member_id>/authenticators", reset, "members:write")]
