"""Single sign-on from the dashboard's sign-in at the bare origin, which is of no tenant (AUT-13)."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from core import scope
from tenants import selectors
from tenants import services as tenants
from tests.factories import Browser
from tests.factories.hosted import elsewhere, prefix
from tests.factories.people import give_role
from tests.federation.world import connect, customer, member_named, sign_in


def at_dashboard(slug: str, **more: str) -> tuple[Browser, Any]:
    browser = elsewhere()
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return browser, browser.get(f"/sign-in?next=/dashboard/{slug}/members{query}")


def test_AUT13_an_administrator_of_a_connection_gets_to_the_page_that_was_asked_for(cast, upstream):
    organization, domain, row = customer(cast.acme, upstream)
    email, wanted = f"root@{domain}", f"/dashboard/{cast.acme.slug}/organizations"
    sign_in(cast.acme, upstream, row, "root", email=email, email_verified=True)
    with scope.tenant(cast.acme.id):
        give_role(member_named(cast.acme, email), "owner", organization)
    browser = elsewhere()
    page = browser.follow(browser.get(wanted))
    answer = browser.submit(page, {"email": email})
    assert answer.headers["Location"].startswith(f"{prefix(cast.acme)}/sign-in?interaction=")
    address = browser.get(answer.headers["Location"]).headers["Location"]
    assert address.startswith(f"{upstream.issuer}/authorize?")
    assert f"login_hint=root%40{domain}" in address
    back = browser.get(upstream.answer(address, "root", email=email, email_verified=True))
    shown = browser.follow(back)
    assert (shown.status_code, shown.wsgi_request.path) == (200, wanted)


def test_AUT13_only_on_the_way_to_the_tenant_that_knows_the_domain(cast, upstream):
    _, domain, _ = customer(cast.acme, upstream)
    for elsewhere_to in (cast.globex.slug, "no-such-tenant", "../account"):
        browser, page = at_dashboard(elsewhere_to)
        answer = browser.submit(page, {"email": f"root@{domain}"})
        assert "/sign-in/password?" in answer.headers["Location"], elsewhere_to
    browser = elsewhere()
    answer = browser.submit(browser.get("/sign-in?next=/account/"), {"email": f"root@{domain}"})
    assert answer.headers["Location"].startswith("/sign-in/password?")
    browser, page = at_dashboard(cast.acme.slug)
    answer = browser.submit(page, {"email": "root@another.example"})
    assert answer.headers["Location"].startswith("/sign-in/password?")


def test_AUT13_a_method_of_ones_own_stays_reachable(cast, upstream):
    _, domain, _ = customer(cast.acme, upstream)
    browser, page = at_dashboard(cast.acme.slug, own="1")
    answer = browser.submit(page, {"email": f"root@{domain}"})
    assert answer.headers["Location"].startswith("/sign-in/password?")


def test_AUT13_connections_of_the_whole_tenant_are_offered(cast, upstream):
    connect(cast.acme, upstream, name="Staff login")
    browser, page = at_dashboard(cast.acme.slug)
    assert "Continue with Staff login" in page.content.decode()
    link = re.search(r'href="([^"]*/sso/start[^"]*)"', page.content.decode())
    assert link
    left = browser.get(html.unescape(link[1]))
    assert left.headers["Location"].startswith(f"{upstream.issuer}/authorize?")
    _, other = at_dashboard(cast.globex.slug)
    assert "Staff login" not in other.content.decode()
    assert "Staff login" not in elsewhere().get("/sign-in").content.decode()


@pytest.mark.parametrize("is_suspended", [False, True])
def test_AUT13_a_suspended_tenant_sends_nobody_anywhere(cast, upstream, is_suspended):
    _, domain, _ = customer(cast.acme, upstream)
    if is_suspended:
        with scope.tenant(cast.acme.id):
            tenants.suspend_tenant(tenant=selectors.tenant(), reason="unpaid")
    browser, page = at_dashboard(cast.acme.slug)
    answer = browser.submit(page, {"email": f"root@{domain}"})
    assert answer.headers["Location"].startswith("/sign-in/password?" if is_suspended else prefix(cast.acme))
