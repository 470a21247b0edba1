"""Organizations over all services: list, switch, leave, invitations that wait (POR-05, TEN-13)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from core import ids, scope
from identity.models import EmailAddress
from invitations import services as invitations
from invitations.models import Invitation
from oauth.models import Application
from organizations.models import Membership, Organization
from roles import selectors as roles
from tenants.models import Tenant, TenantSession
from tests.dashboard.test_frame import signed_in
from tests.factories import (
    Browser,
    Cast,
    Person,
    make_account,
    make_cast,
    make_member,
    make_organization,
    principal_of,
    unique,
)
from tests.factories.people import give_role

PAGE = "/account/organizations"


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def person(cast: Cast) -> Person:
    return make_member(cast.acme)


def act(browser: Browser, person: Person, organization: Organization, word: str) -> Any:
    where = f"{PAGE}/{ids.encode(Tenant.PREFIX, person.tenant.id)}/{organization.public_id}/{word}"
    return browser.submit(browser.get(PAGE), {}, to=where)


def invite(cast: Cast, email: str, organization: Organization | None = None, role: str = "") -> Invitation:
    with scope.tenant(cast.acme.id):
        named = [roles.built_in(role)] if role else []
        return invitations.invite(
            actor=principal_of(cast.owner), email=email, organization=organization, roles=named
        )


def decide(browser: Browser, invitation: Invitation, word: str) -> Any:
    where = f"/account/invitations/{invitation.public_id}/decision"
    return browser.submit(browser.get(PAGE), {"act": word}, to=where)


def state(cast: Cast, invitation: Invitation) -> str:
    with scope.tenant(cast.acme.id):
        return Invitation.objects.get(id=invitation.id).state


def belongs(cast: Cast, person: Person, organization: Organization) -> bool:
    with scope.tenant(cast.acme.id):
        rows = Membership.objects.filter(organization=organization)
        return rows.filter(member__account_id=person.account_id).exists()


def test_POR05_own_organizations_are_listed_with_roles_and_no_others(cast: Cast, person: Person) -> None:
    mine, other = (
        make_organization(cast.acme, people=[person]),
        make_organization(cast.acme, people=[cast.member]),
    )
    with scope.tenant(cast.acme.id):
        give_role(person.member, "auditor", mine)
    page = signed_in(person).get(PAGE).content.decode()
    assert mine.name in page
    assert "auditor" in page
    assert other.name not in page


def test_POR05_a_switch_makes_the_organization_the_sessions_own(cast: Cast, person: Person) -> None:
    first, second = (make_organization(cast.acme, people=[person]) for _ in range(2))
    browser = signed_in(person)
    for organization in (first, second):
        landed = browser.follow(act(browser, person, organization, "work"))
        assert landed.requested_path == PAGE
        assert landed.content.decode().count("You work here") == 1
        with scope.tenant(cast.acme.id):
            session = TenantSession.objects.get(member=person.member, ended_at=None)
            assert session.organization_id == organization.id


def test_POR05_who_administers_it_lands_in_the_dashboard(cast: Cast, person: Person) -> None:
    organization = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        give_role(person.member, "admin", organization)
    browser = signed_in(person)
    assert browser.follow(act(browser, person, organization, "work")).requested_path.startswith(
        f"/dashboard/{cast.acme.slug}/"
    )


def test_POR05_applications_that_begin_a_sign_in_themselves_can_be_opened(cast: Cast, person: Person) -> None:
    with scope.tenant(cast.acme.id):
        Application.objects.create(
            client_id=unique("shop"),
            name="The Shop",
            type="web",
            client_type="confidential",
            initiate_login_uri="https://shop.example/login?from=portal",
        )
    page = signed_in(person).get(PAGE).content.decode()
    issuer = f"http%3A%2F%2Flocalhost%3A8000%2Ft%2F{cast.acme.slug}"
    assert f"https://shop.example/login?from=portal&amp;iss={issuer}" in page


def test_POR05_leaving_ends_membership_and_sessions_there(cast: Cast, person: Person) -> None:
    organization = make_organization(cast.acme, people=[person])
    browser = signed_in(person)
    browser.follow(act(browser, person, organization, "work"))
    assert act(browser, person, organization, "departure").status_code == 303
    assert not belongs(cast, person, organization)
    with scope.tenant(cast.acme.id):
        assert not TenantSession.objects.filter(organization_id=organization.id, ended_at=None).exists()
    assert organization.name not in browser.follow(browser.get(PAGE)).content.decode().replace(
        f"You have left {organization.name}", ""
    )


def test_POR05_the_last_owner_cannot_leave(cast: Cast, person: Person) -> None:
    organization = make_organization(cast.acme, people=[person, cast.member])
    with scope.tenant(cast.acme.id):
        give_role(person.member, "owner", organization)
    refused = act(signed_in(person), person, organization, "departure")
    assert refused.status_code == 409
    assert "The last owner must stay" in refused.content.decode()
    assert belongs(cast, person, organization)


@pytest.mark.parametrize("word", ["work", "departure"])
@pytest.mark.parametrize("who", ["stranger", "other_member", "owner"])
def test_A1_nobody_acts_in_an_organization_that_is_not_theirs(
    cast: Cast, person: Person, who: str, word: str
) -> None:
    organization = make_organization(cast.acme, people=[person])
    assert act(signed_in(getattr(cast, who)), person, organization, word).status_code == 404
    assert belongs(cast, person, organization)


def test_POR05_an_invitation_to_a_second_address_is_seen_and_accepted(cast: Cast) -> None:
    person, second = make_account(), f"{unique('second')}@example.com"
    with scope.account(person.account_id):
        from identity.emails import read

        EmailAddress.objects.create(account_id=person.account_id, address=second, digest=read(second).digest)
    organization = make_organization(cast.acme)
    invitation = invite(cast, second, organization, "auditor")
    browser = signed_in(person)
    page = browser.get(PAGE).content.decode()
    assert organization.name in page
    assert "auditor" in page
    assert decide(browser, invitation, "accept").status_code == 303
    assert belongs(cast, person, organization)
    assert state(cast, invitation) == "accepted"
    assert "Invitations" not in browser.follow(browser.get(PAGE)).content.decode()


def test_POR05_an_invitation_is_declined(cast: Cast) -> None:
    person = make_account()
    invitation = invite(cast, person.email)
    assert decide(signed_in(person), invitation, "decline").status_code == 303
    assert state(cast, invitation) == "declined"


@pytest.mark.parametrize("word", ["accept", "decline"])
def test_A1_an_invitation_to_somebody_else_is_not_found(cast: Cast, word: str) -> None:
    person = make_account()
    invitation = invite(cast, person.email)
    browser = signed_in(cast.stranger)
    assert person.email not in browser.get(PAGE).content.decode()
    assert decide(browser, invitation, word).status_code == 404
    assert state(cast, invitation) == "pending"


def test_L5_an_address_that_is_only_claimed_shows_no_invitation(cast: Cast) -> None:
    from tests.portal.test_addresses import claim

    invited = f"{unique('invited')}@example.com"
    invite(cast, invited)
    browser = signed_in(make_account())
    claim(browser, invited)
    assert invited not in browser.get(PAGE).content.decode()


@pytest.mark.parametrize("change", [{"state": "revoked"}, {"expires_at": timezone.now()}])
def test_a_past_invitation_is_not_found(cast: Cast, change: dict[str, Any]) -> None:
    person = make_account()
    invitation = invite(cast, person.email)
    with scope.tenant(cast.acme.id):
        Invitation.objects.filter(id=invitation.id).update(**change)
    assert decide(signed_in(person), invitation, "accept").status_code == 404


def test_S3_an_inviter_who_may_no_longer_invite_lets_nobody_in(cast: Cast) -> None:
    from roles.models import RoleAssignment

    person, inviter = make_account(), make_member(cast.acme, roles=["admin"])
    with scope.tenant(cast.acme.id):
        invitation = invitations.invite(actor=principal_of(inviter), email=person.email)
        RoleAssignment.objects.filter(member=inviter.member).delete()
    browser = signed_in(person)
    page = browser.follow(decide(browser, invitation, "accept"))
    assert "may no longer do so" in page.content.decode()
    assert state(cast, invitation) == "pending"
