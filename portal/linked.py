"""Linked accounts: at which providers the person is known to which service, and undoing it (POR-01).

Unlinking takes a fresh and strong sign-in (threat L8), and the last way into a service stays (threat M5).
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core import scope
from core.errors import NotFound
from core.lookups import id_or_missing
from core.pages import words_of
from federation import links, selectors
from federation.errors import LastWayIn
from federation.models import UpstreamIdentity
from oauth import external_identities
from oauth.models import ExternalIdentity
from portal.departures import principal_of
from portal.frame import Own, own_page, places, strong_page
from tenants.models import Member, Tenant


@require_safe
@own_page
def linked_list(own: Own) -> HttpResponse:
    """Every provider that signs the person in somewhere, or whose tokens a service takes for them."""
    return own.render("linked", rows=[row for place in places(own) for row in _linked(*place)])


def _linked(tenant: Tenant, member: Member) -> list[dict[str, Any]]:
    with scope.tenant(tenant.id):
        mine = [
            {"name": row.connection.name, "issuer": row.connection.issuer, "row": row, "tenant": tenant}
            for row in selectors.identities(member=member).order_by("-id")
        ]
        others = [
            {
                "name": row.trusted_issuer.name,
                "issuer": row.trusted_issuer.issuer,
                "row": row,
                "tenant": tenant,
            }
            for row in external_identities.identities(member=member).order_by("-id")
        ]
        return mine + others


@require_POST
@strong_page
def unlink(own: Own, identity_id: str) -> HttpResponse:
    """Undo one link; what it opened ends. The last way into a service is kept."""
    for tenant, member in places(own):
        with scope.tenant(tenant.id):
            try:
                found = _undo(own, tenant, member, identity_id)
            except LastWayIn as problem:
                messages.error(own.request, words_of(problem))
                return own.go("portal_linked")
        if found:
            done = _("No longer linked. What was opened by it in %(name)s has ended.")
            messages.success(own.request, done % {"name": tenant.name})
            return own.go("portal_linked")
    raise NotFound


def _undo(own: Own, tenant: Tenant, member: Member, identity_id: str) -> bool:
    """Undo the link if it is the person's own in this tenant, in the open scope."""
    actor = principal_of(tenant.id, member, own.session.account_id)
    if identity_id.startswith(f"{ExternalIdentity.PREFIX}_"):
        wanted = id_or_missing(ExternalIdentity.PREFIX, identity_id)
        theirs = external_identities.identities(id=wanted, member=member).first()
        if theirs is not None:
            external_identities.unlink(actor=actor, identity=theirs)
        return theirs is not None
    wanted = id_or_missing(UpstreamIdentity.PREFIX, identity_id)
    mine = selectors.identities(id=wanted, member=member).first()
    if mine is not None:
        links.unlink(actor=actor, identity=mine)
    return mine is not None
