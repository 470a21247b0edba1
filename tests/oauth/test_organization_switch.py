"""SES-09: an application switches the organization that its tokens speak of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from core import scope
from oauth.models import RefreshToken
from organizations import services as organizations
from organizations.models import Membership
from tenants.models import TenantSession
from tests.factories import Browser, make_cast, make_member, make_organization, make_principal
from tests.factories.hosted import prefix, sign_in
from tests.oauth import fake_bridge
from tests.oauth.helpers import Flow, bearer_get, claims, flow, query_of, register


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture(scope="module")
def person(cast):
    return make_member(cast.acme)


@pytest.fixture(scope="module")
def north(cast, person):
    return make_organization(cast.acme, people=[person])


@pytest.fixture(scope="module")
def strict(cast, person):
    """An organization whose people may be away for five minutes only."""
    made = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        made.policy = {"session_idle": 300}
        made.save()
    return made


def away(run, minutes: int) -> None:
    """Let the person have been last active some minutes ago."""
    session = claims(run.tokens()["access_token"])["sid"]
    with scope.tenant(run.tenant.id):
        TenantSession.objects.filter(id=TenantSession.read_id(session)).update(
            last_active_at=timezone.now() - timedelta(minutes=minutes)
        )


@pytest.mark.parametrize("settings", [{}, {"rotate_refresh_tokens": False}])
def test_refresh_moves_the_family_to_another_organization(person, north, settings):
    run = flow(person, **settings)
    first = run.tokens()
    assert "org_id" not in claims(first["access_token"])
    moved = run.refresh(first["refresh_token"], organization=north.public_id).json()
    assert claims(moved["access_token"])["org_id"] == north.public_id
    stays = run.refresh(moved["refresh_token"]).json()
    assert claims(stays["access_token"])["org_id"] == north.public_id
    back = run.refresh(stays["refresh_token"], organization="none").json()
    assert "org_id" not in claims(back["access_token"])


def test_the_new_token_works_in_the_new_organization(person, north):
    run = flow(person)
    moved = run.refresh(run.tokens()["refresh_token"], organization=north.public_id).json()
    rows = bearer_get(run.tenant, "/v1/me/organizations", moved["access_token"]).json()["data"]
    assert [row["active"] for row in rows if row["id"] == north.public_id] == [True]


def test_A1_organizations_of_others_are_refused_alike_and_the_family_lives(cast, person):
    run = flow(person)
    refresh = run.tokens()["refresh_token"]
    foreign = [
        make_organization(cast.acme).public_id,
        make_organization(cast.globex, people=[cast.other_member]).public_id,
        "org_nothing",
        "x",
    ]
    answers = [run.refresh(refresh, organization=one) for one in foreign]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["error"] == "access_denied"
    assert run.refresh(refresh).status_code == 200


def test_A1_a_suspended_organization_is_refused(cast, person):
    gone = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        organizations.update_organization(
            actor=make_principal(cast.acme), organization=gone, changes={"status": "suspended"}
        )
    run = flow(person)
    assert run.refresh(run.tokens()["refresh_token"], organization=gone.public_id).status_code == 403


def test_ORG16_an_organization_that_asks_for_a_newer_sign_in_refuses_the_switch(person, north, strict):
    run = flow(person)
    refresh = run.tokens()["refresh_token"]
    away(run, 10)
    refused = run.refresh(refresh, organization=strict.public_id)
    assert (refused.status_code, refused.json()["error"]) == (400, "interaction_required")
    lenient = run.refresh(refresh, organization=north.public_id)
    assert claims(lenient.json()["access_token"])["org_id"] == north.public_id


def test_ORG16_offline_access_is_as_old_as_its_sign_in(person, north, strict):
    run = flow(person)
    body = run.tokens(scope="openid offline_access")
    with scope.tenant(run.tenant.id):
        sid = TenantSession.read_id(claims(body["access_token"])["sid"])
        past = timezone.now() - timedelta(minutes=10)
        TenantSession.objects.filter(id=sid).update(ended_at=timezone.now())
        RefreshToken.objects.filter(session_id=sid).update(auth_time=past)
    refused = run.refresh(body["refresh_token"], organization=strict.public_id)
    assert refused.json()["error"] == "interaction_required"
    moved = run.refresh(body["refresh_token"], organization=north.public_id).json()
    assert claims(moved["access_token"])["org_id"] == north.public_id


def test_another_persons_membership_lends_nothing(cast, north):
    run = flow(make_member(cast.acme))
    answer = run.refresh(run.tokens()["refresh_token"], organization=north.public_id)
    assert answer.status_code == 403


# --- authorization -----------------------------------------------------------------------------------------


def test_authorization_names_the_organization_and_the_session_follows(person, north):
    run = flow(person)
    body = run.tokens(organization=north.public_id)
    assert claims(body["access_token"])["org_id"] == north.public_id
    assert claims(run.tokens()["access_token"])["org_id"] == north.public_id
    assert "org_id" not in claims(run.tokens(organization="none")["access_token"])
    assert "org_id" not in claims(run.tokens()["access_token"])


def test_the_consent_page_shows_the_organization_that_is_asked_for(person, north):
    run = flow(person)
    page = run.start(organization=north.public_id)
    assert north.name in page.content.decode()
    session = fake_bridge.signed[run.browser.cookies["fake"].value].session
    with scope.tenant(run.tenant.id):
        assert TenantSession.objects.get(id=session.id).organization_id is None  # nothing before the answer
    answer = run.allow(page)
    body = run.redeem(query_of(answer.headers["Location"])["code"]).json()
    assert claims(body["access_token"])["org_id"] == north.public_id


def test_A1_authorization_for_organizations_of_others_is_denied_alike(cast, person):
    run = flow(person)
    answers = [
        query_of(run.start(organization=one).headers["Location"])
        for one in (make_organization(cast.acme).public_id, "org_nothing", "x")
    ]
    assert {answer["error"] for answer in answers} == {"access_denied"}
    assert len({answer["error_description"] for answer in answers}) == 1
    longer = query_of(run.start(organization="x" * 61).headers["Location"])
    assert longer["error"] == "invalid_request"


def test_ORG16_authorization_asks_for_the_newer_sign_in(person, strict):
    """Once turned away is no activity: asking again does not let them in."""
    run = flow(person)
    away(run, 10)
    for _ in range(2):
        answer = run.start(organization=strict.public_id)
        assert "/sign-in?" in answer.headers["Location"]
        assert query_of(answer.headers["Location"])["prompt"] == "login"
    silent = run.start(organization=strict.public_id, prompt="none")
    assert query_of(silent.headers["Location"])["error"] == "login_required"


# --- the hosted page ---------------------------------------------------------------------------------------


def choose(browser, tenant, organization):
    page = browser.get(f"{prefix(tenant)}/organization?next=/account/")
    assert page.status_code == 200
    return browser.submit(page, {"organization": organization.public_id})


def present(tenant, person) -> Any:
    with scope.tenant(tenant.id):
        return TenantSession.objects.filter(member=person.member, ended_at=None).order_by("-id").first()


def test_the_page_switches_the_session(cast):
    person = make_member(cast.acme)
    first, second = (make_organization(cast.acme, people=[person]) for _ in range(2))
    browser = Browser()
    browser.follow(sign_in(browser, cast.acme, person.email, query="?next=/account/"))
    for organization in (first, second):
        assert choose(browser, cast.acme, organization).headers["Location"] == "/account/"
        assert present(cast.acme, person).organization_id == organization.id


def test_ORG16_the_page_asks_for_a_newer_sign_in_where_the_organization_does(cast, strict):
    person = make_member(cast.acme)
    lenient = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        Membership.objects.create(organization=strict, member=person.member)
    browser = Browser()
    browser.follow(sign_in(browser, cast.acme, person.email, query="?next=/account/"))
    choose(browser, cast.acme, lenient)
    with scope.tenant(cast.acme.id):
        TenantSession.objects.filter(id=present(cast.acme, person).id).update(
            last_active_at=timezone.now() - timedelta(minutes=10)
        )
    answer = choose(browser, cast.acme, strict)
    assert "/sign-in?" in answer.headers["Location"]
    assert present(cast.acme, person).organization_id == lenient.id
    asked = browser.follow(answer)
    asked = (
        browser.follow(browser.submit(asked, {"email": person.email}))
        if b'name="password"' not in asked.content
        else asked
    )
    done = browser.submit(asked, {"password": person.password})
    browser.follow(done)
    assert present(cast.acme, person).organization_id == strict.id


def test_ORG16_a_new_sign_in_leads_into_the_organization_that_was_asked_for(cast, strict, monkeypatch):
    """Authorization, sign-in and back, over the real pages."""
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")
    person = make_member(cast.acme)
    with scope.tenant(cast.acme.id):
        Membership.objects.create(organization=strict, member=person.member)
    browser = Browser()
    browser.follow(sign_in(browser, cast.acme, person.email, query="?next=/account/"))
    run = Flow(cast.acme, register(cast.acme, is_first_party=True), browser)
    with scope.tenant(cast.acme.id):
        TenantSession.objects.filter(id=present(cast.acme, person).id).update(
            last_active_at=timezone.now() - timedelta(minutes=10), organization_id=None
        )
    asked = browser.follow(run.start(organization=strict.public_id))
    asked = browser.follow(browser.submit(asked, {"email": person.email}))
    done = browser.follow(browser.submit(asked, {"password": person.password}))
    body = run.redeem(query_of(done.headers["Location"])["code"]).json()
    assert claims(body["access_token"])["org_id"] == strict.public_id
