"""The page behind the mailed link: who signs in decides, the link only says which invitation."""

from __future__ import annotations

import re

import pytest

from core import scope
from invitations import services
from invitations.models import Invitation
from roles import authority
from roles import selectors as role_selectors
from tenants import selectors
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
from tests.factories.hosted import NEW_PASSWORD, code_in, mails_to, sign_in, sign_up


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


def signed_in(cast: Cast, person: Person) -> Browser:
    browser = Browser()
    browser.follow(sign_in(browser, None, person.email))
    return browser


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
    text = browser.get(link).content.decode()
    found = re.search(r'href="(/t/[^"]+/sign-up\?([^"]+))"', text)
    assert found
    waiting = sign_up(
        browser, cast.acme, email, password=NEW_PASSWORD, query="?" + found[2].replace("&amp;", "&")
    )
    mails = [mail for mail in mails_to(email) if re.search(r"^\s+\d{6}$", mail["text"], re.M)]
    back = browser.follow(browser.submit(waiting, {"code": code_in(mails[0])}))
    assert 'value="accept"' in back.content.decode(), back.content.decode()[:3000]
    browser.submit(back, {"act": "accept"}, to=link)
    assert state(cast, invitation) == "accepted"


def test_S3_somebody_else_is_told_and_refused(cast: Cast):
    person = make_account()
    invitation, link = invited(cast, person.email, "admin")
    browser = signed_in(cast, cast.stranger)
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
    browser = signed_in(cast, person)
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
    browser = signed_in(cast, person)
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
