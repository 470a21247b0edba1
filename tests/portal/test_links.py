"""Linking tenants by the person's own act: what each learns, when, and how it ends (TEN-16)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from core import ids, jobs, scope
from core.principal import SYSTEM
from events import selectors as events
from oauth.standard_claims import LINKED
from tenants import links, members
from tenants.models import LinkedSubject, Member, Tenant, TenantLink
from tenants.selectors import TenantRef
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser, Cast, Person, access_token, admin_principal, make_cast, make_member
from tests.oauth.helpers import bearer_get, flow

PAGE = "/account/privacy"
NEW = f"{PAGE}/links/new"


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def both(cast: Cast) -> tuple[Person, Member]:
    """A person in acme, and the member that they are in globex."""
    person = make_member(cast.acme)
    return person, join(person, cast.globex)


def join(person: Person, tenant: TenantRef) -> Member:
    with scope.tenant(tenant.id):
        return members.create_member(
            actor=SYSTEM, email=person.email, account_id=person.account_id, email_verified=True
        )


def public(tenant: TenantRef) -> str:
    return ids.encode(Tenant.PREFIX, tenant.id)


def link(person: Person, *tenants: TenantRef, browser: Browser | None = None) -> Any:
    browser = browser or signed_in(person)
    wanted = "&".join(f"service={public(tenant)}" for tenant in tenants)
    page = browser.get(f"{NEW}?{wanted}")
    if page.status_code != 200:
        return page
    return browser.submit(page, {"service": [public(tenant) for tenant in tenants]}, to=NEW)


def unlink(browser: Browser) -> Any:
    page = browser.get(PAGE)
    link_id = page.content.decode().split(f"{PAGE}/links/lnk_")[1].split("/")[0]
    return browser.submit(page, to=f"{PAGE}/links/lnk_{link_id}/removal")


def known(tenant: TenantRef, member_id: uuid.UUID) -> list[dict[str, str]]:
    with scope.tenant(tenant.id):
        return links.told(member_id)


def recorded(tenant: TenantRef, subject: str) -> list[str]:
    with scope.tenant(tenant.id):
        rows = events.stream().filter(object_id=subject, type__startswith="user.subject.")
        return list(rows.order_by("id").values_list("type", flat=True))


def api(cast: Cast, tenant: TenantRef, subject: str) -> Any:
    reader = access_token(cast.owner if tenant is cast.acme else cast.other_owner)
    return Browser().api("GET", f"/t/{tenant.slug}/v1/members/{subject}/linked-subjects", reader)


def test_TEN16_nothing_tells_before_and_both_learn_after(cast: Cast, both: tuple[Person, Member]) -> None:
    person, there = both
    assert api(cast, cast.acme, person.subject).json()["data"] == []
    explained = signed_in(person).get(f"{NEW}?service={public(cast.acme)}&service={public(cast.globex)}")
    assert there.subject in explained.content.decode()
    assert known(cast.acme, person.member.id) == []
    assert link(person, cast.acme, cast.globex).status_code == 303
    for tenant, own, other, elsewhere in (
        (cast.acme, person.subject, there.subject, cast.globex),
        (cast.globex, there.subject, person.subject, cast.acme),
    ):
        (row,) = api(cast, tenant, own).json()["data"]
        assert (row["format"], row["iss"], row["sub"]) == ("iss_sub", elsewhere.issuer, other)
        assert recorded(tenant, own) == ["user.subject.linked"]
    with scope.account(person.account_id):
        assert events.stream().filter(type="account.tenants.linked").count() == 1


def test_TEN16_a_link_is_taken_back_and_both_are_told(cast: Cast, both: tuple[Person, Member]) -> None:
    person, there = both
    browser = signed_in(person)
    link(person, cast.acme, cast.globex, browser=browser)
    assert unlink(browser).status_code == 303
    assert known(cast.acme, person.member.id) == known(cast.globex, there.id) == []
    for tenant, subject in ((cast.acme, person.subject), (cast.globex, there.subject)):
        assert recorded(tenant, subject) == ["user.subject.linked", "user.subject.unlinked"]
    with scope.account(person.account_id):
        assert events.stream().filter(type="account.tenants.unlinked").count() == 1
        assert not TenantLink.objects.exists()


def test_TEN16_the_claim_comes_under_its_scope_only(
    cast: Cast, both: tuple[Person, Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "tests.oauth.fake_bridge")
    person, there = both
    link(person, cast.acme, cast.globex)

    def told(scopes: str) -> dict[str, Any]:
        body = flow(person, scopes=["openid", LINKED]).tokens(scope=scopes)
        return bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).json()

    identifier = {"format": "iss_sub", "iss": cast.globex.issuer, "sub": there.subject}
    assert told(f"openid {LINKED}")[LINKED] == [identifier]
    assert LINKED not in told("openid")


def test_TEN16_linking_twice_changes_nothing(cast: Cast, both: tuple[Person, Member]) -> None:
    person, _there = both
    for _ in range(2):
        assert link(person, cast.acme, cast.globex).status_code == 303
    assert recorded(cast.acme, person.subject) == ["user.subject.linked"]


def test_a_crash_after_the_persons_word_is_made_good_by_the_job(
    cast: Cast, both: tuple[Person, Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, there = both
    with monkeypatch.context() as broken:
        broken.setattr(links, "settle", lambda *_: None)
        link(person, cast.acme, cast.globex)
        assert known(cast.acme, person.member.id) == []
    while jobs.run_due():
        pass
    assert known(cast.acme, person.member.id)
    assert known(cast.globex, there.id)


def test_one_service_alone_is_no_link(cast: Cast, both: tuple[Person, Member]) -> None:
    assert link(both[0], cast.acme).status_code == 400


@pytest.mark.parametrize("who", ["stranger", "member"])
def test_A1_nobody_links_a_service_that_does_not_know_them(cast: Cast, who: str) -> None:
    assert link(getattr(cast, who), cast.acme, cast.globex).status_code == 404


def test_A1_nobody_takes_another_persons_link_back(cast: Cast, both: tuple[Person, Member]) -> None:
    person, _there = both
    link(person, cast.acme, cast.globex)
    with scope.account(person.account_id):
        link_id = TenantLink.objects.get().public_id
    intruder = signed_in(cast.stranger)
    refused = intruder.submit(intruder.get(PAGE), to=f"{PAGE}/links/{link_id}/removal")
    assert refused.status_code == 404
    assert known(cast.acme, person.member.id)


def test_A1_another_tenant_does_not_find_the_member(cast: Cast, both: tuple[Person, Member]) -> None:
    link(both[0], cast.acme, cast.globex)
    assert api(cast, cast.globex, both[0].subject).status_code == 404


def test_L8_linking_wants_a_fresh_sign_in(cast: Cast, both: tuple[Person, Member]) -> None:
    browser = signed_in(both[0])
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        assert "prompt=login" in browser.get(NEW).headers["Location"]


def test_a_suspended_member_links_nothing(cast: Cast, both: tuple[Person, Member]) -> None:
    person, there = both
    with scope.tenant(cast.globex.id):
        Member.objects.filter(id=there.id).update(status="suspended")
    assert link(person, cast.acme, cast.globex).status_code == 404


def test_cutting_a_service_off_ends_its_links_on_both_sides(cast: Cast, both: tuple[Person, Member]) -> None:
    person, there = both
    browser = signed_in(person)
    link(person, cast.acme, cast.globex, browser=browser)
    departure = f"{PAGE}/{public(cast.globex)}/departure"
    assert browser.submit(browser.get(departure), to=departure).status_code == 303
    assert known(cast.acme, person.member.id) == []
    assert recorded(cast.acme, person.subject)[-1] == "user.subject.unlinked"
    with scope.tenant(cast.globex.id):
        assert not LinkedSubject.objects.filter(member=there).exists()


def test_a_removal_by_an_administrator_ends_the_links_too(cast: Cast, both: tuple[Person, Member]) -> None:
    person, there = both
    link(person, cast.acme, cast.globex)
    with scope.tenant(cast.globex.id):
        members.remove_member(actor=admin_principal(cast.globex, cast.other_owner), member=there)
    while jobs.run_due():
        pass
    assert known(cast.acme, person.member.id) == []
    with scope.account(person.account_id):
        assert not TenantLink.objects.exists()


def test_three_services_are_linked_pair_by_pair(cast: Cast, both: tuple[Person, Member]) -> None:
    from tests.factories import make_tenant

    person, _there = both
    third = make_tenant()
    join(person, third)
    assert link(person, cast.acme, cast.globex, third).status_code == 303
    assert {row["iss"] for row in known(cast.acme, person.member.id)} == {cast.globex.issuer, third.issuer}
