"""The page behind the mailed link: who signs in decides, the link only says which invitation."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone

from core import scope
from identity import emails
from identity import selectors as people
from invitations import services
from invitations.models import Invitation
from roles import authority
from roles import selectors as role_selectors
from tenants import selectors
from tenants.models import Member
from tests.factories import (
    Browser,
    Cast,
    Person,
    make_account,
    make_cast,
    make_principal,
    make_tenant,
    principal_of,
    unique,
)
from tests.factories.browser import path_of
from tests.factories.hosted import at_home, code_in, mails_to, sign_up


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def invited(cast: Cast, email: str, role: str = "viewer") -> tuple[Invitation, str]:
    """Invite over the service and take the link out of the mail that arrives."""
    with scope.tenant(cast.acme.id):
        invitation = services.invite(
            actor=principal_of(cast.owner), email=email, roles=[role_selectors.built_in(role)]
        )
    mail = mails_to(email)[0]
    found = re.search(r"http://localhost:8000(\S+/invitation\?token=\S+)", mail["text"])
    assert found, mail["text"]
    assert "Olga Owner" in mail["text"]
    return invitation, found[1]


def state(cast: Cast, invitation: Invitation) -> str:
    with scope.tenant(cast.acme.id):
        return Invitation.objects.get(id=invitation.id).state


def roles_of(cast: Cast, person: Person) -> tuple[str, ...]:
    with scope.tenant(cast.acme.id):
        member = selectors.member_by_account(person.account_id)
        return authority.roles_of(member.id) if member else ()


def test_USR02_an_existing_account_joins_by_signing_in(cast: Cast):
    person = make_account()
    invitation, link = invited(cast, person.email)
    browser = Browser()
    page = browser.get(link)
    assert page.status_code == 200
    text = page.content.decode()
    assert person.email in text
    assert 'value="accept"' not in text
    found = re.search(r'href="(/t/[^"]+/sign-in\?[^"]+)"', text)
    assert found
    asked = browser.follow(browser.get(found[1].replace("&amp;", "&")))
    password = browser.follow(browser.submit(asked, {"email": person.email}))
    back = browser.follow(browser.submit(password, {"password": person.password}))
    if "/invitation" not in back.requested_path:  # joining the tenant is asked first
        back = browser.follow(browser.submit(back))
    assert 'value="accept"' in back.content.decode()
    done = browser.follow(browser.submit(back, {"act": "accept"}, to=link))
    assert done.status_code == 200
    assert state(cast, invitation) == "accepted"
    assert roles_of(cast, person) == ("viewer",)


def test_USR02_a_new_person_signs_up_with_the_invited_address(cast: Cast):
    email = f"{unique('fresh')}@example.com"
    invitation, link = invited(cast, email)
    browser = Browser()
    back = browser.follow(sign_up(browser, cast.acme, email, query=query_of(browser.get(link))))
    assert 'value="accept"' in back.content.decode(), back.content.decode()[:3000]
    assert not codes_to(email), "the link proved the address already"
    browser.submit(back, {"act": "accept"}, to=link)
    assert state(cast, invitation) == "accepted"
    member = member_by_email(cast, email)
    assert member is not None
    assert member.email_verified


def query_of(page: Any) -> str:
    """The query of the page's link to sign-up, which leads back to the invitation."""
    found = re.search(r'href="(/t/[^"]+/sign-up\?([^"]+))"', page.content.decode())
    assert found
    return "?" + found[2].replace("&amp;", "&")


def codes_to(email: str) -> list[str]:
    return [code_in(mail) for mail in mails_to(email) if re.search(r"^\s+\d{6}$", mail["text"], re.M)]


def member_by_email(cast: Cast, email: str) -> Member | None:
    with scope.tenant(cast.acme.id):
        return selectors.member_by_email(email)


def account_of(email: str) -> object:
    return people.account_id_by_address(emails.parse(email))


def test_S3_the_link_proves_no_other_address(cast: Cast):
    email, other = f"{unique('fresh')}@example.com", f"{unique('other')}@example.com"
    _invitation, link = invited(cast, email)
    browser = Browser()
    waiting = sign_up(browser, cast.acme, other, query=query_of(browser.get(link)))
    assert "/verify" in waiting.requested_path
    assert codes_to(other)
    assert account_of(other) is None


@pytest.mark.parametrize("how", ["revoked", "resent", "expired", "made up", "of another tenant", "accepted"])
def test_L4_a_dead_or_foreign_link_proves_nothing(cast: Cast, how: str):
    email = f"{unique('fresh')}@example.com"
    invitation, link = invited(cast, email)
    query = query_of(Browser().get(link))
    actor = principal_of(cast.owner)
    tenant = cast.acme
    with scope.tenant(cast.acme.id):
        if how == "revoked":
            services.revoke(actor=actor, invitation=invitation)
        elif how == "resent":
            services.resend(actor=actor, invitation=invitation)
        elif how == "expired":
            Invitation.objects.filter(id=invitation.id).update(expires_at=timezone.now())
        elif how == "accepted":
            Invitation.objects.filter(id=invitation.id).update(state="accepted")
    if how == "made up":
        query = re.sub(r"token%3D[\w-]+", "token%3D" + "x" * 43, query)
    if how == "of another tenant":
        tenant, query = cast.globex, query.replace(cast.acme.slug, cast.globex.slug)
    waiting = sign_up(Browser(), tenant, email, query=query)
    assert "/verify" in waiting.requested_path
    assert account_of(email) is None


def test_L2_the_link_tells_nobody_whether_an_account_exists(cast: Cast):
    person = make_account()
    _invitation, link = invited(cast, person.email)
    browser = Browser()
    waiting = sign_up(browser, cast.acme, person.email, query=query_of(browser.get(link)))
    assert "/verify" in waiting.requested_path
    assert browser.get("/account/").status_code == 303


def test_AUT03_an_invited_person_needs_a_good_password_too(cast: Cast):
    email = f"{unique('fresh')}@example.com"
    _invitation, link = invited(cast, email)
    browser = Browser()
    refused = sign_up(browser, cast.acme, email, password="short", query=query_of(browser.get(link)))
    assert refused.status_code == 400
    assert account_of(email) is None


def test_S3_somebody_else_is_told_and_refused(cast: Cast):
    person = make_account()
    invitation, link = invited(cast, person.email, "admin")
    browser = at_home(cast.stranger)
    page = browser.get(link)
    assert 'value="accept"' not in page.content.decode()
    refused = browser.submit(page, {"act": "accept"}, to=link)
    assert refused.status_code == 403
    assert state(cast, invitation) == "pending"
    assert roles_of(cast, cast.stranger) == ()


def test_S3_an_anonymous_post_leads_to_sign_in(cast: Cast):
    invitation, link = invited(cast, make_account().email)
    browser = Browser()
    answer = browser.submit(browser.get(link), {"act": "accept"}, to=link)
    assert answer.status_code == 303
    assert "/sign-in?" in answer.headers["Location"]
    assert state(cast, invitation) == "pending"


def test_S3_edited_fields_are_ignored(cast: Cast):
    person = make_account()
    _invitation, link = invited(cast, person.email)
    browser = at_home(person)
    more = {
        "act": "accept",
        "role": "owner",
        "roles": "owner",
        "email": cast.owner.email,
        "organization": "x",
    }
    browser.submit(browser.get(link), more, to=link)
    assert roles_of(cast, person) == ("viewer",)


def test_an_invitation_is_declined_by_the_holder_of_the_mail(cast: Cast):
    invitation, link = invited(cast, make_account().email)
    browser = Browser()
    done = browser.follow(browser.submit(browser.get(link), {"act": "decline"}, to=link))
    assert done.status_code == 200
    assert state(cast, invitation) == "declined"
    assert browser.get(link).status_code == 410


def test_B1_a_cross_site_post_does_nothing(cast: Cast):
    person = make_account()
    invitation, link = invited(cast, person.email)
    browser = at_home(person)
    token = link.partition("token=")[2]
    forged = browser.post(
        path_of(link), {"token": token, "act": "accept"}, headers={"Origin": "https://evil.example"}
    )
    assert forged.status_code == 403
    assert state(cast, invitation) == "pending"


def test_L4_a_link_of_one_tenant_is_nothing_in_another(cast: Cast):
    _invitation, link = invited(cast, make_account().email)
    other = make_tenant()
    assert Browser().get(link.replace(cast.acme.slug, other.slug)).status_code == 410


def test_an_application_has_no_right_that_could_be_asked_again(cast: Cast):
    from core.errors import SubjectTypeNotAllowed

    with scope.tenant(cast.acme.id), pytest.raises(SubjectTypeNotAllowed):
        services.invite(actor=make_principal(cast.acme), email=f"{unique('x')}@example.com")
