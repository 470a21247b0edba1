"""Erasing what a tenant knows of a person who was removed: the subject stays and is never used again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import transaction

from core import ports
from core.errors import Conflict
from core.principal import Actor, Principal
from events.erasure import erase_values
from events.services import emit
from tenants import members
from tenants.models import Member, MemberStatus, TenantSession

Hook = Callable[[Member], Iterable[str]]
_hooks: list[Hook] = []
EMPTY = {
    "email": "", "email_search": "", "name": "", "name_search": "", "locale": "", "suspended_reason": "",
    "profile": {}, "metadata": {}, "email_verified": False, "account_id": None,
}  # fmt: skip


def on_erasure(hook: Hook) -> Hook:
    """Register what a higher app forgets with a member; it returns public ids of what it emptied."""
    _hooks.append(hook)
    return hook


def erase_member(*, actor: Principal, member: Member, reason: str = "") -> int:
    """Erase a removed member's personal data; raises Conflict for one who is still a member."""
    ports.authority.require(actor, "members:write", member)
    return erase(actor=actor.actor, member=member, reason=reason)


def erase(*, actor: Actor, member: Member, reason: str = "") -> int:
    """The same for the operator's command. Returns how many values in events went; twice changes nothing.

    Raises Conflict for a member who was not removed.
    """
    if member.status != MemberStatus.REMOVED:
        raise Conflict("Only a removed member can be erased. Remove the member first.")
    with transaction.atomic():
        emptied = [public_id for hook in _hooks for public_id in hook(member)]
        gone = erase_values([member.subject, *emptied])
        TenantSession.objects.filter(member=member).update(ip=None, user_agent="")
        was_known = any(getattr(member, field) != value for field, value in EMPTY.items())
        if not gone and not was_known:
            return 0
        for field, value in EMPTY.items():
            setattr(member, field, value)
        member.save(update_fields=[*EMPTY, "updated_at"])
        members.bump_authority(member.id)
        emit("user.erased", actor=actor, object=members.describe(member, reason=reason))
    return gone
