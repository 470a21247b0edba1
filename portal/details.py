"""What one service has of the person, decided part by part: address, name, picture, phone, wallets (TEN-16, POR-01)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from core import scope
from core.pages import READ_WRITE
from core.principal import Actor
from identity import details as own_details
from identity.details import Details, Image
from portal.frame import Own, own_page
from portal.places import own_place
from tenants import details, members
from tenants.models import Member

NONE = "none"
LABELS = {
    "name": gettext_lazy("Name"),
    "given_name": gettext_lazy("Given name"),
    "family_name": gettext_lazy("Family name"),
    "nickname": gettext_lazy("Nickname"),
    "locale": gettext_lazy("Language"),
    "zoneinfo": gettext_lazy("Time zone"),
}


@require_http_methods(READ_WRITE)
@own_page
def edit(own: Own, tenant_id: str) -> HttpResponse:
    """Show what the service has beside what the person has, and bring it in line with what is ticked."""
    tenant, member = own_place(own, tenant_id)
    has = own_details.of(own.session.account_id)
    given = own_details.picture_of(own.session.account_id) if _gives_picture(own.request) else None
    with scope.tenant(tenant.id):
        if own.request.method == "POST":
            _apply(Actor("user", member.subject), member, has, given, own.request.POST)
            messages.success(own.request, _("Saved."))
            return own.go("portal_privacy")
        shown = _shown(member, has)
    return own.render("details", service=tenant, **shown)


def _gives_picture(request: HttpRequest) -> bool:
    return request.method == "POST" and "picture" in request.POST.getlist("give")


def _shown(member: Member, has: Details) -> dict[str, Any]:
    holds = {**member.profile, "name": member.name, "locale": member.locale}
    words = [
        {
            "word": name,
            "label": label,
            "value": has.claims[name],
            "is_given": holds.get(name) == has.claims[name],
        }
        for name, label in LABELS.items()
        if name in has.claims
    ]
    given = holds.get(details.WALLETS, ())
    return {
        "member": member,
        "addresses": has.addresses,
        "words": words,
        "has_picture": has.has_picture,
        "gives_picture": details.picture_of(member) is not None,
        "phones": has.phones,
        "phone": holds.get(details.PHONE, ""),
        "wallets": [{"address": one, "is_given": f"{details.CHAIN}:{one}" in given} for one in has.wallets],
    }


def _apply(actor: Actor, member: Member, has: Details, picture: Image | None, form: Any) -> None:
    """Write only what is the person's own; what else the service has noted stays its business."""
    _address(actor, member, has.addresses, form.get("address", ""))
    ticked, holds = (
        set(form.getlist("give")),
        {**member.profile, "name": member.name, "locale": member.locale},
    )
    claims: dict[str, Any] = {}
    for name, value in has.claims.items():
        if name in ticked:
            claims[name] = value
        elif holds.get(name) == value:
            claims[name] = None
    claims |= _phone(has, holds.get(details.PHONE, ""), form.get("phone", ""))
    if has.wallets or holds.get(details.WALLETS):
        kept = [f"{details.CHAIN}:{one}" for one in has.wallets if one in form.getlist("wallet")]
        claims[details.WALLETS] = kept or None
    details.give(actor=actor, member=member, claims=claims)
    _picture(actor, member, picture, wanted="picture" in ticked)


def _address(actor: Actor, member: Member, addresses: Collection[str], wanted: str) -> None:
    if wanted == NONE:
        members.choose_email(actor=actor, member=member, email="")
    elif wanted in addresses:
        members.choose_email(actor=actor, member=member, email=wanted)


def _phone(has: Details, held: str, wanted: str) -> dict[str, Any]:
    if wanted in has.phones:
        return {details.PHONE: wanted}
    return {details.PHONE: None} if wanted == NONE and held in has.phones else {}


def _picture(actor: Actor, member: Member, picture: Image | None, *, wanted: bool) -> None:
    if wanted and picture is not None:
        media_type, content = picture
        details.give_picture(actor=actor, member=member, media_type=media_type, content=content)
    elif not wanted:
        details.take_picture(actor=actor, member=member)
