"""Linking services: two of them learn that they know the same person, if the person wants that (TEN-16)."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core import scope
from core.errors import NotFound
from core.lookups import id_or_missing
from core.pages import READ_WRITE
from portal.frame import Own, own_page, places, recent_page
from tenants import links
from tenants.models import Member, Tenant, TenantLink

Place = tuple[Tenant, Member]


@require_http_methods(READ_WRITE)
@recent_page
def link(own: Own) -> HttpResponse:
    """Choose services, read what each will learn, and confirm. Only the last changes something."""
    mine = [place for place in places(own) if place[1].is_active]
    asked = own.request.POST if own.request.method == "POST" else own.request.GET
    chosen = _chosen(mine, asked.getlist("service"))
    if len(chosen) < 2:
        incomplete = "service" in asked
        return own.render("link_services", 400 if incomplete else 200, places=mine, incomplete=incomplete)
    if own.request.method != "POST":
        return own.render("confirm_link", learns=[_learns(place, chosen) for place in chosen])
    tenant_ids = [tenant.id for tenant, _member in chosen]
    links.link(account_id=own.session.account_id, tenant_ids=tenant_ids)
    messages.success(own.request, _("Linked. You can take it back at any time."))
    return own.go("portal_privacy")


def _chosen(mine: list[Place], wanted: list[str]) -> list[Place]:
    """Return the places that were ticked; one that is not the person's own is not found."""
    known = {tenant.public_id for tenant, _member in mine}
    if not known.issuperset(wanted):
        raise NotFound
    return [place for place in mine if place[0].public_id in wanted]


def _learns(here: Place, chosen: list[Place]) -> dict[str, Any]:
    return {"tenant": here[0], "others": [place for place in chosen if place is not here]}


@require_POST
@own_page
def unlink(own: Own, link_id: str) -> HttpResponse:
    """Take a link back. It only protects, so it asks for no fresh sign-in."""
    wanted = id_or_missing(TenantLink.PREFIX, link_id)
    links.unlink(account_id=own.session.account_id, link_id=wanted)
    messages.success(
        own.request, _("No longer linked. What a service has noted meanwhile is beyond our reach.")
    )
    return own.go("portal_privacy")


def shown(own: Own, mine: list[Place]) -> list[dict[str, Any]]:
    """Return the person's links for the privacy page."""
    names = {tenant.id: tenant.name for tenant, _member in mine}
    with scope.account(own.session.account_id):
        rows = list(links.links(own.session.account_id))
    return [
        {"link": row, "names": [names[one] for one in _ends(row)]}
        for row in rows
        if names.keys() >= set(_ends(row))
    ]


def _ends(row: TenantLink) -> tuple[uuid.UUID, uuid.UUID]:
    return row.first_tenant_id, row.second_tenant_id


def linked_with(rows: list[dict[str, Any]], tenant: Tenant) -> list[str]:
    """Return the names of the services that know of this one."""
    mine = [row for row in rows if tenant.id in _ends(row["link"])]
    named = [pair for row in mine for pair in zip(_ends(row["link"]), row["names"], strict=True)]
    return [name for end, name in named if end != tenant.id]
