"""AUT-11: guests get tokens at acr 0, and keep their subject when they link an address."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from core import scope
from tenants.models import Member
from tests.factories import Browser, Cast, make_cast, make_tenant, unique
from tests.factories.hosted import code_in, elsewhere, mails_to, prefix, sign_in
from tests.oauth.helpers import Flow, bearer_get, claims, query_of, register
from tests.signin.test_sign_in import seen, who

METHODS = {"sign_in_methods": ["password", "guest", "email_code"]}


@pytest.fixture(scope="module")
def cast() -> Cast:
    cast = make_cast()
    cast.acme = make_tenant(policy=METHODS)
    return cast


def come_as_guest(browser: Browser, cast: Cast, query: str = "") -> Any:
    page = browser.get(f"{prefix(cast.acme)}/sign-in{query}")
    return browser.follow(browser.submit(page, to=f"{prefix(cast.acme)}/sign-in/guest"))


def test_a_guest_gets_tokens_of_a_guest(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")
    run = Flow(cast.acme, register(cast.acme), elsewhere())
    start = run.start()
    consent = come_as_guest(run.browser, cast, "?" + start.headers["Location"].partition("?")[2])
    body = run.redeem(query_of(run.allow(consent).headers["Location"])["code"]).json()
    token, identity = claims(body["access_token"]), claims(body["id_token"])
    assert (token["subject_type"], token["acr"], token["amr"]) == ("guest", "0", ["guest"])
    assert (identity["sub"], identity["acr"]) == (token["sub"], "0")
    assert "email" not in identity
    assert bearer_get(cast.acme, "/v1/me", body["access_token"]).json()["id"] == token["sub"]
    fresh = run.refresh(body["refresh_token"]).json()
    assert claims(fresh["access_token"])["subject_type"] == "guest"


def test_a_guest_links_an_address_and_keeps_the_subject(cast: Cast) -> None:
    browser, email = elsewhere(), f"{unique('guest')}@example.com"
    come_as_guest(browser, cast)
    subject = seen(browser, cast.acme).member.subject
    to = "/account/addresses/add"
    browser.submit(browser.get(to), {"email": email}, to=to)
    to = "/account/addresses/proof"
    browser.submit(browser.get(to), {"code": code_in(mails_to(email)[0])}, to=to)
    later = elsewhere()
    page = later.submit(later.get(f"{prefix(cast.acme)}/sign-in"), {"email": email})
    page = later.follow(page)
    page = later.follow(later.submit(page, {"begin": "1"}, to=f"{prefix(cast.acme)}/sign-in/mail"))
    later.follow(later.submit(page, {"code": code_in(mails_to(email)[0])}))
    found = seen(later, cast.acme)
    assert (found.member.subject, found.acr) == (subject, "urn:claviger:acr:pwd")
    with scope.tenant(cast.acme.id):
        member = Member.objects.get(subject=subject)
    assert (member.email, member.email_verified) == (email, True)


def test_a_guest_of_one_tenant_is_nobody_in_another(cast: Cast) -> None:
    browser = elsewhere()
    come_as_guest(browser, cast)
    page = browser.follow(browser.get(f"{prefix(cast.globex)}/sign-in"))
    assert who(browser, cast.globex) is None
    assert b'name="email"' in page.content


def test_AUT12_guests_are_refused_where_they_are_off_and_at_the_bare_origin(cast: Cast) -> None:
    browser = elsewhere()
    page = browser.get(f"{prefix(cast.globex)}/sign-in")
    assert b"sign-in/guest" not in page.content
    assert browser.submit(page, to=f"{prefix(cast.globex)}/sign-in/guest").status_code == 403
    assert browser.submit(page, to="/sign-in/guest").status_code == 403
    assert "session" not in "".join(browser.cookies)


def test_somebody_signed_in_stays_who_they_are(cast: Cast) -> None:
    browser = elsewhere()
    browser.follow(sign_in(browser, None, cast.stranger.email))
    page = browser.get(f"{prefix(cast.acme)}/sign-in?prompt=select_account")
    browser.submit(page, to=f"{prefix(cast.acme)}/sign-in/guest")
    with scope.tenant(cast.acme.id):
        assert not Member.objects.filter(email="", account_id=cast.stranger.account_id).exists()


def test_one_network_makes_twenty_guests_an_hour(cast: Cast) -> None:
    browser, address = elsewhere(), f"{prefix(cast.acme)}/sign-in/guest"
    page = browser.get(f"{prefix(cast.acme)}/sign-in")
    codes = []
    for _ in range(22):
        codes.append(browser.submit(page, to=address).status_code)
        for name in [one for one in browser.cookies if "session" in one]:
            del browser.cookies[name]
    assert codes[:20] == [303] * 20
    assert codes[-1] == 429
