"""Groups as an outside directory says them: at a sign-in by single sign-on, or by provisioning (USR-12, ORG-10).

Each place that speaks has a name of its own, its `source`. It puts people in and takes out again whom it put in;
what was done by hand, or by another source, stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from core.principal import Actor, Principal
from events.services import Draft, emit_many
from organizations.models import Organization
from roles import group_selectors, guards, selectors
from roles.models import Group, GroupMember, GroupRole
from roles.services.described import describe_group
from roles.services.group_members import join, part
from roles.services.groups import lock, store
from tenants.models import Member


@dataclass(frozen=True)
class Synced:
    """What a directory's word has changed; `unknown` are the names of no group."""

    joined: tuple[Group, ...] = ()
    left: tuple[Group, ...] = ()
    unknown: tuple[str, ...] = ()


def may_sync_groups(*, actor: Principal, organization: Organization | None) -> None:
    """Raise GrantExceedsOwn unless the actor holds all that the groups there give.

    For whoever decides that an outside directory may put people into them (threat A6).
    """
    confined = organization.id if organization else None
    rows = GroupRole.objects.filter(tenant_id=actor.tenant_id, organization_id=confined)  # type: ignore[misc]
    for row in rows.select_related("role"):
        guards.may_grant(actor, selectors.granted(row.role, confined))


def sync_groups(
    *,
    actor: Actor,
    member: Member,
    organization: Organization | None,
    names: Iterable[str],
    source: str,
    create: bool = False,
) -> Synced:
    """Put a member into the groups that a directory names and out of those that it named before.

    A name is a group's external id, else its name (case ignored), in the organization or, without one, in the
    tenant. `create` makes the groups that are missing. Asks for no permission: see `may_sync_groups`. Raises
    NotFound for somebody who does not belong to the organization.
    """
    confined = organization.id if organization else None
    words = list(dict.fromkeys(word for word in map(_word, names) if word))
    with transaction.atomic():
        found = _found(words, confined)
        unknown = [word for word in words if word not in found]
        if create and unknown:
            found |= {word: _made(actor, word, confined) for word in unknown}
            unknown = []
        held = {row.group_id: row for row in group_selectors.groups_of(member.id)}
        wanted = {group.id: group for group in found.values()}
        fresh = [group for key, group in wanted.items() if key not in held or source not in held[key].sources]
        stale = [
            row.group
            for key, row in held.items()
            if row.organization_id == confined and source in row.sources and key not in wanted
        ]
        drafts = _change(actor, member, source, fresh, stale)
        emit_many(drafts)
    joined = tuple(group for group in fresh if group.id not in held)
    return Synced(joined, tuple(stale), tuple(unknown))


def end_group_source(*, actor: Actor, source: str) -> None:
    """Take everybody out of the groups that only `source` has put them into: it speaks no more."""
    named = GroupMember.objects.filter(sources__contains=[source]).values_list("group_id", flat=True)
    with transaction.atomic():
        for group_id in sorted(set(named)):
            group = lock(Group(id=group_id))
            rows = group_selectors.people(group).filter(sources__contains=[source])
            emit_many(_withdraw(actor, group, list(rows), source))


def _word(name: str) -> str:
    """Return what a name of the directory is compared as: what fits a group's name, without what is unseen."""
    return "".join(character for character in str(name) if character.isprintable()).strip()[:120]


def _found(words: Sequence[str], organization_id: uuid.UUID | None) -> dict[str, Group]:
    """Return the groups that words mean; an external id goes before a name."""
    if not words:
        return {}
    folded = [word.casefold() for word in words]
    rows = group_selectors.groups().filter(organization_id=organization_id)  # type: ignore[misc]  # null is lawful
    rows = rows.filter(Q(external_id__in=words) | Q(name_search__in=folded))
    named = {row.name_search: row for row in rows}
    known = {row.external_id: row for row in rows if row.external_id is not None}
    pairs = ((word, known.get(word) or named.get(word.casefold())) for word in words)
    return {word: row for word, row in pairs if row is not None}


def _made(actor: Actor, word: str, organization_id: uuid.UUID | None) -> Group:
    group = Group(name=word, name_search=word.casefold(), external_id=word, organization_id=organization_id)
    store(group)
    shown = describe_group(group, whole=True)
    emit_many([Draft("group.created", actor, shown, organization_id=organization_id)])
    return group


def _change(
    actor: Actor, member: Member, source: str, fresh: Iterable[Group], stale: Iterable[Group]
) -> list[Draft]:
    """Join and leave in the order of the groups' ids, so that two sign-ins cannot deadlock."""
    steps = sorted(
        [(group.id, True, group) for group in fresh] + [(group.id, False, group) for group in stale],
        key=lambda step: step[0],
    )
    drafts: list[Draft] = []
    for _id, comes, seen in steps:
        group = lock(seen)
        if comes:
            drafts += join(actor, group, member, source)[1]
        else:
            drafts += _withdraw(
                actor, group, list(group_selectors.people(group).filter(member=member)), source
            )
    return drafts


def _withdraw(actor: Actor, group: Group, rows: Sequence[GroupMember], source: str) -> list[Draft]:
    """Take a source from memberships; those that have no other one end."""
    ended = [row for row in rows if set(row.sources) <= {source}]
    for row in rows:
        if row not in ended:
            row.sources = [word for word in row.sources if word != source]
            row.save(update_fields=["sources", "updated_at"])
    return part(actor, group, ended) if ended else []
