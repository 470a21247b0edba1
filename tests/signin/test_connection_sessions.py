"""F7: a sign-in that one tenant's own connection vouched for is good in that tenant and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from core import scope
from federation.models import Connection, UpstreamIdentity
from identity import sessions
from identity.browser import cookie_name
from tenants.models import Member, TenantSession
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, Person, make_cast
from tests.factories.factors import add_totp, code_of
from tests.factories.hosted import elsewhere, prefix, sign_in
from tests.factories.policies import change_policy

OWN_PAGES = ["", "security", "sessions", "contacts", "privacy", "data", "tokens", "activity", "organizations"]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def vouched(person: Person, tenant: TenantRef) -> Browser:
    """A browser signed in by the tenant's connection, as signin.federated opens it."""
    browser = elsewhere()
    browser.get(f"{prefix(tenant)}/sign-in")
    with scope.tenant(tenant.id):
        connection = Connection.objects.create(
            name="Theirs", issuer="https://idp.example", client_id="c", sealed_secret=b"-", status="active"
        )
        member = Member.objects.get(account_id=person.account_id)
        UpstreamIdentity.objects.create(connection=connection, member=member, subject="they")
    with scope.account(person.account_id):
        opened = sessions.open_session(
            account_id=person.account_id,
            amr=["fed"],
            opened_by=str(tenant.id),
            connection_id=connection.id,
            proved_mailbox=True,
        )
    browser.cookies[cookie_name()] = opened.value
    return browser


def joined(person: Person, tenant: TenantRef) -> Person:
    """The same person as a member of another tenant, by their own sign-in there."""
    browser = elsewhere()
    page = browser.follow(sign_in(browser, tenant, person.email))
    browser.submit(page)
    return person


def open_at(tenant: TenantRef, person: Person) -> int:
    with scope.tenant(tenant.id):
        live = TenantSession.objects.filter(member__account_id=person.account_id, ended_at=None)
        return live.count()


def asks_to_sign_in(answer: Any) -> bool:
    return answer.status_code == 303 and "/sign-in?" in answer.headers["Location"]


def test_F7_it_opens_the_tenant_whose_connection_it_was(cast: Cast) -> None:
    browser = vouched(cast.member, cast.acme)
    answer = browser.get(f"{prefix(cast.acme)}/sign-in/continue", {"next": "/account/"})
    assert not asks_to_sign_in(answer)
    assert open_at(cast.acme, cast.member) == 1


def test_F7_another_tenant_asks_for_a_sign_in_of_ones_own(cast: Cast) -> None:
    person = joined(cast.member, cast.globex)
    before = open_at(cast.globex, person)
    browser = vouched(person, cast.acme)
    for path in ("sign-in/continue", "organization"):
        assert asks_to_sign_in(browser.get(f"{prefix(cast.globex)}/{path}")), path
    page = browser.get(f"{prefix(cast.globex)}/sign-in")
    assert page.status_code == 200
    assert "You are signed in as" not in page.content.decode()
    posted = browser.submit(page, {}, to=f"{prefix(cast.globex)}/sign-in/continue")
    assert asks_to_sign_in(posted)
    assert open_at(cast.globex, person) == before


@pytest.mark.parametrize("page", OWN_PAGES)
def test_F7_the_persons_own_pages_stay_shut(cast: Cast, page: str) -> None:
    assert asks_to_sign_in(vouched(cast.member, cast.acme).get(f"/account/{page}"))


def test_F7_neither_does_it_open_a_dashboard_elsewhere(cast: Cast) -> None:
    person = joined(cast.owner, cast.globex)
    browser = vouched(person, cast.acme)
    answer = browser.get(f"/dashboard/{cast.globex.slug}/")
    assert answer.status_code in (302, 303, 404)
    assert "Overview" not in answer.content.decode()


def test_F7_a_second_factor_of_ones_own_behind_it_changes_nothing(cast: Cast) -> None:
    person = joined(cast.member, cast.globex)
    key = add_totp(person)
    change_policy(cast.acme, member_factor="second_factor")
    browser = vouched(person, cast.acme)
    asked = browser.follow(browser.get(f"{prefix(cast.acme)}/sign-in/continue"))
    assert browser.submit(asked, {"code": code_of(key)}).status_code == 303
    assert asks_to_sign_in(browser.get("/account/security"))
    assert asks_to_sign_in(browser.get(f"{prefix(cast.globex)}/sign-in/continue"))


def test_F7_an_own_sign_in_in_the_same_browser_opens_everything_again(cast: Cast) -> None:
    browser = vouched(cast.member, cast.acme)
    browser.follow(sign_in(browser, None, cast.member.email))
    assert browser.get("/account/security").status_code == 200
