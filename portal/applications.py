"""Connected applications: what the person allowed, in which service, and taking it back (POR-04)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core import scope
from core.errors import NotFound
from core.lookups import id_or_missing
from core.principal import Actor
from oauth import catalogue, claims_request, consents
from oauth.models import Consent
from portal.frame import Own, own_page, places
from tenants import selectors
from tenants.models import Member, Tenant


@require_safe
@own_page
def application_list(own: Own) -> HttpResponse:
    """Every consent that stands, over all tenants the person is in."""
    return own.render("applications", rows=[row for place in places(own) for row in allowed(*place)])


@require_POST
@own_page
def withdraw(own: Own, consent_id: str) -> HttpResponse:
    """Take a consent back; the application's tokens for this person end at once."""
    wanted = id_or_missing(Consent.PREFIX, consent_id)
    for tenant, member in places(own):
        with scope.tenant(tenant.id):
            found = Consent.objects.filter(id=wanted, member=member, revoked_at=None).first()
            if found is not None:
                consents.withdraw(actor=Actor("user", member.subject), consent=found)
                messages.success(own.request, _("Taken back. The application is signed out of your account."))
                return own.go("portal_applications")
    raise NotFound


def allowed(tenant: Tenant, member: Member) -> list[dict[str, Any]]:
    """Return what the member allowed which application of this tenant, in words."""
    ref = selectors.by_id(tenant.id)
    assert ref is not None
    with scope.tenant(tenant.id):
        rows = Consent.objects.filter(member=member, revoked_at=None).select_related("application")
        return [
            {
                "consent": row,
                "tenant": tenant,
                "name": row.application.name,
                "words": [
                    *(catalogue.describe(ref, word) for word in row.scopes),
                    *(claims_request.describe(claim) for claim in row.claims),
                ],
            }
            for row in rows.order_by("-id")
        ]
