"""Privacy: which services know the person, under which subject, with what; and cutting one off (NEW-01)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import ids, scope
from core.errors import NotFound, Problem
from core.principal import Actor
from identity import selectors as people
from organizations.models import Membership, Organization
from portal import departures, links
from portal.applications import allowed
from portal.frame import Own, own_page, places, recent_page
from tenants import members, selectors
from tenants.models import Member, Tenant

PROFILE = {
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
    with scope.account(own.session.account_id):
        addresses = list(people.emails(own.session.account_id))
    mine = places(own)
    linked = links.shown(own, mine)
    rows = [_known(*place) | {"linked": links.linked_with(linked, place[0])} for place in mine]
    return own.render("privacy", rows=rows, addresses=addresses, links=linked)


@require_POST
@own_page
def choose_address(own: Own, tenant_id: str) -> HttpResponse:
    """Give one service another of the person's own proved addresses (TEN-16)."""
    tenant, member = _mine(own, tenant_id)
    with scope.account(own.session.account_id):
        owned = {one.public_id: one.address for one in people.emails(own.session.account_id)}
    address = owned.get(own.request.POST.get("address", ""))
    if address is None:
        raise NotFound
    with scope.tenant(tenant.id):
        members.choose_email(actor=Actor("user", member.subject), member=member, email=address)
    messages.success(own.request, _("Saved."))
    return own.go("portal_privacy")


@require_http_methods(["GET", "HEAD", "POST"])
@recent_page
def cut_off(own: Own, tenant_id: str) -> HttpResponse:
    """Say what ends, and end it: this service only, every other goes on."""
    tenant, member = _mine(own, tenant_id)
    if own.request.method != "POST":
        return own.render("cut_off", row=_known(tenant, member))
    try:
        departures.leave(account_id=own.session.account_id, tenant_id=tenant.id)
    except Problem as problem:
        if problem.status >= 500:
            raise
        reason = f"{_(problem.title)}. {_(problem.detail)}"
        return own.render("cut_off", problem.status, row=_known(tenant, member), reason=reason)
    done = _("%(name)s is cut off. It keeps a pseudonym without your name and address.")
    messages.success(own.request, done % {"name": tenant.name})
    return own.go("portal_privacy")


def _mine(own: Own, tenant_id: str) -> tuple[Tenant, Member]:
    try:
        wanted = ids.decode(Tenant.PREFIX, tenant_id)
    except ids.MalformedId:
        raise NotFound from None
    found = next((place for place in places(own) if place[0].id == wanted), None)
    if found is None:
        raise NotFound
    return found


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
        shown = ", ".join(str(part) for part in value.values()) if isinstance(value, dict) else value
        yield {"label": PROFILE.get(name, name), "value": shown}
