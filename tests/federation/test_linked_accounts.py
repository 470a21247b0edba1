"""POR-01: the person sees where a provider speaks for them and takes it back, but never the last way in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core import scope
from federation import arrivals, selectors
from identity.models import IdentitySession
from tests.factories import make_member
from tests.factories.hosted import at_home
from tests.federation.test_sso_enforcement import enforce
from tests.federation.world import connect, customer, inside, sign_in


def link(tenant: Any, row: Any, person: Any, subject: str) -> str:
    with scope.tenant(tenant.id):
        return arrivals._link(row, person.member, subject, made_member=False).public_id


def test_POR01_links_are_listed_by_service_and_undone(cast, upstream):
    row = connect(cast.acme, upstream, name="Company login")
    person, other = make_member(cast.acme), make_member(cast.acme)
    mine, theirs = link(cast.acme, row, person, "portal-1"), link(cast.acme, row, other, "portal-2")
    browser = at_home(person)
    page = browser.get("/account/linked")
    assert "Company login" in page.content.decode()
    assert mine in page.content.decode()
    assert theirs not in page.content.decode()
    vouched, _ = sign_in(cast.acme, upstream, row, "portal-1")
    assert inside(cast.acme, vouched)
    for nothing in (theirs, "upi_nothing", "xid_nothing"):
        answer = browser.submit(page, {}, to=f"/account/linked/{nothing}/removal")
        assert answer.status_code == 404, nothing
    assert browser.submit(page, {}, to=f"/account/linked/{mine}/removal").status_code == 303
    assert "Nothing is linked" in browser.get("/account/linked").content.decode()
    assert not inside(cast.acme, vouched)
    assert at_home(cast.stranger).get("/account/linked").status_code == 200


def test_L8_an_old_sign_in_proves_itself_again_first(cast, upstream):
    from django.utils import timezone

    row = connect(cast.acme, upstream)
    person = make_member(cast.acme)
    mine, browser = link(cast.acme, row, person, "portal-3"), at_home(person)
    page = browser.get("/account/linked")
    with scope.account(person.account_id):
        old = timezone.now() - timedelta(hours=1)
        IdentitySession.objects.filter(account_id=person.account_id).update(auth_time=old)
    answer = browser.submit(page, {}, to=f"/account/linked/{mine}/removal")
    assert "prompt=login" in answer.headers["Location"]
    with scope.tenant(cast.acme.id):
        assert selectors.identities(member=person.member).exists()


def test_the_last_way_in_stays(cast, upstream):
    _, domain, row = customer(cast.acme, upstream)
    person = make_member(cast.acme, email=f"last@{domain}")
    mine = link(cast.acme, row, person, "portal-4")
    enforce(cast.acme, row)
    browser = at_home(person)
    page = browser.get("/account/linked")
    refused = browser.follow(browser.submit(page, {}, to=f"/account/linked/{mine}/removal"))
    assert "last way in" in refused.content.decode()
    with scope.tenant(cast.acme.id):
        assert selectors.identities(member=person.member).exists()
