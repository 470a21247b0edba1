"""The dashboard's pages of groups, and what other pages say of them (USR-12, ORG-10)."""

from __future__ import annotations

from typing import Any

import pytest

from core import scope
from roles import authority, group_selectors, selectors, services
from roles.models import Group, Role
from tests.factories import (
    Browser,
    Cast,
    csrf_of,
    make_cast,
    make_member,
    make_organization,
    principal_of,
    unique,
)
from tests.factories.hosted import at_home
from tests.factories.people import give_role


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def owner(cast: Cast) -> Browser:
    return at_home(cast.owner)


def url(cast: Cast, path: str) -> str:
    return f"/dashboard/{cast.acme.slug}/{path}"


def read(browser: Browser, cast: Cast, path: str) -> str:
    shown = browser.get(url(cast, path))
    assert shown.status_code == 200, shown.content.decode()[:1000]
    return shown.content.decode()


def send(browser: Browser, cast: Cast, page: str, path: str, **data: object) -> Any:
    """Post to `path` with the CSRF token of `page`."""
    shown = browser.get(url(cast, page))
    assert shown.status_code == 200, shown.content.decode()[:1000]
    return browser.post(url(cast, path), {"csrfmiddlewaretoken": csrf_of(shown), **data})


def make_group(cast: Cast, *roles: str, name: str = "", **more: Any) -> Group:
    actor = principal_of(cast.owner)
    with scope.tenant(cast.acme.id):
        group = services.create_group(actor=actor, name=name or unique("Group"), **more)
        for role in roles:
            services.add_group_role(actor=actor, group=group, role=selectors.built_in(role))
    return group


def built_in(cast: Cast, name: str) -> str:
    with scope.tenant(cast.acme.id):
        return selectors.built_in(name).public_id


def test_USR12_a_group_is_made_filled_given_a_role_and_deleted(cast: Cast, owner: Browser):
    name, person = unique("Sales"), make_member(cast.acme)
    made = send(owner, cast, "groups/new", "groups/new", name=name, description="Sells", place="")
    assert made.status_code == 303, made.content
    base = "groups/" + made.headers["Location"].rpartition("/")[2]
    assert "Nobody is in it yet" in read(owner, cast, base)
    taken = send(owner, cast, "groups/new", "groups/new", name=name.upper(), place="")
    assert taken.status_code == 422
    assert send(owner, cast, base, base, member=person.email).status_code == 303
    assert send(owner, cast, base, base, member="nobody@example.com").status_code == 422
    assert person.email in read(owner, cast, f"{base}?q={person.email[:12]}")
    assert "No member matches" in read(owner, cast, f"{base}?q=zzz")
    page = read(owner, cast, f"{base}/roles")
    assert "It gives no roles" in page
    assert built_in(cast, "owner") not in page  # no group owns anything
    viewer = built_in(cast, "viewer")
    assert send(owner, cast, f"{base}/roles", f"{base}/roles", role=viewer).status_code == 303
    with scope.tenant(cast.acme.id):
        assert authority.roles_of(person.member.id) == ("viewer",)
    assert "by the group" in read(owner, cast, f"roles/{viewer}")
    settings = send(
        owner,
        cast,
        f"{base}/settings",
        f"{base}/settings",
        name=f"{name}!",
        description="",
        external_id="guid",
    )
    assert settings.status_code == 303
    assert "guid" in read(owner, cast, f"{base}/settings")
    assert send(owner, cast, f"{base}/roles", f"{base}/roles/{viewer}/removal").status_code == 303
    assert send(owner, cast, base, f"{base}/members/{person.subject}/removal").status_code == 303
    with scope.tenant(cast.acme.id):
        assert authority.roles_of(person.member.id) == ()
    assert send(owner, cast, base, f"{base}/deletion", confirm="no", reason="x").status_code == 422
    assert send(owner, cast, base, f"{base}/deletion", confirm=f"{name}!", reason="x").status_code == 303
    assert owner.get(url(cast, base)).status_code == 404


def test_USR12_the_list_is_narrowed_by_name_and_place(cast: Cast, owner: Browser):
    customer = make_organization(cast.acme)
    wide, inside = (
        make_group(cast, name=unique("Wide")),
        make_group(cast, name=unique("Within"), organization=customer),
    )
    for path, shown, hidden in (
        (f"groups?q={wide.name[:8].upper()}", wide, inside),
        (f"groups?organization={customer.public_id}", inside, wide),
        ("groups?organization=tenant", wide, inside),
        (f"organizations/{customer.public_id}/groups", inside, wide),
    ):
        page = read(owner, cast, path)
        assert shown.public_id in page, path
        assert hidden.public_id not in page, path
    assert "No group matches" in read(owner, cast, "groups?q=zzz")
    assert "No groups yet" in read(
        owner, cast, f"organizations/{make_organization(cast.acme).public_id}/groups"
    )
    assert wide.name in read(owner, cast, f"search?q={wide.name.lower()}")


def test_USR12_a_members_page_says_what_groups_give_and_takes_none_of_it(cast: Cast, owner: Browser):
    person, group = make_member(cast.acme), make_group(cast, "support", name=unique("Helpers"))
    with scope.tenant(cast.acme.id):
        services.add_to_group(actor=principal_of(cast.owner), group=group, member=person.member)
        row = selectors.assignments(person.member.id).get()
    page = f"members/{person.subject}/roles"
    html = read(owner, cast, page)
    assert html.count(group.name) == 2  # beside the role and in the list of groups
    assert f"roles/{row.public_id}/removal" not in html
    send(owner, cast, page, f"{page}/{row.public_id}/removal")
    assert "A group gives this role" in read(owner, cast, page)
    assert person.email in read(owner, cast, f"members?group={group.public_id}")
    assert person.email not in read(owner, cast, f"members?group={make_group(cast).public_id}")


def test_USR12_several_members_are_put_into_a_group_at_once(cast: Cast, owner: Browser):
    people, group = [make_member(cast.acme) for _ in range(2)], make_group(cast)
    for value in (group.public_id, "grp_nonsense"):
        subjects = [person.subject for person in people]
        done = send(
            owner,
            cast,
            "members",
            "members/bulk",
            act="group",
            member=subjects,
            confirmed="1",
            reason="x",
            value=value,
        )
        assert done.status_code == 303
    with scope.tenant(cast.acme.id):
        assert group_selectors.people(group).count() == 2


def test_A6_pages_of_groups_give_no_more_than_their_viewer_has(cast: Cast):
    with scope.tenant(cast.acme.id):
        role = services.create_role(
            actor=principal_of(cast.owner),
            name=unique("Clerk"),
            permissions=["groups:read", "groups:write", "roles:read", "roles:write", "members:read"],
        )
    clerk, reader = make_member(cast.acme), make_member(cast.acme, roles=["viewer"])
    with scope.tenant(cast.acme.id):
        services.assign_role_as_system(member=clerk.member, role=Role.objects.get(id=role.id))
    mighty, base = make_group(cast, "admin"), f"groups/{make_group(cast).public_id}"
    browser = at_home(clerk)
    climbs = send(browser, cast, f"{base}/roles", f"{base}/roles", role=built_in(cast, "admin"))
    joins = send(browser, cast, base, f"groups/{mighty.public_id}", member=clerk.email)
    for refused in (climbs, joins):
        assert refused.status_code == 422
        assert "Nobody grants what they lack" in refused.content.decode()
    with scope.tenant(cast.acme.id):
        assert authority.roles_of(clerk.member.id) == (role.name,)
    looks = at_home(reader)
    assert "Put a member in" not in read(looks, cast, base)
    assert looks.get(url(cast, "groups/new")).status_code == 403
    assert send(looks, cast, base, f"{base}/deletion", confirm="x", reason="x").status_code == 403


def test_A1_pages_of_groups_are_missing_for_other_tenants_and_strangers(cast: Cast):
    base = f"groups/{make_group(cast).public_id}"
    foreigner, stranger = at_home(cast.other_owner), at_home(cast.stranger)
    for path in (base, f"{base}/roles", f"{base}/settings"):
        assert foreigner.get(f"/dashboard/{cast.globex.slug}/{path}").status_code == 404
        assert stranger.get(url(cast, path)).status_code == 404


def test_TEN05_an_organizations_administrator_has_pages_of_its_groups(cast: Cast):
    admin = make_member(cast.acme)
    ours = make_organization(cast.acme, people=[admin])
    with scope.tenant(cast.acme.id):
        give_role(admin.member, "admin", ours)
    wide = make_group(cast)
    browser = at_home(admin)
    form = read(browser, cast, "groups/new")
    assert 'name="place"' not in form
    made = send(browser, cast, "groups/new", "groups/new", name="Team")
    assert made.status_code == 303
    base = "groups/" + made.headers["Location"].rpartition("/")[2]
    assert send(browser, cast, base, base, member=admin.email).status_code == 303
    assert browser.get(url(cast, f"groups/{wide.public_id}")).status_code == 404
    with scope.tenant(cast.acme.id):
        assert [row.organization_id for row in Group.objects.filter(name="Team")] == [ours.id]
