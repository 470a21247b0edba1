"""Signing in with address and password, into one tenant and then another."""

from __future__ import annotations

import pytest

from signin import bridge
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, make_cast
from tests.factories.hosted import sign_in


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def who(browser: Browser, tenant: TenantRef) -> bridge.SignedIn | None:
    """Whom the bridge sees behind this browser's cookies."""
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.COOKIES = {name: morsel.value for name, morsel in browser.cookies.items()}
    return bridge.signed_in(request, tenant)


def seen(browser: Browser, tenant: TenantRef) -> bridge.SignedIn:
    """As `who`, where somebody must be there."""
    found = who(browser, tenant)
    assert found is not None
    return found


def test_a_member_signs_in_and_comes_back_to_where_they_wanted(cast: Cast) -> None:
    browser = Browser()
    response = sign_in(browser, cast.acme, cast.member.email, query="?next=/t/x/oauth/authorize%3Fa%3Db")
    assert response.status_code == 303, response.content
    after = browser.get(response.headers["Location"])
    assert after.headers["Location"] == "/t/x/oauth/authorize?a=b"
    seen = who(browser, cast.acme)
    assert seen is not None
    assert seen.member.subject == cast.member.subject
    assert seen.amr == ("pwd",)


def test_case_of_the_address_does_not_matter(cast: Cast) -> None:
    response = sign_in(Browser(), cast.acme, cast.member.email.upper())
    assert response.status_code == 303


def test_a_wrong_password_is_refused_and_nobody_is_signed_in(cast: Cast) -> None:
    browser = Browser()
    response = sign_in(browser, cast.acme, cast.member.email, "not the password at all")
    assert response.status_code == 400
    assert "session" not in browser.cookies
    assert who(browser, cast.acme) is None
