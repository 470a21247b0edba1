"""Cross-site requests change nothing (threat B1), and our own forms work with `no-referrer`."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from tests.factories import Browser, csrf_of

FORM = "/sign-in"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": settings.ORIGIN},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": settings.ORIGIN, "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_B1_our_own_form_is_taken(browser: Browser, headers: dict[str, str]) -> None:
    assert post(browser, headers).status_code != 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": settings.ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": settings.ORIGIN + ".evil.example"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_B1_a_form_of_another_site_is_refused_with_a_page(browser: Browser, headers: dict[str, str]) -> None:
    refused = post(browser, headers)
    assert refused.status_code == 403
    assert "csrf_rejected" in refused.content.decode()


def test_B1_a_form_without_the_token_is_refused(browser: Browser) -> None:
    browser.get(FORM)
    assert browser.post(FORM, {"email": "someone@example.com"}).status_code == 403


def test_B1_a_page_left_open_gets_a_way_on(browser: Browser) -> None:
    browser.get(FORM)
    refused = browser.post(f"{FORM}?next=/account/privacy", {"email": "someone@example.com"})
    assert f'href="{FORM}?next=/account/privacy"' in refused.content.decode()
    assert "req_" in refused.content.decode()


def test_AUT20_an_address_for_forms_only_says_so_on_a_page(browser: Browser) -> None:
    answer = browser.get("/sign-out")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "method_not_allowed" in answer.content.decode()
    assert 'href="/account/"' in answer.content.decode()


def post(browser: Browser, headers: dict[str, str]) -> Any:
    page = browser.get(FORM)
    data = {"csrfmiddlewaretoken": csrf_of(page), "email": "someone@example.com"}
    return browser.submit(page, data, headers=headers)
