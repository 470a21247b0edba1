"""Privacy: which services know the person, under which subject, with what; and cutting one off (NEW-01)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from core import scope
from core.errors import Problem
from core.pages import READ_WRITE, words_of
from organizations.models import Membership, Organization
from portal import departures, links
from portal.applications import allowed
from portal.frame import Own, own_page, places, recent_page
from portal.places import own_place
from tenants import selectors
from tenants.models import Member, Tenant

PROFILE = {
    "wallets": gettext_lazy("Wallets"),
    "given_name": gettext_lazy("Given name"),
    "family_name": gettext_lazy("Family name"),
    "nickname": gettext_lazy("Nickname"),
    "birthdate": gettext_lazy("Date of birth"),
    "picture": gettext_lazy("Picture"),
    "phone_number": gettext_lazy("Phone number"),
    "address": gettext_lazy("Postal address"),
    "zoneinfo": gettext_lazy("Time zone"),
    "locale": gettext_lazy("Language"),
}


@require_safe
@own_page
def service_list(own: Own) -> HttpResponse:
    mine = places(own)
    linked = links.shown(own, mine)
    rows = [_known(*place) | {"linked": links.linked_with(linked, place[0])} for place in mine]
    return own.render("privacy", rows=rows, links=linked)


@require_http_methods(READ_WRITE)
@recent_page
def cut_off(own: Own, tenant_id: str) -> HttpResponse:
    """Say what ends, and end it: this service only, every other goes on."""
    tenant, member = own_place(own, tenant_id)
    if own.request.method != "POST":
        return own.render("cut_off", row=_known(tenant, member))
    try:
        departures.leave(account_id=own.session.account_id, tenant_id=tenant.id)
    except Problem as problem:
        if problem.status >= 500:
            raise
        reason = words_of(problem)
        return own.render("cut_off", problem.status, row=_known(tenant, member), reason=reason)
    done = _("%(name)s is cut off. It keeps a pseudonym without your name and address.")
    messages.success(own.request, done % {"name": tenant.name})
    return own.go("portal_privacy")


def _known(tenant: Tenant, member: Member) -> dict[str, Any]:
    """What one service knows of the person, in words."""
    with scope.tenant(tenant.id):
        sessions = selectors.sessions_of(member).count()
        mine = Membership.objects.filter(member=member).values("organization_id")
        organizations = list(Organization.objects.filter(id__in=mine).values_list("name", flat=True))
    return {
        "tenant": tenant,
        "member": member,
        "claims": list(_claims(member)),
        "applications": allowed(tenant, member),
        "organizations": organizations,
        "sessions": ngettext("%(n)d open session", "%(n)d open sessions", sessions) % {"n": sessions},
    }


def _claims(member: Member) -> Any:
    """The words and values that the service holds: its own copy, which applications get from it."""
    yield {"label": _("Name"), "value": member.name or "–"}
    yield {"label": _("E-mail address"), "value": member.email or "–"}
    for name, value in member.profile.items():
        if name == "phone_number_verified":
            continue
        yield {"label": PROFILE.get(name, name), "value": _written(value)}


def _written(value: Any) -> Any:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return ", ".join(str(part) for part in parts) if parts is not None else value
