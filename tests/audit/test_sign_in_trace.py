"""ANC-19: support reads in words why a sign-in failed, and nothing of other tenants."""

from __future__ import annotations

import re

import pytest

from core import scope
from events.models import Event
from tests.factories import Browser, Cast, make_cast, make_member
from tests.factories.browser import csrf_of
from tests.factories.hosted import elsewhere, sign_in


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def admin_of(email: str) -> Browser:
    browser = elsewhere()
    assert browser.follow(sign_in(browser, None, email)).status_code == 200
    return browser


@pytest.fixture(scope="module")
def admin(cast: Cast) -> Browser:
    return admin_of(make_member(cast.acme, roles=["admin"]).email)


def look(browser: Browser, slug: str, about: str) -> str:
    path = f"/dashboard/{slug}/sign-ins"
    page = browser.get(path)
    assert page.status_code == 200, page.content.decode()[:1000]
    shown = browser.post(path, {"csrfmiddlewaretoken": csrf_of(page), "about": about})
    return shown.content.decode()


def test_an_address_shows_the_failed_steps_in_words(cast: Cast, admin: Browser) -> None:
    person = make_member(cast.acme)
    assert sign_in(elsewhere(), cast.acme, person.email, "not the password at all").status_code == 400
    shown = look(admin, cast.acme.slug, person.email.upper())
    assert "signin.failed" in shown
    assert "The password was not the one of this address." in shown


def test_a_request_id_from_the_refusing_page_shows_the_step_even_of_an_unknown_address(
    cast: Cast, admin: Browser
) -> None:
    refused = sign_in(elsewhere(), cast.acme, "nobody-at-all@example.com", "not the password at all")
    request_id = refused.headers["Request-Id"]
    assert "The password was not the one" in look(admin, cast.acme.slug, request_id)
    assert "Nothing found" in look(admin, cast.acme.slug, "nobody-at-all@example.com")


def test_nothing_of_another_tenant_is_shown(cast: Cast, admin: Browser) -> None:
    person = make_member(cast.globex)
    refused = sign_in(elsewhere(), cast.globex, person.email, "not the password at all")
    for about in (person.email, person.subject, refused.headers["Request-Id"]):
        assert "Nothing found" in look(admin, cast.acme.slug, about)


def test_a_look_is_recorded_without_the_address_in_the_event_itself(cast: Cast, admin: Browser) -> None:
    person = make_member(cast.acme)
    look(admin, cast.acme.slug, person.email)
    with scope.tenant(cast.acme.id):
        event = Event.objects.filter(type="audit.sign_ins_traced").order_by("-id").first()
    assert event is not None
    assert person.email.encode() not in bytes(event.canonical)
    assert re.search(rb'"by":"person"', bytes(event.canonical))


def test_members_without_the_permission_and_strangers_do_not_reach_it(cast: Cast) -> None:
    path = f"/dashboard/{cast.acme.slug}/sign-ins"
    for email in (cast.member.email, cast.stranger.email, cast.other_owner.email):
        assert admin_of(email).get(path).status_code in (403, 404)
    assert elsewhere().get(path).status_code in (302, 303)


def test_a_members_page_leads_to_the_question_about_them(cast: Cast, admin: Browser) -> None:
    page = admin.get(f"/dashboard/{cast.acme.slug}/members/{cast.member.subject}").content.decode()
    address = f"/dashboard/{cast.acme.slug}/sign-ins?about={cast.member.subject}"
    assert address in page
    assert f'value="{cast.member.subject}"' in admin.get(address).content.decode()
