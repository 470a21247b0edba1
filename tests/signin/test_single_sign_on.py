"""Signed in once: a second tenant opens without a password, and knows another subject."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import RequestFactory
from django.utils import timezone

from core import scope
from signin import bridge
from tenants import members
from tests.factories import (
    Browser,
    Cast,
    admin_principal,
    make_cast,
    make_member,
    make_organization,
    make_tenant,
)
from tests.factories.hosted import member_of, prefix, sign_in
from tests.signin.test_sign_in import seen, who


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def begin(tenant, **options) -> str:
    """The address that an application's authorization request would send the person to."""
    response = bridge.begin(RequestFactory().get("/"), tenant, next_url="/t/x/back", **options)
    return response.headers["Location"]


def signed_in_browser(tenant, email: str) -> Browser:
    browser = Browser()
    assert browser.get(sign_in(browser, tenant, email).headers["Location"]).status_code == 303
    return browser


def test_SES06_a_second_tenant_asks_once_and_then_knows_another_subject(cast: Cast) -> None:
    person = make_member(cast.acme)
    browser = signed_in_browser(cast.acme, person.email)
    page = browser.follow(browser.get(begin(cast.globex)))
    assert "Continue as" in page.content.decode()
    assert who(browser, cast.globex) is None
    answer = browser.submit(page)
    assert answer.headers["Location"] == "/t/x/back"
    there, here = seen(browser, cast.globex), seen(browser, cast.acme)
    assert there.member.subject != here.member.subject
    assert there.member.email == person.email
    assert browser.get(begin(cast.globex)).headers["Location"].startswith(prefix(cast.globex))


def test_SES06_a_known_member_goes_straight_through(cast: Cast) -> None:
    person = make_member(cast.acme)
    browser = signed_in_browser(cast.acme, person.email)
    answer = browser.get(browser.get(begin(cast.acme)).headers["Location"])
    assert answer.headers["Location"] == "/t/x/back"


def test_signing_out_of_one_tenant_leaves_the_identity_session(cast: Cast) -> None:
    person = make_member(cast.acme)
    browser = signed_in_browser(cast.acme, person.email)
    page = browser.get(f"{prefix(cast.acme)}/sign-in?prompt=select_account")
    out = browser.follow(browser.submit(page, to=f"{prefix(cast.acme)}/sign-out"))
    assert who(browser, cast.acme) is None
    assert browser.get("/account/").status_code == 200
    assert browser.submit(out, to=f"{prefix(cast.acme)}/sign-out").status_code == 303
    assert browser.get("/account/").status_code == 303


def test_prompt_login_asks_for_the_password_again(cast: Cast) -> None:
    browser = signed_in_browser(cast.acme, cast.member.email)
    before = seen(browser, cast.acme)
    page = browser.get(begin(cast.acme, prompt="login"))
    assert page.status_code == 200
    asked = browser.follow(browser.submit(page, {"email": cast.member.email}))
    answer = browser.follow(browser.submit(asked, {"password": cast.member.password}))
    assert answer.requested_path == "/t/x/back"
    after = seen(browser, cast.acme)
    assert after.session.id == before.session.id
    assert after.auth_time > before.auth_time
    assert after.session.auth_time == after.auth_time


def test_O15_max_age_asks_again_only_when_it_has_passed(cast: Cast) -> None:
    browser = signed_in_browser(cast.acme, cast.member.email)
    assert browser.get(begin(cast.acme, max_age=300)).status_code == 303
    with time_machine.travel(timezone.now() + timedelta(seconds=301), tick=True):
        assert browser.get(begin(cast.acme, max_age=300)).status_code == 200
        assert browser.get(begin(cast.acme)).status_code == 303


def test_SES05_a_forced_logout_asks_again_here_and_nowhere_else(cast: Cast) -> None:
    person = make_member(cast.acme)
    browser = signed_in_browser(cast.acme, person.email)
    browser.submit(browser.follow(browser.get(begin(cast.globex))))
    with scope.tenant(cast.acme.id):
        members.force_logout(actor=admin_principal(cast.acme, cast.owner), member=member_of(person))
    assert who(browser, cast.acme) is None
    assert browser.get(begin(cast.acme)).status_code == 200
    assert who(browser, cast.globex) is not None
    again = sign_in(browser, cast.acme, person.email)
    browser.follow(again)
    assert who(browser, cast.acme) is not None


def test_a_suspended_member_is_told_so_and_gets_nothing(cast: Cast) -> None:
    person = make_member(cast.acme)
    browser = signed_in_browser(cast.acme, person.email)
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=admin_principal(cast.acme, cast.owner), member=member_of(person))
    assert who(browser, cast.acme) is None
    page = browser.follow(browser.get(begin(cast.acme)))
    assert page.status_code == 403
    assert "suspended" in page.content.decode()
    assert "req_" in page.content.decode()


def test_invite_only_tenants_do_not_let_strangers_join(cast: Cast) -> None:
    closed = make_tenant(policy={"sign_up": "invite"})
    browser = signed_in_browser(cast.acme, cast.member.email)
    refused = browser.follow(browser.get(begin(closed)))
    assert refused.status_code == 403
    assert who(browser, closed) is None


def test_C18_idle_and_absolute_limits_are_the_tenants(cast: Cast) -> None:
    tenant = make_tenant(policy={"session_idle": 1800, "session_absolute": 7200})
    person = make_member(tenant)
    browser = signed_in_browser(tenant, person.email)
    start = timezone.now()
    for minutes in (29, 58, 87):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=True):
            assert who(browser, tenant) is not None
    with time_machine.travel(start + timedelta(minutes=87 + 31), tick=True):
        assert who(browser, tenant) is None
        assert browser.get(begin(tenant)).status_code == 200
    with time_machine.travel(start + timedelta(minutes=110), tick=True):
        assert who(browser, tenant) is not None
    with time_machine.travel(start + timedelta(minutes=121), tick=True):
        assert who(browser, tenant) is None


def test_SES01_the_active_organizations_idle_limit_counts_within_the_cap(cast: Cast) -> None:
    tenant = make_tenant(policy={"session_idle": 3600, "session_idle_cap": 7200})
    person = make_member(tenant)
    organization = make_organization(tenant, people=[person])
    with scope.tenant(tenant.id):
        type(organization).objects.filter(id=organization.id).update(policy={"session_idle": 1800})
    browser = signed_in_browser(tenant, person.email)
    assert seen(browser, tenant).organization_id == organization.id
    start = timezone.now()
    with time_machine.travel(start + timedelta(minutes=29), tick=True):
        assert who(browser, tenant) is not None
    with time_machine.travel(start + timedelta(minutes=29 + 31), tick=True):
        assert who(browser, tenant) is None


def test_SES02_a_remembered_sign_in_outlives_the_idle_limit(cast: Cast) -> None:
    browser = Browser()
    browser.follow(sign_in(browser, cast.acme, cast.member.email, remember="on"))
    assert browser.cookies["session"]["max-age"]
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=True):
        answer = browser.get(browser.get(begin(cast.acme)).headers["Location"])
        assert answer.headers["Location"] == "/t/x/back"
        assert who(browser, cast.acme) is not None
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=True):
        assert browser.get(begin(cast.acme)).status_code == 200


def test_a_member_of_several_organizations_chooses(cast: Cast) -> None:
    person, other = make_member(cast.acme), make_member(cast.acme)
    first, second = (make_organization(cast.acme, people=[person]) for _ in range(2))
    foreign = make_organization(cast.acme, people=[other])
    browser = Browser()
    page = browser.follow(sign_in(browser, cast.acme, person.email))
    assert page.requested_path.endswith("/organization")
    assert first.name in page.content.decode()
    assert foreign.name not in page.content.decode()
    assert browser.submit(page, {"organization": foreign.public_id}).status_code == 200
    assert browser.submit(page, {"organization": second.public_id}).status_code == 303
    assert seen(browser, cast.acme).organization_id == second.id


def test_an_application_may_name_the_organization(cast: Cast) -> None:
    person = make_member(cast.acme)
    first, second = (make_organization(cast.acme, people=[person]) for _ in range(2))
    browser = signed_in_browser(cast.acme, person.email)
    browser.follow(browser.get(begin(cast.acme, organization=first.id)))
    assert seen(browser, cast.acme).organization_id == first.id
    browser.follow(browser.get(begin(cast.acme, organization=second.id)))
    assert seen(browser, cast.acme).organization_id == second.id


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\t//evil.example",
    ],
)
def test_L9_only_paths_of_our_own_origin_are_gone_back_to(cast: Cast, target: str) -> None:
    browser = Browser()
    answer = sign_in(browser, cast.acme, cast.member.email, query=f"?{urlencode({'next': target})}")
    assert browser.get(answer.headers["Location"]).headers["Location"] == "/account/"


def test_an_applications_name_cannot_be_forged(cast: Cast) -> None:
    real = Browser().get(begin(cast.acme, application_name="Acme Mail")).content.decode()
    assert "to continue to Acme Mail" in real
    forged = begin(cast.globex, application_name="Your Bank").replace(cast.globex.slug, cast.acme.slug)
    assert "Your Bank" not in Browser().get(forged).content.decode()


def test_another_person_in_the_same_browser_takes_over(cast: Cast) -> None:
    first, second = make_member(cast.acme), make_member(cast.acme)
    browser = signed_in_browser(cast.acme, first.email)
    old = browser.cookies["session"].value
    page = browser.get(begin(cast.acme, prompt="select_account"))
    assert first.email in page.content.decode()
    asked = browser.follow(browser.submit(page, {"email": second.email}))
    browser.follow(browser.submit(asked, {"password": second.password}))
    assert seen(browser, cast.acme).member.subject == second.subject
    thief = Browser()
    thief.cookies["session"] = old
    assert who(thief, cast.acme) is None
