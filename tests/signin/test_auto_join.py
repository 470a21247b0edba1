"""Joining an organization by a proved address in its verified domain (ORG-05), and signing up by one (AUT-18)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core import scope
from events.models import Event
from identity.models import EmailAddress, IdentitySession
from organizations import auto_join
from organizations import services as organizations
from organizations.domain_services import update_domain
from organizations.models import Membership, Organization, OrganizationDomain
from organizations.selectors import belongs
from roles import authority
from roles.models import Role
from tenants.models import Member
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    admin_principal,
    make_account,
    make_cast,
    make_member,
    make_organization,
    make_tenant,
    unique,
)
from tests.factories.hosted import at_home, prefix, sign_in, sign_up
from tests.organizations.answers import told
from tests.organizations.test_domain_lookup import claim


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def _answers() -> Iterator[None]:
    with told():
        yield


def domain_of(cast: Cast, organization: Organization, **fields: Any) -> OrganizationDomain:
    """A verified domain by which people join, with columns changed."""
    made = claim(organization, f"{unique('d')}.example")
    with scope.tenant(cast.acme.id):
        update_domain(
            actor=admin_principal(cast.acme, cast.owner), claim=made, changes={"auto_join": True, **fields}
        )
    return made


def role(cast: Cast, name: str) -> Role:
    with scope.tenant(cast.acme.id):
        return Role.objects.get(name=name, organization=None)


def in_domain(cast: Cast, domain: OrganizationDomain) -> Person:
    return make_member(cast.acme, f"{unique('p')}@{domain.domain}")


def comes_in(cast: Cast, person: Person) -> None:
    """Walk the page behind every sign-in."""
    browser = at_home(person)
    assert browser.get(f"{prefix(cast.acme)}/sign-in/continue").status_code == 303


def is_in(cast: Cast, person: Person, organization: Organization) -> bool:
    with scope.tenant(cast.acme.id):
        return belongs(person.member.id, organization.id)


def test_ORG05_whoever_signs_in_with_an_address_in_it_joins_with_the_role(cast: Cast):
    organization = make_organization(cast.acme)
    domain = domain_of(cast, organization, auto_join_role_id=role(cast, "viewer").id)
    person = in_domain(cast, domain)
    sign_in(Browser(), cast.acme, person.email)
    assert not is_in(cast, person, organization)  # a proof comes first, and then the page behind it
    comes_in(cast, person)
    assert is_in(cast, person, organization)
    with scope.tenant(cast.acme.id):
        assert authority.roles_of(person.member.id, organization.id) == ("viewer",)
        [event] = Event.objects.filter(type="organization.member.added", organization_id=organization.id)
        assert json.loads(bytes(event.canonical))["data"]["object"]["reason"] == "verified_domain"
    comes_in(cast, person)
    with scope.tenant(cast.acme.id):
        assert Membership.objects.filter(member=person.member).count() == 1


def test_ORG05_whoever_becomes_a_member_joins_in_the_same_breath(cast: Cast):
    organization = make_organization(cast.acme)
    domain = domain_of(cast, organization)
    person = make_account(f"{unique('p')}@{domain.domain}")
    browser, onward = at_home(person), f"{prefix(cast.acme)}/sign-in/continue"
    assert browser.submit(browser.get(onward), to=onward).status_code == 303
    with scope.tenant(cast.acme.id):
        [row] = Membership.objects.filter(organization=organization).select_related("member")
        assert row.member.account_id == person.account_id


def test_S1_nobody_joins_without_both_proofs_or_where_it_is_not_wanted(cast: Cast):
    organization, other = make_organization(cast.acme), make_organization(cast.acme)
    domain = domain_of(cast, organization)
    unproved, elsewhere, withheld = (in_domain(cast, domain) for _ in range(3))
    beneath = make_member(cast.acme, f"{unique('p')}@mail.{domain.domain}")
    with scope.tenant(cast.acme.id):
        Member.objects.filter(id=unproved.member.id).update(email_verified=False)
        Member.objects.filter(id=withheld.member.id).update(email="", email_search="")
    with scope.account(elsewhere.account_id):  # given up since; the tenant's copy still has it
        EmailAddress.objects.filter(account_id=elsewhere.account_id).update(
            address=f"{unique('new')}@example.com"
        )
    waiting, off, suspended = domain_of(cast, other), domain_of(cast, other), domain_of(cast, other)
    with scope.tenant(cast.acme.id):
        OrganizationDomain.objects.filter(id=waiting.id).update(state="pending")
        OrganizationDomain.objects.filter(id=off.id).update(auto_join=False)
    people = [unproved, elsewhere, withheld, beneath, in_domain(cast, waiting), in_domain(cast, off)]
    for person in people:
        comes_in(cast, person)
    late = in_domain(cast, suspended)
    with scope.tenant(cast.acme.id):
        Organization.objects.filter(id=other.id).update(status="suspended")
    comes_in(cast, late)
    with scope.tenant(cast.acme.id):
        assert not Membership.objects.filter(organization__in=[organization, other]).exists()


def test_F7_a_session_of_a_connection_brings_nobody_in(cast: Cast):
    organization = make_organization(cast.acme)
    person = in_domain(cast, domain_of(cast, organization))
    browser = at_home(person)
    with scope.account(person.account_id):
        IdentitySession.objects.filter(account_id=person.account_id).update(opened_by=str(cast.acme.id))
    browser.get(f"{prefix(cast.acme)}/sign-in/continue")
    assert not is_in(cast, person, organization)


def test_ORG05_who_was_removed_or_left_comes_back_by_people_only(cast: Cast):
    organization = make_organization(cast.acme)
    domain = domain_of(cast, organization)
    removed, left = in_domain(cast, domain), in_domain(cast, domain)
    for person in (removed, left):
        comes_in(cast, person)
    actor = admin_principal(cast.acme, cast.owner)
    with scope.tenant(cast.acme.id):
        mine = {row.member_id: row for row in Membership.objects.filter(organization=organization)}
        organizations.remove_member(actor=actor, membership=mine[removed.member.id])
        organizations.leave(actor=admin_principal(cast.acme, left), membership=mine[left.member.id])
    for person in (removed, left):
        comes_in(cast, person)
        assert not is_in(cast, person, organization)
    with scope.tenant(cast.acme.id):
        organizations.add_member(actor=actor, organization=organization, member=removed.member)
    assert is_in(cast, removed, organization)


def test_A6_no_role_that_runs_an_organization_comes_with_an_address(cast: Cast):
    organization = make_organization(cast.acme)
    domain = claim(organization, f"{unique('d')}.example")
    path = f"/t/{cast.acme.slug}/v1/organizations/{organization.public_id}/domains/{domain.public_id}"

    def change(token: str, role_id: str) -> Any:
        return Browser().api("PATCH", path, token, {"auto_join": True, "auto_join_role": role_id})

    admin = access_token(cast.owner)
    for name in ("owner", "admin"):
        refused = change(admin, role(cast, name).public_id)
        assert refused.json()["errors"][0] == {
            "pointer": "/auto_join_role",
            "code": "administers",
            "detail": "A role that runs the organization is given by people only.",
        }
    with scope.tenant(cast.globex.id):
        foreign = Role.objects.get(name="viewer", organization=None).public_id
    assert change(admin, foreign).json()["errors"][0]["code"] == "unknown"
    weak = access_token(cast.owner, ["organizations:read", "organizations:write"])
    beyond = change(weak, role(cast, "viewer").public_id)
    assert (beyond.status_code, beyond.json()["code"]) == (403, "grant_exceeds_own")
    given = change(admin, role(cast, "viewer").public_id)
    assert (given.status_code, given.json()["auto_join"]) == (200, True)
    assert given.json()["auto_join_role"] == role(cast, "viewer").public_id


def test_A6_a_role_that_grew_since_or_is_gone_is_not_given(cast: Cast):
    organization = make_organization(cast.acme)
    with scope.tenant(cast.acme.id):
        grown, gone = (Role.objects.create(name=unique(w), permissions=["members:read"]) for w in "ab")
    first, second = (domain_of(cast, organization, auto_join_role_id=one.id) for one in (grown, gone))
    with scope.tenant(cast.acme.id):
        Role.objects.filter(id=grown.id).update(permissions=["organizations:write"])
        Role.objects.filter(id=gone.id).delete()
    for domain in (first, second):
        person = in_domain(cast, domain)
        comes_in(cast, person)
        assert is_in(cast, person, organization)
        with scope.tenant(cast.acme.id):
            assert authority.roles_of(person.member.id, organization.id) == ()


def test_AUT18_domain_only_takes_the_domains_by_which_people_join(cast: Cast):
    tenant = make_tenant(policy={"sign_up": "domain"})
    organization = make_organization(tenant)
    joined, other = (claim(organization, f"{unique('d')}.example") for _ in "ab")
    assert sign_up(Browser(), tenant, f"{unique('n')}@{joined.domain}").status_code == 403
    with scope.tenant(tenant.id):
        owner = Member.objects.order_by("id").first()
        assert owner is not None
        actor = admin_principal(tenant, Person(owner.account_id, owner.email, "", owner, tenant))
        update_domain(actor=actor, claim=joined, changes={"auto_join": True})
    assert sign_up(Browser(), tenant, f"{unique('n')}@{joined.domain}").status_code == 200
    assert sign_up(Browser(), tenant, f"{unique('n')}@{other.domain}").status_code == 403
    invited = make_tenant(policy={"sign_up": "invite"})
    shut = make_organization(invited)
    with scope.tenant(invited.id):
        OrganizationDomain.objects.filter(id=claim(shut, joined.domain).id).update(auto_join=True)
    assert sign_up(Browser(), invited, f"{unique('n')}@{joined.domain}").status_code == 403


def test_AUT18_L6_the_tenants_own_domains_are_kept_in_the_form_that_is_compared(cast: Cast):
    path, token = f"/t/{cast.acme.slug}/v1/tenant/policy", access_token(cast.owner)
    typed = ["Bücher.example", "xn--bcher-kva.example", "EXAMPLE.org"]
    etag = Browser().api("GET", path, token).headers["ETag"]
    kept = Browser().api("PATCH", path, token, {"sign_up_domains": typed}, If_Match=etag)
    assert kept.json()["sign_up_domains"] == ["xn--bcher-kva.example", "example.org"], kept.content
    refused = Browser().api(
        "PATCH", path, token, {"sign_up_domains": ["ok.example", "no domain"]}, If_Match=kept.headers["ETag"]
    )
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/sign_up_domains/1"


def test_ORG05_a_tenant_without_such_domains_pays_nothing_for_it(cast: Cast):
    assert not auto_join.is_used(cast.globex.id)
    with scope.tenant(cast.globex.id):
        claim(make_organization(cast.globex), f"{unique('d')}.example")
    assert not auto_join.is_used(cast.globex.id)
