"""What a member lets the tenant have of them, at their own wish: the tenant's copy follows (TEN-16, POR-01).

The door has checked that the values are the person's own and, where that matters, proved. A tenant's own entries
in the profile are its business (`tenants.members.update_member`); these functions write what the person gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from core import secrets
from core.principal import Actor
from events.services import emit
from tenants import members, selectors
from tenants.erasure import on_erasure
from tenants.models import Member, MemberPicture

COLUMNS = ("name", "locale")
WALLETS, PHONE = "wallets", "phone_number"
CHAIN = "eip155:1"  # CAIP-2 of the chain that our sign-in messages name


def give(*, actor: Actor, member: Member, claims: Mapping[str, Any], only_missing: bool = False) -> Member:
    """Write claims (OIDC Core §5.1, and `wallets`) into the tenant's copy; None takes one away.

    With `only_missing` what the tenant has stays. A number comes as proved.
    """
    before = {**member.profile, **{name: getattr(member, name) for name in COLUMNS}}
    wanted = {
        name: value
        for name, value in claims.items()
        if before.get(name) != value and not (only_missing and before.get(name))
    }
    if PHONE in wanted:
        wanted["phone_number_verified"] = True if wanted[PHONE] else None
    changed = [name for name, value in wanted.items() if (before.get(name) or None) != (value or None)]
    if not changed:
        return member
    after = {**before, **wanted}
    told = _told(member)
    member.profile = {
        name: value for name, value in after.items() if name not in COLUMNS and value not in (None, "", [])
    }
    member.name, member.locale = after["name"] or "", after["locale"] or ""
    member.name_search = member.name.casefold()
    return _keep(actor, member, told)


def _told(member: Member) -> dict[str, Any]:
    return {"name": member.name, "profile": member.profile}


def _keep(actor: Actor, member: Member, before: Mapping[str, Any]) -> Member:
    with transaction.atomic():
        members.keep(member, "profile", "name", "name_search", "locale")
        personal = members.personal_changes(before, _told(member))
        emit("user.updated", actor=actor, object=members.describe(member), personal=personal)
    return member


def picture_of(member: Member) -> MemberPicture | None:
    """Return the copy that the tenant has by the person's own act."""
    return MemberPicture.objects.filter(tenant_id=member.tenant_id, member=member).first()


def give_picture(*, actor: Actor, member: Member, media_type: str, content: bytes) -> Member:
    """Let the tenant have a copy of the picture, under an address that is new each time."""
    known = picture_of(member)
    if known is not None and bytes(known.content) == content:
        return member
    told = _told(member)
    with transaction.atomic():
        MemberPicture.objects.filter(member=member).delete()
        row = MemberPicture.objects.create(
            member=member, token=secrets.new_token(), media_type=media_type, content=content
        )
        member.profile = {**member.profile, "picture": _address(row)}
        return _keep(actor, member, told)


def take_picture(*, actor: Actor, member: Member) -> Member:
    """Take the copy away; without one nothing happens."""
    known = picture_of(member)
    if known is None:
        return member
    told = _told(member)
    with transaction.atomic():
        if member.profile.get("picture") == _address(known):
            member.profile = {name: value for name, value in member.profile.items() if name != "picture"}
        MemberPicture.objects.filter(id=known.id).delete()
        return _keep(actor, member, told)


def _address(row: MemberPicture) -> str:
    tenant = selectors.by_id(row.tenant_id)
    assert tenant is not None
    return f"{tenant.issuer}/pictures/{row.token}"


@on_erasure
def forget(member: Member) -> Iterable[str]:
    MemberPicture.objects.filter(member=member).delete()
    return ()
