"""Signing up: nobody exists before the address is proved."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from core import scope
from events.models import Event
from identity import emails, selectors
from identity.browser import cookie_name
from invitations.services import invite
from tenants import selectors as tenants
from tenants.models import Member
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, admin_principal, make_account, make_cast, make_tenant, unique
from tests.factories.hosted import (
    NEW_PASSWORD,
    code_in,
    leads_on,
    link_in,
    mails_to,
    prefix,
    sign_in,
    sign_up,
)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def fresh() -> str:
    return f"{unique('new')}@example.com"


def exists(email: str) -> bool:
    return selectors.account_id_by_address(emails.parse(email)) is not None


def member_of(tenant: TenantRef, email: str) -> Member:
    account_id = selectors.account_id_by_address(emails.parse(email))
    assert account_id is not None
    with scope.tenant(tenant.id):
        member = tenants.member_by_account(account_id)
    assert member is not None
    return member


def test_a_person_signs_up_with_the_code_and_is_a_member(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    page = sign_up(browser, cast.acme, email, query="?next=/t/x/wanted")
    assert page.status_code == 200
    assert email in page.content.decode()
    answer = browser.submit(page, {"code": code_in(mails_to(email)[0])})
    assert browser.get(answer.headers["Location"]).headers["Location"] == "/t/x/wanted"
    member = member_of(cast.acme, email)
    assert (member.email, member.email_verified, member.name) == (email, True, "Nora New")


def test_the_link_of_the_mail_does_the_same_once_its_button_is_pressed(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    sign_up(browser, cast.acme, email)
    link = link_in(mails_to(email)[0])
    page = browser.get(link)
    assert page.status_code == 200
    assert not exists(email), "opening a link must change nothing"
    assert browser.submit(page).status_code == 303
    assert exists(email)


def test_L5_before_the_proof_there_is_no_account(cast: Cast) -> None:
    """An attacker who claims an address first gains nothing from it."""
    attacker, owner, email = Browser(), Browser(), fresh()
    claimed = sign_up(attacker, cast.acme, email, password="the attacker knows this one well")
    assert claimed.status_code == 200
    assert not exists(email)
    assert sign_in(Browser(), cast.acme, email, "the attacker knows this one well").status_code == 400
    page = sign_up(owner, cast.acme, email)
    assert owner.submit(page, {"code": code_in(mails_to(email)[0])}).status_code == 303
    assert sign_in(Browser(), cast.acme, email, "the attacker knows this one well").status_code == 400
    assert sign_in(Browser(), cast.acme, email, NEW_PASSWORD).status_code == 303


def test_L5_the_owners_code_does_not_confirm_an_attackers_claim(cast: Cast) -> None:
    attacker, owner, email = Browser(), Browser(), fresh()
    claimed = sign_up(attacker, cast.acme, email, password="the attacker knows this one well")
    sign_up(owner, cast.acme, email)
    code = code_in(mails_to(email)[0])
    assert attacker.submit(claimed, {"code": code}).status_code in (400, 410)
    assert not exists(email)


def test_L4_a_newer_mail_kills_the_older_code_and_link(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    page = sign_up(browser, cast.acme, email)
    first = mails_to(email)[0]
    again = browser.follow(browser.submit(page, {"resend": "1"}))
    assert again.status_code == 200
    second = mails_to(email)[0]
    assert second["id"] != first["id"]
    if code_in(first) != code_in(second):
        assert browser.submit(page, {"code": code_in(first)}).status_code == 400
    assert browser.submit(browser.get(link_in(first))).status_code == 400
    assert browser.submit(browser.get(link_in(second))).status_code == 303


def test_L4_a_code_works_once(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    page = sign_up(browser, cast.acme, email)
    code = code_in(mails_to(email)[0])
    assert browser.submit(page, {"code": code}).status_code == 303
    assert leads_on(browser.submit(page, {"code": code}))
    del browser.cookies[cookie_name()]
    assert browser.submit(page, {"code": code}).status_code == 410


def test_L4_an_old_code_is_refused(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    page = sign_up(browser, cast.acme, email)
    code = code_in(mails_to(email)[0])
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=True):
        late = browser.submit(page, {"code": code})
        assert late.status_code == 400
        assert "has run out" in late.content.decode()
        assert browser.submit(page, {"resend": "1"}).status_code == 303
    assert not exists(email)


def test_L4_a_link_of_one_tenant_does_nothing_at_another(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    sign_up(browser, cast.acme, email)
    link = link_in(mails_to(email)[0])
    assert browser.get(link.replace(cast.acme.slug, cast.globex.slug)).status_code == 410
    assert browser.get(link).status_code == 200


def test_M6_resending_does_not_reset_the_count_of_tries(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    page = sign_up(browser, cast.acme, email)
    wrong = "000000" if code_in(mails_to(email)[0]) != "000000" else "111111"
    for _ in range(4):
        assert browser.submit(page, {"code": wrong}).status_code == 400
    browser.submit(page, {"resend": "1"})
    code = code_in(mails_to(email)[0])
    assert browser.submit(page, {"code": wrong if wrong != code else "222222"}).status_code == 400
    assert browser.submit(page, {"code": code}).status_code == 410
    assert not exists(email)


def test_another_browser_is_told_why_it_cannot_go_on(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    sign_up(browser, cast.acme, email)
    refused = Browser().get(link_in(mails_to(email)[0]))
    assert refused.status_code == 403
    assert "another browser" in refused.content.decode()


def test_L2_a_known_address_gets_the_same_page_and_another_mail(cast: Cast) -> None:
    known = make_account()
    new = fresh()
    pages = [sign_up(Browser(), cast.acme, email) for email in (known.email, new)]
    bodies = [masked(page, email) for page, email in zip(pages, (known.email, new), strict=True)]
    assert bodies[0] == bodies[1]
    assert [page.status_code for page in pages] == [200, 200]
    assert "already have an account" in mails_to(known.email)[0]["subject"]


def masked(page, email: str) -> str:
    """A page without what must differ between any two visits."""
    import re

    text = page.content.decode().replace(email, "ADDRESS")
    text = re.sub(r'(name="(?:csrfmiddlewaretoken|flow|interaction)" value=)"[^"]*"', r'\1""', text)
    return re.sub(r"(interaction=)[\w:.%-]+|nonce=\"[^\"]*\"|(?:req|flow)_\w+", r"\1", text)


def test_AUT18_invite_only_refuses_strangers_and_takes_the_expected(cast: Cast) -> None:
    tenant = make_tenant(policy={"sign_up": "invite"})
    assert sign_up(Browser(), tenant, fresh()).status_code == 403
    with scope.tenant(tenant.id):
        assert Event.objects.filter(type="signup.blocked").count() == 1
    email = fresh()
    from core.principal import SYSTEM
    from tenants import members

    with scope.tenant(tenant.id):
        waiting = members.create_member(actor=SYSTEM, email=email)
    browser = Browser()
    page = sign_up(browser, tenant, email)
    assert page.status_code == 200
    browser.submit(page, {"code": code_in(mails_to(email)[0])})
    assert member_of(tenant, email).subject == waiting.subject


def test_AUT18_an_invited_person_signs_up_where_others_may_not_and_accepts(cast: Cast) -> None:
    owner, email = make_account(), fresh()
    tenant = make_tenant(policy={"sign_up": "invite"}, owner=owner)
    with scope.tenant(tenant.id):
        invite(actor=admin_principal(tenant, owner), email=email)
    invited = Browser()
    offer = invited.get(link_in(mails_to(email)[0]))
    way = next(part for part in offer.content.decode().split('"') if "/sign-up?" in part).replace(
        "&amp;", "&"
    )
    page = invited.get(way)
    filled = {"name": "Ina Invited", "email": email, "new_password": NEW_PASSWORD}
    back = invited.follow(invited.submit(page, filled))
    assert back.requested_path.endswith("/invitation")
    assert invited.submit(back, {"act": "accept"}).status_code == 303
    assert member_of(tenant, email).email_verified


def test_AUT18_domain_only_takes_its_domain(cast: Cast) -> None:
    tenant = make_tenant(policy={"sign_up": "domain", "sign_up_domains": ["corp.example"]})
    assert sign_up(Browser(), tenant, fresh()).status_code == 403
    assert sign_up(Browser(), tenant, f"{unique('new')}@corp.example").status_code == 200
    assert sign_up(Browser(), tenant, f"{unique('new')}@evil-corp.example").status_code == 403


@pytest.mark.parametrize(
    "password", ["short", "passwordpassword", "aaaaaaaaaaaaaaaaaaaa", "Nora New Nora New"]
)
def test_L1_weak_and_known_passwords_are_refused(cast: Cast, password: str) -> None:
    email = fresh()
    assert sign_up(Browser(), cast.acme, email, password=password).status_code == 400
    assert mails_to(email) == []


def test_a_password_of_64_characters_and_more_is_taken(cast: Cast) -> None:
    assert sign_up(Browser(), cast.acme, fresh(), password="many small words " * 6).status_code in (200, 400)
    long = "".join(
        f"{word} "
        for word in (
            "ember",
            "lattice",
            "cobalt",
            "meadow",
            "sprocket",
            "violin",
            "harbour",
            "quartz",
            "saffron",
            "turbine",
        )
    )
    assert sign_up(Browser(), cast.acme, fresh(), password=long).status_code == 200


def test_L3_a_forged_host_does_not_change_the_link(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    page = browser.get(f"{prefix(cast.acme)}/sign-up")
    filled = {"name": "N", "email": email, "new_password": NEW_PASSWORD}
    for forged in ({"HTTP_X_FORWARDED_HOST": "evil.example"}, {"HTTP_HOST": "evil.example"}):
        browser.submit(page, filled, HTTP_FORWARDED="host=evil.example", **forged)
    mails = mails_to(email)
    assert mails
    for mail in mails:
        assert "evil" not in mail["text"] + mail["html"]
        assert mail["links"][0].startswith("http://localhost:8000/t/")


def test_L10_extra_fields_of_the_form_are_not_read(cast: Cast) -> None:
    browser, email = Browser(), fresh()
    page = browser.get(f"{prefix(cast.acme)}/sign-up")
    filled = {"name": "N", "email": email, "new_password": NEW_PASSWORD}
    extra = {"email_verified": "true", "stage": "done", "tenant_id": str(cast.globex.id), "account_id": "x"}
    assert browser.follow(browser.submit(page, filled | extra)).status_code == 200
    assert not exists(email)
