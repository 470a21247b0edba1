"""Giving and taking roles: nobody grants what they lack, owners stay, changes work at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from core import scope
from core.errors import Conflict, InsufficientRole, InsufficientScope, NotFound, Problem, ValidationFailed
from core.principal import Principal
from organizations import selectors as organization_selectors
from organizations import services as organization_services
from roles import authority, selectors, services
from roles.errors import GrantExceedsOwn, LastOwner, OwnerRequired, RoleImmutable
from roles.models import RoleAssignment
from roles.permissions import ALL, BUILT_IN, ORGANIZATION
from tenants import members
from tenants.models import Member
from tenants.selectors import TenantRef
from tests.factories import (
    Cast,
    Person,
    admin_principal,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    make_tenant,
    principal_of,
)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def acting(person: Person, *granted: str) -> Principal:
    """The person with what their roles allow now, or with the words given."""
    assert person.tenant is not None
    assert person.member is not None
    with scope.tenant(person.tenant.id):
        words = frozenset(granted) or authority.permissions_of(person.member.id)
    return principal_of(person, words)


def roles_of(tenant: TenantRef, member: Member | None) -> tuple[str, ...]:
    assert member is not None
    with scope.tenant(tenant.id):
        return authority.roles_of(member.id)


def give(tenant: TenantRef, actor: Principal, member: Member | None, role: str) -> RoleAssignment:
    assert member is not None
    with scope.tenant(tenant.id):
        return services.assign_role(actor=actor, member=member, role=selectors.built_in(role))


def assignment(member: Member | None, role: str) -> RoleAssignment:
    assert member is not None
    return selectors.assignments(member.id).get(role__name=role)


# --- growth --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["owner", "admin", "security_admin"])
def test_A6_a_viewer_cannot_make_itself_more(cast: Cast, role: str):
    viewer = make_member(cast.acme, roles=["viewer"])
    with pytest.raises((InsufficientRole, InsufficientScope)):
        give(cast.acme, acting(viewer), viewer.member, role)
    assert roles_of(cast.acme, viewer.member) == ("viewer",)


@pytest.mark.parametrize("lent", sorted(BUILT_IN))
def test_A6_nobody_grants_what_they_lack(cast: Cast, lent: str):
    """A security administrator may assign roles, but only those that hold no more than their own."""
    giver, taker = make_member(cast.acme, roles=["security_admin"]), make_member(cast.acme)
    if lent != "owner" and BUILT_IN[lent] <= BUILT_IN["security_admin"]:
        give(cast.acme, acting(giver), taker.member, lent)
        assert roles_of(cast.acme, taker.member) == (lent,)
    else:
        with pytest.raises((GrantExceedsOwn, OwnerRequired)):
            give(cast.acme, acting(giver), taker.member, lent)
        assert roles_of(cast.acme, taker.member) == ()


def test_A6_a_token_with_few_scopes_lends_few_permissions(cast: Cast):
    taker = make_member(cast.acme)
    with pytest.raises(GrantExceedsOwn) as refused:
        give(cast.acme, acting(cast.owner, "roles:write", "members:read"), taker.member, "support")
    assert "members:write" in refused.value.extra["required"]["permissions"]


def test_A6_only_an_owner_makes_owners(cast: Cast):
    admin, taker = make_member(cast.acme, roles=["admin"]), make_member(cast.acme)
    with pytest.raises(OwnerRequired):
        give(cast.acme, acting(admin), taker.member, "owner")
    give(cast.acme, acting(cast.owner), taker.member, "owner")
    assert roles_of(cast.acme, taker.member) == ("owner",)


def test_A6_a_key_with_every_scope_makes_no_owner(cast: Cast):
    taker = make_member(cast.acme)
    with pytest.raises(OwnerRequired):
        give(cast.acme, make_principal(cast.acme), taker.member, "owner")


def test_A6_an_admin_takes_nothing_from_an_owner(cast: Cast):
    admin, second = make_member(cast.acme, roles=["admin"]), make_member(cast.acme, roles=["owner"])
    with scope.tenant(cast.acme.id):
        with pytest.raises(OwnerRequired):
            services.unassign_role(actor=acting_inside(admin), assignment=assignment(second.member, "owner"))
        for act in (members.suspend_member, members.remove_member):
            with pytest.raises(OwnerRequired):
                act(actor=acting_inside(admin), member=second.member)
    assert roles_of(cast.acme, second.member) == ("owner",)


def acting_inside(person: Person) -> Principal:
    return principal_of(person, authority.permissions_of(person.member.id))  # type: ignore[union-attr]


def test_A6_custom_roles_hold_no_more_than_their_author(cast: Cast):
    author = make_member(cast.acme, roles=["security_admin"])
    with scope.tenant(cast.acme.id):
        actor = acting_inside(author)
        with pytest.raises(GrantExceedsOwn):
            services.create_role(actor=actor, name="Too much", permissions=["tenant:write"])
        role = services.create_role(actor=actor, name="Reader", permissions=["members:read"])
        with pytest.raises(GrantExceedsOwn):
            services.update_role(actor=actor, role=role, changes={"permissions": ["tenant:write"]})
        role.refresh_from_db()
        assert role.permissions == ["members:read"]


def test_A7_editing_a_role_is_felt_by_its_holders_at_once(cast: Cast):
    person, actor = make_member(cast.acme), acting(cast.owner)
    with scope.tenant(cast.acme.id):
        role = services.create_role(actor=actor, name="Helper", permissions=["members:read"])
        services.assign_role(actor=actor, member=person.member, role=role)
        version = Member.objects.get(id=person.member.id).authority_version
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(person.member.id) == {"members:read"}
        services.update_role(actor=actor, role=role, changes={"permissions": ["roles:read"]})
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(person.member.id) == {"roles:read"}
        assert Member.objects.get(id=person.member.id).authority_version > version
        services.delete_role(actor=actor, role=role)
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(person.member.id) == frozenset()


def test_C16_built_in_roles_cannot_be_changed_or_imitated(cast: Cast):
    actor = acting(cast.owner)
    with scope.tenant(cast.acme.id):
        role = selectors.built_in("viewer")
        with pytest.raises(RoleImmutable):
            services.update_role(actor=actor, role=role, changes={"permissions": []})
        with pytest.raises(RoleImmutable):
            services.delete_role(actor=actor, role=role)
        for name in ("owner", "Owner", "ADMIN"):
            with pytest.raises(Conflict):
                services.create_role(actor=actor, name=name, permissions=[])


def test_a_role_offers_only_known_permissions(cast: Cast):
    ours = make_organization(cast.acme)
    with scope.tenant(cast.acme.id):
        with pytest.raises(ValidationFailed):
            services.create_role(
                actor=acting_inside(cast.owner), name="Odd", permissions=["everything:write"]
            )
        with pytest.raises(ValidationFailed):
            services.create_role(
                actor=acting_inside(cast.owner), name="Odd", permissions=["tenant:write"], organization=ours
            )


def test_two_roles_cannot_share_a_name(cast: Cast):
    with scope.tenant(cast.acme.id):
        actor = acting_inside(cast.owner)
        services.create_role(actor=actor, name="Twin", permissions=[])
        with pytest.raises(Conflict):
            services.create_role(actor=actor, name="Twin", permissions=[])
    with scope.tenant(cast.globex.id):
        services.create_role(actor=acting_inside(cast.other_owner), name="Twin", permissions=[])


def test_A1_another_tenants_role_and_member_are_not_found(cast: Cast):
    with scope.tenant(cast.globex.id):
        foreign = selectors.built_in("viewer")
    with scope.tenant(cast.acme.id):
        with pytest.raises(NotFound):
            selectors.role(foreign.id)
        with pytest.raises(NotFound):
            services.unassign_role(
                actor=replace(acting_inside(cast.owner), tenant_id=cast.globex.id),
                assignment=assignment(cast.owner.member, "owner"),
            )


# --- owners --------------------------------------------------------------------------------------------


def test_S6_the_last_owner_stays(cast: Cast):
    tenant = make_tenant()
    with scope.tenant(tenant.id):
        owner = Member.objects.get()
        actor = make_principal(tenant, subject="other", member_id=owner.id)
        with pytest.raises(LastOwner):
            services.unassign_role(actor=actor, assignment=assignment(owner, "owner"))
        for act in (members.suspend_member, members.remove_member):
            with pytest.raises(LastOwner):
                act(actor=actor, member=owner)
        with pytest.raises(LastOwner):
            services.assign_role(
                actor=actor,
                member=owner,
                role=selectors.built_in("owner"),
                expires_at=timezone.now() + timedelta(days=1),
            )


def test_S6_an_owner_steps_down_when_there_is_another(cast: Cast):
    tenant = make_tenant()
    second = make_member(tenant, roles=["owner"])
    with scope.tenant(tenant.id):
        owner = Member.objects.order_by("id").first()
        services.unassign_role(actor=acting_inside(second), assignment=assignment(owner, "owner"))
    assert roles_of(tenant, owner) == ()


def race(*acts: Callable[[], None]) -> list[Problem | None]:
    """Run each act in a thread of its own, all starting together; return what each was refused with."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], None]) -> Problem | None:
        try:
            start.wait()
            act()
        except Problem as problem:
            return problem
        finally:
            connections.close_all()
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.parametrize("_round", range(5))
def test_S6_parallel_demotion_leaves_one_owner(cast: Cast, _round: int):
    tenant = make_tenant()
    others = [make_member(tenant, roles=["owner"]) for _ in range(3)]
    with scope.tenant(tenant.id):
        people = [Member.objects.order_by("id").first(), *(person.member for person in others)]

    def demote(index: int) -> Callable[[], None]:
        def act() -> None:
            victim, actor = people[index], people[(index + 1) % len(people)]
            with scope.tenant(tenant.id):
                principal = make_principal(tenant, subject=actor.subject, member_id=actor.id)
                services.unassign_role(actor=principal, assignment=assignment(victim, "owner"))

        return act

    refused = race(*(demote(index) for index in range(4)))
    with scope.tenant(tenant.id):
        left = selectors.owners().count()
    assert left >= 1
    assert sum(problem is None for problem in refused) == 4 - left


@pytest.mark.parametrize("_round", range(3))
def test_S6_owners_who_remove_each_other_leave_one(cast: Cast, _round: int):
    tenant = make_tenant()
    second = make_member(tenant, roles=["owner"])
    with scope.tenant(tenant.id):
        first = Member.objects.order_by("id").first()

    def remove(victim: Member, actor: Member) -> Callable[[], None]:
        def act() -> None:
            with scope.tenant(tenant.id):
                principal = make_principal(tenant, subject=actor.subject, member_id=actor.id)
                members.suspend_member(actor=principal, member=Member.objects.get(id=victim.id))

        return act

    race(remove(first, second.member), remove(second.member, first))
    with scope.tenant(tenant.id):
        assert selectors.owners().count() == 1


@pytest.mark.parametrize("_round", range(3))
def test_S6_owners_of_an_organization_who_unseat_each_other_leave_one(cast: Cast, _round: int):
    people = [make_member(cast.acme) for _ in range(2)]
    ours = make_organization(cast.acme, people=people)
    with scope.tenant(cast.acme.id):
        for person in people:
            services.assign_role_as_system(
                member=person.member, role=selectors.built_in("owner"), organization=ours
            )

    def unseat(victim: Person, actor: Person) -> Callable[[], None]:
        def act() -> None:
            principal = make_principal(
                cast.acme, ORGANIZATION, organization_id=ours.id, member_id=actor.member.id
            )
            with scope.principal(principal):
                services.unassign_role(actor=principal, assignment=assignment(victim.member, "owner"))

        return act

    refused = race(unseat(people[0], people[1]), unseat(people[1], people[0]))
    with scope.tenant(cast.acme.id):
        assert selectors.owners(ours.id).count() == 1
    assert sum(problem is None for problem in refused) == 1


def test_S6_the_last_owner_of_an_organization_stays(cast: Cast):
    first, second = make_member(cast.acme), make_member(cast.acme)
    ours = make_organization(cast.acme, people=[first, second])
    actor = acting(cast.owner)
    with scope.tenant(cast.acme.id):
        owner = selectors.built_in("owner")
        services.assign_role(actor=actor, member=first.member, role=owner, organization=ours)
        membership = organization_selectors.membership(ours, first.subject)
        with pytest.raises(LastOwner):
            organization_services.remove_member(actor=actor, membership=membership)
        services.assign_role(actor=actor, member=second.member, role=owner, organization=ours)
        organization_services.remove_member(actor=actor, membership=membership)
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(first.member.id, ours.id) == frozenset()
        assert authority.permissions_of(second.member.id, ours.id) == ORGANIZATION


# --- inside one organization -----------------------------------------------------------------------------


def test_TEN05_an_organization_gives_its_own_roles_to_its_own_people(cast: Cast):
    inside, outside = make_member(cast.acme), make_member(cast.acme)
    ours = make_organization(cast.acme, people=[inside])
    actor = make_principal(cast.acme, ORGANIZATION, organization_id=ours.id)
    with scope.principal(actor):
        role = services.create_role(
            actor=actor, name="Clerk", permissions=["members:read"], organization=ours
        )
        services.assign_role(actor=actor, member=inside.member, role=role, organization=ours)
        assert authority.permissions_of(inside.member.id, ours.id) == {"members:read"}
        with pytest.raises(NotFound):
            services.assign_role(actor=actor, member=outside.member, role=role, organization=ours)
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(inside.member.id) == frozenset()


def test_TEN05_from_an_organization_nothing_is_given_in_the_tenant(cast: Cast):
    inside = make_member(cast.acme)
    ours, theirs = (
        make_organization(cast.acme, people=[inside]),
        make_organization(cast.acme, people=[inside]),
    )
    actor = make_principal(cast.acme, ORGANIZATION, organization_id=ours.id)
    with scope.principal(actor):
        viewer = selectors.built_in("viewer")
        with pytest.raises((InsufficientScope, InsufficientRole)):
            services.assign_role(actor=actor, member=inside.member, role=viewer)
        with pytest.raises(Problem):
            services.assign_role(actor=actor, member=inside.member, role=viewer, organization=theirs)
    with scope.tenant(cast.acme.id):
        assert not RoleAssignment.objects.filter(member=inside.member).exists()


def test_a_role_of_one_organization_is_held_in_no_other(cast: Cast):
    person = make_member(cast.acme)
    ours, theirs = (
        make_organization(cast.acme, people=[person]),
        make_organization(cast.acme, people=[person]),
    )
    actor = acting(cast.owner)
    with scope.tenant(cast.acme.id):
        role = services.create_role(actor=actor, name="Local", permissions=[], organization=ours)
        for place in (theirs, None):
            with pytest.raises(NotFound):
                services.assign_role(actor=actor, member=person.member, role=role, organization=place)


def test_a_stranger_has_no_authority_anywhere(cast: Cast):
    stranger = cast.stranger
    for tenant in (cast.acme, cast.globex):
        with scope.tenant(tenant.id):
            assert authority.permissions_of(stranger.account_id) == frozenset()


def test_an_admin_page_is_measured_by_the_same_rules(cast: Cast):
    admin, taker = make_member(cast.acme, roles=["admin"]), make_member(cast.acme)
    with pytest.raises(OwnerRequired):
        give(cast.acme, admin_principal(cast.acme, admin), taker.member, "owner")
    give(cast.acme, admin_principal(cast.acme, admin), taker.member, "developer")
    assert roles_of(cast.acme, taker.member) == ("developer",)
    assert BUILT_IN["admin"] == ALL
