"""Branding of hosted pages and mails: colours, logos, and a preview that cannot lie (TEN-10)."""

from __future__ import annotations

import re
import struct
import zlib
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from core import scope
from tenants import branding
from tenants.models import Tenant
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser, Cast, Person, make_cast
from tests.factories.hosted import mails_to, sign_in
from tests.oauth.helpers import Flow, register

BLUE = {
    "brand": "#1d4ed8",
    "brand_ink": "#ffffff",
    "text_en": "Welcome back",
    "text_de": "Schön, dass Sie da sind",
}


@pytest.fixture(autouse=True)
def _real_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def png(width: int = 40, height: int = 20) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x7f" * 40 for _ in range(20)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def page_of(cast: Cast) -> str:
    return f"/dashboard/{cast.acme.slug}/settings/branding"


def send(browser: Browser, cast: Cast, values: dict[str, str], act: str = "publish") -> Any:
    page = browser.get(page_of(cast))
    return browser.submit(page, {**values, act: "1"}, to=page_of(cast))


def upload(browser: Browser, cast: Cast, content: bytes, variant: str = "light") -> Any:
    file = SimpleUploadedFile("logo.svg", content, content_type="image/svg+xml")
    return browser.submit(
        browser.get(page_of(cast)), {"logo": file, "variant": variant}, to=f"{page_of(cast)}/logo"
    )


def test_TEN10_colours_words_and_sender_show_on_pages_and_mails(cast: Cast) -> None:
    answer = send(signed_in(cast.owner), cast, {**BLUE, "sender": "Acme Post"})
    assert answer.status_code == 303
    shown = Browser().get(f"/t/{cast.acme.slug}/sign-in").content.decode()
    assert "--brand:#1d4ed8" in shown
    assert "Welcome back" in shown
    german = Browser().get(f"/t/{cast.acme.slug}/sign-in?ui_locales=de").content.decode()
    assert "Schön, dass Sie da sind" in german
    assert "--brand:#1d4ed8" not in Browser().get(f"/t/{cast.globex.slug}/sign-in").content.decode()
    asking = Browser()
    asking.submit(asking.get(f"/t/{cast.acme.slug}/recovery"), {"email": cast.member.email})
    mail = mails_to(cast.member.email)[0]
    assert mail["from"].startswith("Acme Post <")
    assert "background: #1d4ed8" in mail["html"]


@pytest.mark.parametrize(
    "values",
    [
        {"brand": "red;}"},
        {"brand": "#12"},
        {"brand": "#ffffff", "brand_ink": "#eeeeee"},
        {"text_en": "x" * 201},
    ],
)
def test_B3_bad_colours_low_contrast_and_long_words_are_refused(cast: Cast, values: dict[str, str]) -> None:
    answer = send(signed_in(cast.owner), cast, values)
    assert answer.status_code == 422


def test_the_preview_is_the_real_page_and_publishes_nothing(cast: Cast) -> None:
    browser = signed_in(cast.owner)
    page = send(browser, cast, {"brand": "#be123c", "text_en": "Only a draft"}, "preview").content.decode()
    address = unescape(re.search(r'<iframe[^>]*src="([^"]+screen=sign_in[^"]+)" sandbox', page)[1])
    shown = Browser().get(address)
    assert "--brand:#be123c" in shown.content.decode()
    assert "Only a draft" in shown.content.decode()
    assert 'name="email"' in shown.content.decode()
    assert shown.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self';" in shown.headers["Content-Security-Policy"] + ";"
    assert "form-action 'none'" in shown.headers["Content-Security-Policy"]
    assert "Only a draft" not in Browser().get(f"/t/{cast.acme.slug}/sign-in").content.decode()


@pytest.mark.parametrize("screen", ["sign_in", "second_factor", "consent", "stopped", "mail"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_preview_shows_each_screen_in_each_language(cast: Cast, screen: str, language: str) -> None:
    written = branding.draft(cast.acme.slug, {"brand": "#be123c"})
    address = f"/t/{cast.acme.slug}/brand/preview?screen={screen}&language={language}&draft={written}"
    shown = Browser().get(address)
    assert shown.status_code == 200
    assert "#be123c" in shown.content.decode()
    assert f'lang="{language}"' in shown.content.decode()


def test_B3_a_draft_is_read_by_its_own_tenant_only_and_never_unsigned(cast: Cast) -> None:
    written = branding.draft(cast.acme.slug, {"brand": "#be123c"})
    ours, theirs = (f"/t/{one.slug}/brand/preview?screen=sign_in" for one in (cast.acme, cast.globex))
    assert Browser().get(f"{ours}&draft={written}").status_code == 200
    for refused in (
        f"{theirs}&draft={written}",
        f"{ours}&draft={written}x",
        ours,
        f"{ours[:-7]}nothing&draft={written}",
    ):
        assert Browser().get(refused).status_code == 404
    assert Browser().get(f"/t/{cast.acme.slug}/sign-in").headers["X-Frame-Options"] == "DENY"


def test_a_logo_is_served_from_our_origin_with_its_own_type(cast: Cast) -> None:
    browser = signed_in(cast.owner)
    assert upload(browser, cast, png()).status_code == 303
    shown = Browser().get(f"/t/{cast.acme.slug}/sign-in").content.decode()
    address = re.search(rf'src="(/t/{cast.acme.slug}/brand/logo/[0-9a-f]{{64}})"', shown)[1]
    answer = Browser().get(address)
    assert (answer.content, answer.headers["Content-Type"]) == (png(), "image/png")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert Browser().get(address.replace(cast.acme.slug, cast.globex.slug)).status_code == 404
    page = browser.get(page_of(cast))
    assert browser.submit(page, to=f"{page_of(cast)}/logo/light/removal").status_code == 303
    assert Browser().get(address).status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 50,
        png()[:30],
        png(3000, 10),
        png() + b"\0" * 200_000,
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"\xff\xd8\xff\xd9",
        b"x",
    ],
)
def test_B3_what_is_no_small_picture_is_refused(cast: Cast, content: bytes) -> None:
    assert upload(signed_in(cast.owner), cast, content).status_code == 422


def test_A1_only_administrators_of_the_tenant_change_its_looks(cast: Cast) -> None:
    for who in (cast.other_owner, cast.stranger, cast.member):
        browser = signed_in(who)
        assert browser.get(page_of(cast)).status_code in (403, 404)
        refused = browser.submit(browser.get("/account/"), {**BLUE, "publish": "1"}, to=page_of(cast))
        assert refused.status_code in (403, 404)


def test_changes_of_looks_are_recorded(cast: Cast) -> None:
    from events import selectors as events

    send(signed_in(cast.owner), cast, {"brand": "#0f766e"})
    with scope.tenant(cast.acme.id):
        assert events.stream().filter(type="tenant.branding.updated").exists()


def test_TEN10_the_logo_stands_on_login_and_consent_and_the_dashboard_keeps_our_brand() -> None:
    cast = make_cast()
    administrator = signed_in(cast.owner)
    assert send(administrator, cast, BLUE).status_code == 303
    assert upload(administrator, cast, png()).status_code == 303
    browser = Browser()
    run = Flow(cast.acme, register(cast.acme), browser)
    consent = enter_and_ask(run, cast.member)
    for page in (Browser().get(f"/t/{cast.acme.slug}/sign-in"), consent):
        assert "--brand:#1d4ed8" in page.content.decode()
        assert f"/t/{cast.acme.slug}/brand/logo/" in page.content.decode()
    ours = administrator.get(f"/dashboard/{cast.acme.slug}/").content.decode()
    assert "#1d4ed8" not in ours and "/brand/logo/" not in ours


def test_TEN11_login_and_consent_name_support_terms_and_privacy() -> None:
    cast = make_cast()
    links = {
        "support_email": "help@acme.example",
        "terms_url": "https://acme.example/terms",
        "privacy_url": "https://acme.example/privacy",
    }
    with scope.tenant(cast.acme.id):
        Tenant.objects.filter(id=cast.acme.id).update(**links)
    run = Flow(cast.acme, register(cast.acme), Browser())
    for page in (Browser().get(f"/t/{cast.acme.slug}/sign-in"), enter_and_ask(run, cast.member)):
        text = page.content.decode()
        assert "mailto:help@acme.example" in text
        assert all(address in text for address in list(links.values())[1:])
    theirs = Browser().get(f"/t/{cast.globex.slug}/sign-in").content.decode()
    assert not any(value in theirs for value in links.values())


def enter_and_ask(run: Flow, person: Person) -> Any:
    """Sign in from the application; returns the consent page."""
    query = "?" + run.start().headers["Location"].partition("?")[2]
    return run.browser.follow(sign_in(run.browser, run.tenant, person.email, query=query))
