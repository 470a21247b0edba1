"""What every hosted page keeps: headers, cookies, no script needed, and clear pages when something stops."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from core import scope
from tenants import services as tenant_services
from tests.factories import Browser, Cast, csrf_of, make_cast, make_member, make_tenant
from tests.factories.hosted import prefix, sign_in

PAGES = [
    "sign-in",
    "sign-up",
    "recovery",
    "signed-out",
    "verify",
    "sign-in/password",
    "recovery/new-password",
]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("at_tenant", [True, False])
def test_B2_B4_headers_of_every_page(cast: Cast, page: str, at_tenant: bool) -> None:
    response = Browser().get(f"{prefix(cast.acme if at_tenant else None)}/{page}")
    assert response.status_code in (200, 410)
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "unsafe-inline" not in response.headers["Content-Security-Policy"]


def test_B4_cookies_are_for_the_server_only(cast: Cast) -> None:
    browser = Browser()
    browser.follow(sign_in(browser, cast.acme, cast.member.email))
    for name in ("session", "browser", "devices"):
        cookie = browser.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]


def test_B4_on_https_cookies_are_host_bound_and_secure(cast: Cast) -> None:
    browser = Browser()
    with override_settings(SECURE=True, COOKIE_PREFIX="__Host-"):
        page = browser.get(f"{prefix(cast.acme)}/sign-in", secure=True)
    assert page.status_code == 200
    assert browser.cookies["__Host-browser"]["secure"]


@pytest.mark.parametrize("path", ["sign-in", "sign-in/password", "sign-up", "verify", "recovery", "sign-out"])
def test_B1_a_form_without_its_token_is_refused(cast: Cast, path: str) -> None:
    assert Browser().post(f"{prefix(cast.acme)}/{path}", {"email": "a@example.com"}).status_code == 403


def test_B1_login_csrf_from_another_site_is_refused(cast: Cast) -> None:
    browser = Browser()
    page = browser.get(f"{prefix(cast.acme)}/sign-in")
    for headers in ({"HTTP_ORIGIN": "https://evil.example"}, {"HTTP_SEC_FETCH_SITE": "cross-site"}):
        form = {"email": "a@example.com", "csrfmiddlewaretoken": csrf_of(page)}
        extra: dict[str, Any] = dict(headers)
        assert browser.post(f"{prefix(cast.acme)}/sign-in", form, **extra).status_code == 403
    assert browser.submit(page, {"email": "a@example.com"}).status_code == 303


def test_B3_a_tenants_name_and_typed_text_are_inert() -> None:
    payload = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    tenant = make_tenant(name=payload)
    page = Browser().get(f"{prefix(tenant)}/sign-in?login_hint={payload}").content.decode()
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page


def test_L7_a_planted_session_cookie_is_replaced(cast: Cast) -> None:
    browser = Browser()
    browser.cookies["session"] = "planted-by-somebody-else-0123456789abcdefghijk"
    browser.follow(sign_in(browser, cast.acme, cast.member.email))
    assert browser.cookies["session"].value != "planted-by-somebody-else-0123456789abcdefghijk"


def test_a_flow_goes_on_in_its_own_browser_only(cast: Cast) -> None:
    browser, other = Browser(), Browser()
    page = browser.get(f"{prefix(cast.acme)}/sign-in")
    address = browser.submit(page, {"email": cast.member.email}).headers["Location"]
    refused = other.get(address)
    assert refused.status_code == 403
    assert "begun in another browser" in refused.content.decode()
    assert browser.get(address).status_code == 200


def test_a_flow_of_one_tenant_is_nothing_at_another(cast: Cast) -> None:
    browser = Browser()
    page = browser.get(f"{prefix(cast.acme)}/sign-in")
    address = browser.submit(page, {"email": cast.member.email}).headers["Location"]
    assert browser.get(address.replace(cast.acme.slug, cast.globex.slug)).status_code == 410
    assert browser.get(address.replace(prefix(cast.acme), "")).status_code == 410


def test_going_back_after_signing_in_does_no_harm(cast: Cast) -> None:
    browser = Browser()
    page = browser.get(f"{prefix(cast.acme)}/sign-in")
    asked = browser.follow(browser.submit(page, {"email": cast.member.email}))
    assert browser.submit(asked, {"password": cast.member.password}).status_code == 303
    again = browser.submit(asked, {"password": cast.member.password})
    assert again.status_code == 303
    assert again.headers["Location"].startswith(f"{prefix(cast.acme)}/sign-in")


def test_AUT20_a_suspended_tenant_lets_nobody_in_and_says_so(cast: Cast) -> None:
    tenant = make_tenant()
    person = make_member(tenant)
    browser = Browser()
    browser.follow(sign_in(browser, tenant, person.email))
    from tenants import selectors

    with scope.tenant(tenant.id):
        tenant_services.suspend_tenant(tenant=selectors.tenant(), reason="test")
    page = browser.get(f"{prefix(tenant)}/sign-in")
    assert page.status_code == 403
    assert "suspended" in page.content.decode()
    assert "req_" in page.content.decode()


def test_AUT20_a_refusal_stands_on_the_tenants_page_with_a_way_on(cast: Cast) -> None:
    page = Browser().get(f"{prefix(cast.acme)}/verify?flow=x")
    assert page.status_code == 410
    text = page.content.decode()
    assert cast.acme.slug.title() in text
    assert f'href="{prefix(cast.acme)}/sign-in?' in text
    assert "req_" in text


def test_only_a_suspended_member_is_told_of_a_suspension(cast: Cast) -> None:
    assert Browser().get(f"{prefix(cast.acme)}/suspended").status_code == 303


def test_AUT20_an_unknown_tenant_is_not_found() -> None:
    page = Browser().get("/t/no-such-tenant/sign-in")
    assert page.status_code == 404
    assert "req_" in page.content.decode()


def test_pages_need_no_script(cast: Cast) -> None:
    for page in ("sign-in", "sign-up", "recovery"):
        html = Browser().get(f"{prefix(cast.acme)}/{page}").content.decode()
        assert '<form class="stack" method="post"' in html
        assert " onclick" not in html


@pytest.mark.parametrize("flow", ["", "x", "flow_x", "flow_00000000000000000000000000", "🦆", "a" * 5000])
def test_P1_nonsense_for_a_flow_is_an_old_page(cast: Cast, flow: str) -> None:
    for path in ("sign-in/password", "verify", "recovery/new-password"):
        response = Browser().get(f"{prefix(cast.acme)}/{path}", {"flow": flow, "token": flow})
        assert response.status_code == 410, path


@pytest.mark.parametrize(
    "text", ["\x00", "a\x00@example.com", "🦆@example.com", "a" * 400, "a@b", "<x>@example.com"]
)
def test_P1_nonsense_for_an_address_is_said_politely(cast: Cast, text: str) -> None:
    browser = Browser()
    for path in ("sign-in", "recovery"):
        page = browser.get(f"{prefix(cast.acme)}/{path}")
        assert browser.submit(page, {"email": text}).status_code == 400


def test_an_overlong_password_is_refused_without_hashing(cast: Cast) -> None:
    answer = sign_in(Browser(), cast.acme, cast.member.email, "x" * 5000)
    assert answer.status_code == 400
