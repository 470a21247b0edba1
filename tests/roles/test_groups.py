"""Groups give roles: with them come and go the assignments, and nobody grants by a group what they lack (USR-12)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connections

from core import scope
from core.errors import Conflict, InsufficientRole, InsufficientScope, NotFound, OrgMismatch, Problem
from core.principal import SYSTEM, Principal
from organizations import selectors as organization_selectors
from organizations import services as organization_services
from organizations.models import Organization
from roles import authority, group_selectors, selectors, services
from roles.assurance import demanded
from roles.errors import GivenByGroup, GrantExceedsOwn, OwnersAreNamed
from roles.models import Group, GroupMember, GroupRole, RoleAssignment
from roles.permissions import ALL, ORGANIZATION
from tenants import members
from tests.factories import (
    Cast,
    Person,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    principal_of,
    unique,
)

DIRECTORY = "sso_one"


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def boss(cast: Cast) -> Principal:
    return principal_of(cast.owner)


def make_group(
    cast: Cast,
    *roles: str,
    people: tuple[Person, ...] = (),
    organization: Organization | None = None,
    **more: str,
) -> Group:
    """A group that gives built-in roles, with people in it, made by the tenant's owner."""
    actor = principal_of(cast.owner)
    with scope.tenant(cast.acme.id):
        group = services.create_group(
            actor=actor, organization=organization, **{"name": unique("Group"), **more}
        )
        for name in roles:
            services.add_group_role(actor=actor, group=group, role=selectors.built_in(name))
        for person in people:
            services.add_to_group(actor=actor, group=group, member=person.member)
    return group


def roles_of(person: Person, organization: Organization | None = None) -> tuple[str, ...]:
    with scope.tenant(person.tenant.id):
        return authority.roles_of(person.member.id, organization.id if organization else None)


def names_of(person: Person, organization: Organization | None = None) -> list[str]:
    with scope.tenant(person.tenant.id):
        return group_selectors.names_of(person.member.id, organization.id if organization else None)


def within(cast: Cast, verb: Callable[..., object], **arguments: object) -> object:
    with scope.tenant(cast.acme.id):
        return verb(**arguments)


def test_USR12_roles_come_with_the_group_and_go_with_it(cast: Cast, boss: Principal):
    first, second = make_member(cast.acme), make_member(cast.acme)
    group = make_group(cast, "viewer", people=(first,))
    assert roles_of(first) == ("viewer",)
    within(cast, services.add_to_group, actor=boss, group=group, member=second.member)
    support = within(cast, selectors.built_in, name="support")
    for _ in range(2):  # again changes nothing
        within(cast, services.add_group_role, actor=boss, group=group, role=support)
        within(cast, services.add_to_group, actor=boss, group=group, member=first.member)
    assert roles_of(first) == roles_of(second) == ("support", "viewer")
    within(cast, services.remove_group_role, actor=boss, group=group, role=support)
    assert roles_of(first) == roles_of(second) == ("viewer",)
    within(cast, services.remove_from_group, actor=boss, group=group, member=first.member)
    assert (roles_of(first), roles_of(second)) == ((), ("viewer",))
    within(cast, services.delete_group, actor=boss, group=group)
    assert roles_of(second) == ()
    with scope.tenant(cast.acme.id):
        assert not RoleAssignment.objects.filter(member=second.member).exists()
        assert not GroupRole.objects.filter(group=group).exists()
        with pytest.raises(NotFound):
            services.add_to_group(actor=boss, group=group, member=first.member)


def test_USR12_a_role_held_twice_survives_the_loss_of_either(cast: Cast, boss: Principal):
    person = make_member(cast.acme, roles=["viewer"])
    one, two = (make_group(cast, "viewer", people=(person,)) for _ in range(2))
    with scope.tenant(cast.acme.id):
        direct = RoleAssignment.objects.get(member=person.member, group=None)
        services.unassign_role(actor=boss, assignment=direct)
    assert roles_of(person) == ("viewer",)
    within(cast, services.delete_group, actor=boss, group=one)
    assert roles_of(person) == ("viewer",)
    with scope.tenant(cast.acme.id):
        left = RoleAssignment.objects.get(member=person.member)
        with pytest.raises(GivenByGroup) as refused:
            services.unassign_role(actor=boss, assignment=left)
        assert refused.value.extra["group"] == two.public_id
        services.assign_role(actor=boss, member=person.member, role=selectors.built_in("viewer"))
        services.remove_from_group(actor=boss, group=two, member=person.member)
    assert roles_of(person) == ("viewer",)


def test_AUT15_the_factor_that_a_role_requires_comes_with_the_group(cast: Cast, boss: Principal):
    person = make_member(cast.acme)
    group = make_group(cast, people=(person,))
    with scope.tenant(cast.acme.id):
        strict = services.create_role(
            actor=boss, name=unique("Strict"), permissions=["members:read"], required_factor="passkey"
        )
        assert demanded(person.member.id) == ""
        services.add_group_role(actor=boss, group=group, role=strict)
        assert demanded(person.member.id) == "urn:claviger:acr:phr"
        services.delete_role(actor=boss, role=strict)
        assert demanded(person.member.id) == ""
        assert not group_selectors.roles_of(group)


# --- what no group may bring about -----------------------------------------------------------------------


def test_A6_nobody_rises_by_a_group(cast: Cast):
    """Somebody who may change groups and assign roles, but holds little, gains nothing by any verb."""
    climber = make_member(cast.acme)
    actor = principal_of(climber, {"groups:write", "groups:read", "roles:write", "members:read"})
    mine = make_group(cast, people=(climber,))
    mighty = make_group(cast, "admin", people=(cast.member,))
    with scope.tenant(cast.acme.id):
        admin = selectors.built_in("admin")
        acts: list[Callable[[], object]] = [
            lambda: services.add_group_role(actor=actor, group=mine, role=admin),
            lambda: services.add_to_group(actor=actor, group=mighty, member=climber.member),
            lambda: services.remove_from_group(actor=actor, group=mighty, member=cast.member.member),
            lambda: services.remove_group_role(actor=actor, group=mighty, role=admin),
            lambda: services.update_group(actor=actor, group=mighty, changes={"name": "Theirs"}),
            lambda: services.update_group(actor=actor, group=mighty, changes={"external_id": "everyone"}),
            lambda: services.delete_group(actor=actor, group=mighty),
            lambda: services.may_sync_groups(actor=actor, organization=None),
        ]
        for act in acts:
            with pytest.raises(GrantExceedsOwn):
                act()
        services.update_group(actor=actor, group=mighty, changes={"description": "May be said by anybody"})
        moved = services.update_group(actor=actor, group=mine, changes={"name": unique("Plain")})
    assert (moved.id, roles_of(climber), roles_of(cast.member)) == (mine.id, (), ("admin",))


def test_A6_groups_without_roles_need_less_than_those_with(cast: Cast):
    clerk = make_principal(cast.acme, {"groups:write", "members:read"})
    plain, giving = make_group(cast), make_group(cast, "billing_manager")
    person = make_member(cast.acme)
    with scope.tenant(cast.acme.id):
        services.add_to_group(actor=clerk, group=plain, member=person.member)
        for act in (
            lambda: services.add_to_group(actor=clerk, group=giving, member=person.member),
            lambda: services.add_group_role(
                actor=clerk, group=plain, role=selectors.built_in("billing_manager")
            ),
        ):
            with pytest.raises((InsufficientRole, InsufficientScope)):
                act()
        reader = make_principal(cast.acme, {"groups:read", "roles:write"})
        with pytest.raises((InsufficientRole, InsufficientScope)):
            services.add_to_group(actor=reader, group=plain, member=person.member)


def test_S6_no_group_owns_anything(cast: Cast, boss: Principal):
    group = make_group(cast, people=(cast.member,))
    with scope.tenant(cast.acme.id), pytest.raises(OwnersAreNamed):
        services.add_group_role(actor=boss, group=group, role=selectors.built_in("owner"))


def test_A4_another_tenants_group_member_or_role_fits_nowhere(cast: Cast, boss: Principal):
    group = make_group(cast, "viewer")
    foreigner = principal_of(cast.other_owner)
    with scope.tenant(cast.globex.id):
        theirs = services.create_group(actor=foreigner, name="Theirs")
        viewer = selectors.built_in("viewer")
        for act in (
            lambda: services.add_to_group(actor=foreigner, group=group, member=cast.other_member.member),
            lambda: services.delete_group(actor=foreigner, group=group),
            lambda: group_selectors.group(group.id),
        ):
            with pytest.raises(NotFound):
                act()
    with scope.tenant(cast.acme.id):
        for act in (
            lambda: services.add_to_group(actor=boss, group=group, member=cast.other_member.member),
            lambda: services.add_to_group(actor=boss, group=theirs, member=cast.member.member),
            lambda: services.add_group_role(actor=boss, group=group, role=viewer),
        ):
            with pytest.raises(NotFound):
                act()


# --- in an organization ----------------------------------------------------------------------------------


def test_TEN05_an_organization_manages_its_own_groups_and_no_others(cast: Cast):
    person, outsider = make_member(cast.acme), make_member(cast.acme)
    ours, other = make_organization(cast.acme, people=[person]), make_organization(cast.acme)
    wide, foreign = make_group(cast, "viewer"), make_group(cast, organization=other)
    inside = make_principal(cast.acme, ORGANIZATION, organization_id=ours.id)
    with scope.organization(cast.acme.id, ours.id):
        group = services.create_group(actor=inside, name="Team")
        assert group.organization_id == ours.id
        services.add_group_role(actor=inside, group=group, role=selectors.built_in("viewer"))
        services.add_to_group(actor=inside, group=group, member=person.member)
        assert [row.id for row in group_selectors.groups()] == [group.id]
        for hidden in (wide, foreign):
            with pytest.raises(NotFound):
                group_selectors.group(hidden.id)
            with pytest.raises(NotFound):
                services.add_to_group(actor=inside, group=hidden, member=person.member)
        with pytest.raises(NotFound):
            services.add_to_group(actor=inside, group=group, member=outsider.member)
        with pytest.raises((NotFound, OrgMismatch)):
            services.create_group(actor=inside, name="Elsewhere", organization=other)
    assert roles_of(person, ours) == ("viewer",)
    assert roles_of(person) == ()  # only there
    assert names_of(person, ours) == ["Team"]
    assert names_of(person) == []


def test_USR12_leaving_organization_or_tenant_ends_what_its_groups_gave(cast: Cast, boss: Principal):
    person = make_member(cast.acme)
    ours = make_organization(cast.acme, people=[person])
    there = make_group(cast, "viewer", people=(person,), organization=ours)
    here = make_group(cast, "support", people=(person,))
    assert roles_of(person, ours) == ("support", "viewer")
    with scope.tenant(cast.acme.id):
        held = organization_selectors.membership(ours, person.subject)
        organization_services.remove_member(actor=boss, membership=held)
        assert not group_selectors.people(there).exists()
        again = organization_services.add_member(actor=boss, organization=ours, member=person.member)
    assert roles_of(person, ours) == ("support",)
    assert again.organization_id == ours.id
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=boss, member=person.member)
        members.reactivate_member(actor=boss, member=person.member)
        assert authority.roles_of(person.member.id) == ("support",)
        members.remove_member(actor=boss, member=person.member)
        assert not GroupMember.objects.filter(member=person.member).exists()
        assert not RoleAssignment.objects.filter(member=person.member).exists()
        assert group_selectors.roles_of(here)


def test_USR12_a_deleted_organization_takes_its_groups_along(cast: Cast, boss: Principal):
    person = make_member(cast.acme)
    ours = make_organization(cast.acme, people=[person])
    group = make_group(cast, "viewer", people=(person,), organization=ours)
    with scope.tenant(cast.acme.id):
        organization_services.delete_organization(actor=boss, organization=ours)
        assert not Group.objects.filter(id=group.id).exists()
        assert not RoleAssignment.objects.filter(member=person.member).exists()


def test_USR12_names_and_external_ids_are_taken_once_in_a_place(cast: Cast, boss: Principal):
    ours = make_organization(cast.acme)
    name = unique("Sales")
    group = make_group(cast, name=name, external_id=f"ext-{name}")
    with scope.tenant(cast.acme.id):
        for taken in ({"name": name.upper()}, {"name": unique("x"), "external_id": f"ext-{name}"}):
            with pytest.raises(Conflict):
                services.create_group(actor=boss, **taken)
        services.create_group(actor=boss, name=name, external_id=f"ext-{name}", organization=ours)
        other = services.create_group(actor=boss, name=unique("Other"))
        with pytest.raises(Conflict):
            services.update_group(actor=boss, group=other, changes={"name": name.upper()})
        services.update_group(actor=boss, group=group, changes={"name": name.upper(), "external_id": None})


# --- what an outside directory says ----------------------------------------------------------------------


def sync(cast: Cast, person: Person, *names: str, source: str = DIRECTORY, **more: object) -> services.Synced:
    done = within(
        cast,
        services.sync_groups,
        **{"actor": SYSTEM, "member": person.member, "organization": None, "source": source, **more},
        names=names,
    )
    assert isinstance(done, services.Synced)
    return done


def test_ORG10_a_directory_puts_people_in_and_takes_them_out_again(cast: Cast):
    person = make_member(cast.acme)
    by_name, by_id = unique("Engineering"), unique("guid")
    first, second = make_group(cast, "viewer", name=by_name), make_group(cast, "support", external_id=by_id)
    done = sync(cast, person, by_name.upper(), by_id, "Nobody knows", "", by_id)
    assert ({one.id for one in done.joined}, done.left) == ({first.id, second.id}, ())
    assert done.unknown == ("Nobody knows",)
    assert roles_of(person) == ("support", "viewer")
    assert sync(cast, person, by_name, by_id) == services.Synced()
    done = sync(cast, person, by_id)
    assert [one.id for one in done.left] == [first.id]
    assert roles_of(person) == ("support",)
    sync(cast, person)
    assert roles_of(person) == ()


def test_ORG10_a_directory_touches_only_what_it_gave_itself(cast: Cast, boss: Principal):
    person = make_member(cast.acme)
    ours = make_organization(cast.acme, people=[person])
    by_hand, both, twice = (
        make_group(cast, "viewer", people=(person,)),
        make_group(cast, "support", people=(person,)),
        make_group(cast, "auditor"),
    )
    there = make_group(cast, "developer", people=(person,), organization=ours, name=twice.name)
    sync(cast, person, both.name, twice.name)
    sync(cast, person, twice.name, source="sso_two")
    sync(cast, person)
    assert roles_of(person) == ("auditor", "support", "viewer")  # sso_two still says so
    sync(cast, person, source="sso_two")
    assert roles_of(person) == ("support", "viewer")
    within(cast, services.remove_from_group, actor=boss, group=there, member=person.member)
    assert [one.id for one in sync(cast, person, there.name, organization=ours).joined] == [there.id]
    assert roles_of(person) == ("support", "viewer")
    assert by_hand.name in names_of(person, ours)
    within(cast, services.end_group_source, actor=SYSTEM, source=DIRECTORY)
    with scope.tenant(cast.acme.id):
        assert not group_selectors.people(there).exists()
        assert group_selectors.people(both).exists()


def test_ORG10_groups_are_made_only_when_told(cast: Cast):
    person, name = make_member(cast.acme), unique("New")
    assert sync(cast, person, name).unknown == (name,)
    done = sync(cast, person, name, create=True)
    assert [(one.name, one.external_id) for one in done.joined] == [(name, name)]
    assert names_of(person) == [name]
    stranger = make_member(cast.acme)
    organization = make_organization(cast.acme)
    make_group(cast, organization=organization, name="Inside")
    with pytest.raises(NotFound):
        sync(cast, stranger, "Inside", organization=organization)


# --- at the same moment ----------------------------------------------------------------------------------


def at_once(cast: Cast, *acts: Callable[[], object]) -> list[Problem | None]:
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> Problem | None:
        barrier.wait()
        try:
            with scope.tenant(cast.acme.id):
                act()
        except Problem as refused:
            return refused
        finally:
            connections.close_all()
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_S6_whoever_comes_while_a_role_comes_has_it_once_and_whoever_leaves_has_it_not(
    cast: Cast, boss: Principal
):
    coming, leaving = [make_member(cast.acme) for _ in range(2)], [make_member(cast.acme) for _ in range(2)]
    group = make_group(cast, "viewer", people=tuple(leaving))
    with scope.tenant(cast.acme.id):
        support = selectors.built_in("support")
        role = services.create_role(actor=boss, name=unique("Brief"), permissions=["members:read"])
        services.add_group_role(actor=boss, group=group, role=role)
    acts: list[Callable[[], object]] = [
        lambda: services.add_group_role(actor=boss, group=group, role=support),
        lambda: services.delete_role(actor=boss, role=role),
        lambda: members.remove_member(actor=boss, member=leaving[0].member),
        lambda: services.remove_from_group(actor=boss, group=group, member=leaving[1].member),
        *(partial(services.add_to_group, actor=boss, group=group, member=person.member) for person in coming),
        lambda: services.add_group_role(actor=boss, group=group, role=support),
    ]
    assert at_once(cast, *acts) == [None] * len(acts)
    assert [roles_of(person) for person in coming] == [("support", "viewer")] * 2
    assert [roles_of(person) for person in leaving] == [()] * 2
    with scope.tenant(cast.acme.id):
        assert RoleAssignment.objects.filter(group=group).count() == 4


def test_S6_whoever_leaves_the_organization_while_joining_its_group_keeps_nothing(
    cast: Cast, boss: Principal
):
    people = [make_member(cast.acme) for _ in range(3)]
    ours = make_organization(cast.acme, people=people)
    group = make_group(cast, "viewer", organization=ours)
    with scope.tenant(cast.acme.id):
        held = [organization_selectors.membership(ours, person.subject) for person in people]
    acts: list[Callable[[], object]] = []
    for person, membership in zip(people, held, strict=True):
        acts.append(partial(services.add_to_group, actor=boss, group=group, member=person.member))
        acts.append(partial(organization_services.remove_member, actor=boss, membership=membership))
    at_once(cast, *acts)
    with scope.tenant(cast.acme.id):
        assert not group_selectors.people(group).exists()
        assert not RoleAssignment.objects.filter(group=group).exists()


def test_every_permission_of_groups_reaches_organizations(cast: Cast):
    assert {"groups:read", "groups:write"} <= {str(word) for word in ORGANIZATION} <= {str(w) for w in ALL}
