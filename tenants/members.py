"""Members: what a tenant may decide about the people in it, and nothing about their accounts elsewhere."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from core import ids, livecache, ports
from core.errors import Conflict, NotFound
from core.principal import Actor, Principal
from core.uniqueness import unique_or
from events.services import emit
from tenants import profile, sessions
from tenants.models import Member, MemberStatus, TenantSession

EDITABLE = ("name", "locale", "metadata", "profile")
PERSONAL = ("name", "profile")  # kept beside the event, so that they can be erased


def describe(member: Member, **more: Any) -> dict[str, Any]:
    return {"id": member.subject, "object": "member", "status": member.status, **more}


def create_member(
    *,
    actor: Actor,
    email: str,
    name: str = "",
    account_id: uuid.UUID | None = None,
    email_verified: bool = False,
    locale: str = "",
    metadata: Mapping[str, str] | None = None,
    subject: str | None = None,
    signed_in_at: datetime | None = None,
) -> Member:
    """Add a person to the open tenant; pending until an account is linked. Raises Conflict on a second one.

    `signed_in_at` is set for somebody whom another proof than an account has brought: they are active.
    """
    member = Member(
        subject=subject or ids.new_subject(),
        account_id=account_id,
        status=MemberStatus.ACTIVE if account_id or signed_in_at else MemberStatus.PENDING,
        last_sign_in_at=signed_in_at,
        email=email,
        email_search=email.casefold(),
        name=name,
        name_search=name.casefold(),
        email_verified=email_verified,
        locale=locale,
        metadata=dict(metadata or {}),
    )
    with unique_or(Conflict("This person is already a member of the tenant.")):
        member.save(force_insert=True)
    livecache.invalidate("member_subject", f"{member.tenant_id}:{member.subject}")
    emit("user.created", actor=actor, object=describe(member), personal={"email": email, "name": name})
    return member


def link_account(member: Member, account_id: uuid.UUID, *, email_verified: bool) -> Member:
    """Bind a pending member to the account that proved the address."""
    member.account_id, member.email_verified = account_id, email_verified
    member.status = MemberStatus.ACTIVE
    keep(member, "account_id", "email_verified", "status")
    emit(
        "user.updated",
        actor=Actor("user", member.subject),
        object=describe(member),
        previous={"status": "pending"},
    )
    return member


def update_member(*, actor: Principal, member: Member, changes: Mapping[str, Any]) -> Member:
    """Change the tenant's own copy of a member's data; other names in `changes` are a programming error.

    `profile` is merged (see tenants.profile). Raises ValidationFailed.
    """
    ports.authority.require(actor, "members:write", member)
    if "profile" in changes:
        changes = {**changes, "profile": profile.merged(member.profile, changes["profile"])}
    before = {field: getattr(member, field) for field in changes if getattr(member, field) != changes[field]}
    if not before:
        return member
    for field in before:
        assert field in EDITABLE, field
        setattr(member, field, changes[field])
    member.name_search = member.name.casefold()
    keep(member, *before, "name_search")
    emit(
        "user.updated",
        actor=actor.actor,
        object=describe(member, **{field: changes[field] for field in before if field not in PERSONAL}),
        previous={field: value for field, value in before.items() if field not in PERSONAL},
        personal=personal_changes({name: before[name] for name in PERSONAL if name in before}, changes),
    )
    return member


def personal_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Return the personal values of an event that tells what of `before` has changed, old and new."""
    changed = {name: (old, after[name]) for name, old in before.items() if old != after[name]}
    new = {name: _personal_text(value) for name, (_, value) in changed.items()}
    return new | {f"previous.{name}": _personal_text(old) for name, (old, _) in changed.items()}


def _personal_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def choose_email(*, actor: Actor, member: Member, email: str) -> Member:
    """Give the tenant another address of the person, or none, at the person's own wish (TEN-16).

    The door has checked that the address is theirs and proved.
    """
    if member.email == email and member.withholds_email == (not email):
        return member
    personal = {"email": email, "previous.email": member.email}
    member.email, member.email_search = email, email.casefold()
    member.email_verified, member.withholds_email = bool(email), not email
    keep(member, "email", "email_search", "email_verified", "withholds_email")
    emit("user.updated", actor=actor, object=describe(member), personal=personal)
    return member


def suspend_member(*, actor: Principal, member: Member, reason: str = "") -> Member:
    """Stop a member within one request: sessions end, tokens and refresh are refused (USR-04).

    Raises Conflict for oneself, and what the guards raise, such as LastOwner.
    """
    ports.authority.require(actor, "members:write", member)
    if member.subject == actor.subject:
        raise Conflict("You cannot suspend yourself. Ask another administrator.")
    if member.status == MemberStatus.SUSPENDED:
        return member
    check_guards(actor, member)
    before = member.status
    member.status, member.suspended_at, member.suspended_reason = (
        MemberStatus.SUSPENDED,
        timezone.now(),
        reason,
    )
    keep(member, "status", "suspended_at", "suspended_reason")
    sessions.end_member_sessions(member, "suspended", actor=actor.actor)
    emit(
        "user.suspended",
        actor=actor.actor,
        object=describe(member, reason=reason),
        previous={"status": before},
    )
    return member


def reactivate_member(*, actor: Principal, member: Member) -> Member:
    """Let a suspended member sign in again; of one who is not suspended nothing changes."""
    ports.authority.require(actor, "members:write", member)
    if member.status != MemberStatus.SUSPENDED:
        return member
    # Who has signed in before without an account never waits for one: an address alone must not take their place.
    known = member.account_id or member.last_sign_in_at
    member.status = MemberStatus.ACTIVE if known else MemberStatus.PENDING
    member.suspended_at, member.suspended_reason = None, ""
    keep(member, "status", "suspended_at", "suspended_reason")
    emit("user.reactivated", actor=actor.actor, object=describe(member), previous={"status": "suspended"})
    return member


def remove_member(*, actor: Principal, member: Member, reason: str = "") -> None:
    """Remove a member: access ends, history stays, the subject is never used again.

    Raises Conflict for oneself, and what the guards raise, such as LastOwner.
    """
    ports.authority.require(actor, "members:write", member)
    if member.subject == actor.subject:
        raise Conflict("You cannot remove yourself. Ask another administrator.")
    _remove(actor, member, "removed", reason)


def leave(*, actor: Principal, member: Member, even_suspended: bool = False) -> None:
    """Remove a member at their own wish (NEW-01); the last owner stays, and so does who is suspended."""
    check_leaving(actor=actor, member=member, even_suspended=even_suspended)
    _remove(actor, member, "left", "left")


def check_leaving(*, actor: Principal, member: Member, even_suspended: bool = False) -> None:
    """Raise what `leave` would raise, and change nothing."""
    if member.status == MemberStatus.SUSPENDED and not even_suspended:
        raise Conflict(gettext_noop("Your access is suspended. Ask the service's support to remove you."))
    check_guards(actor, member)


def _remove(actor: Principal, member: Member, ended_for: str, reason: str) -> None:
    present = Member.objects.select_for_update().filter(id=member.id)
    if present.exclude(status=MemberStatus.REMOVED).first() is None:
        raise NotFound
    check_guards(actor, member)
    before = member.status
    sessions.end_member_sessions(member, ended_for, actor=actor.actor)
    member.status = MemberStatus.REMOVED
    keep(member, "status")
    for hook in _after_removal:
        hook(actor.actor, member)
    emit(
        "user.deleted", actor=actor.actor, object=describe(member, reason=reason), previous={"status": before}
    )


def force_logout(*, actor: Principal, member: Member, reason: str = "") -> int:
    """End all of a member's sessions in this tenant; older single sign-on must sign in again (SES-05)."""
    ports.authority.require(actor, "members:write", member)
    member.reauthenticate_after = timezone.now()
    keep(member, "reauthenticate_after")
    return sessions.end_member_sessions(member, reason or "force_logout", actor=actor.actor)


def revoke_session(*, actor: Principal, session: TenantSession) -> None:
    """End one session of a member in this tenant, with the tokens that carry its `sid`."""
    ports.authority.require(actor, "members:write", session.member)
    sessions.revoke(session, "revoked", actor=actor.actor)


def bump_authority(*member_ids: uuid.UUID) -> None:
    """Record that what members may do has changed: tokens with an older version are recomputed.

    It holds the members' rows until the transaction ends, taken in one order, so that two changes cannot
    deadlock.
    """
    if not member_ids:
        return
    rows = Member.objects.filter(id=member_ids[0])
    if len(member_ids) > 1:
        rows = Member.objects.filter(id__in=member_ids)
        list(rows.order_by("id").select_for_update(no_key=True).values_list("id"))
    rows.update(authority_version=F("authority_version") + 1)
    livecache.invalidate("member", *map(str, set(member_ids)))


_removal_guards: list[Any] = []


def guard_removal(check: Any) -> Any:
    """Register a check `(actor, member)` that raises when a member must not be suspended or removed."""
    _removal_guards.append(check)
    return check


_after_removal: list[Callable[[Actor, Member], None]] = []


def after_removal(hook: Callable[[Actor, Member], None]) -> Callable[[Actor, Member], None]:
    """Register what else ends when a member is removed, in the same transaction."""
    _after_removal.append(hook)
    return hook


def check_guards(actor: Principal, member: Member) -> None:
    for guard in _removal_guards:
        guard(actor, member)


def keep(member: Member, *fields: str) -> None:
    member.save(update_fields=[*fields, "updated_at"])
    bump_authority(member.id)
