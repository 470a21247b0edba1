"""English and German, on hosted pages, in the portal and in mails (ANC-20)."""

from __future__ import annotations

import io
import re
from gettext import GNUTranslations
from typing import Any

import pytest

from core import translations
from portal.words import SENTENCES
from tests.factories import Browser, Cast, make_account, make_cast
from tests.factories.factors import add_totp, code_of
from tests.factories.hosted import elsewhere, mails_to, sign_in

GERMAN = {"Accept-Language": "de-AT,de;q=0.8"}
HOSTED = ["sign-in", "sign-up", "recovery"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%s|</?\w+>")

TOLD = ("signin.failed", "signin.succeeded", "mfa.failed", "mfa.succeeded", "user.password.reset_requested")


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def language_of(page: Any) -> str:
    found = re.search(r'<html lang="([^"]+)"', page.content.decode())
    assert found
    return found[1]


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_every_text_that_people_read_is_translated(language: str) -> None:
    """When this fails: ./bin/messages, then translate what it names."""
    assert translations.untranslated(translations.renewed(language)) == []


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language: str) -> None:
    kept = translations.catalogue_path(language).with_suffix(".mo").read_bytes()
    assert _texts(kept) == _texts(translations.compiled(translations.read(language)))


def _texts(compiled: bytes) -> dict[Any, str]:
    texts = dict(GNUTranslations(io.BytesIO(compiled))._catalog)  # type: ignore[attr-defined]
    del texts[""]
    return texts


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_translations_keep_what_is_filled_in(language: str) -> None:
    for message in translations.read(language):
        if message.id and isinstance(message.id, str):
            assert _places(message.id) == _places(str(message.string)), message.id


def _places(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


@pytest.mark.parametrize("page", HOSTED)
def test_a_hosted_page_speaks_the_browsers_language(cast: Cast, page: str) -> None:
    shown = Browser().get(f"/t/{cast.acme.slug}/{page}", headers=GERMAN)
    assert language_of(shown) == "de"
    assert "E-Mail-Adresse" in shown.content.decode()
    assert language_of(Browser().get(f"/t/{cast.acme.slug}/{page}")) == "en"


def test_ui_locales_of_a_page_count_more_than_the_browser(cast: Cast) -> None:
    address = f"/t/{cast.acme.slug}/sign-in?ui_locales=fr+de"
    assert language_of(Browser().get(address)) == "de"


def test_the_switch_works_without_script_and_counts_most(cast: Cast) -> None:
    browser = Browser()
    address = f"/t/{cast.globex.slug}/sign-in?ui_locales=en"
    page = browser.get(address)
    answer = browser.submit(page, {"language": "de", "back": address}, to="/language")
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    assert language_of(browser.get(address)) == "de"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_L9_the_switch_leads_nowhere_else(target: str) -> None:
    browser = Browser()
    answer = browser.submit(browser.get("/sign-in"), {"language": "de", "back": target}, to="/language")
    assert answer.headers["Location"] == "/account/"


def test_an_unknown_language_changes_nothing() -> None:
    browser = Browser()
    answer = browser.submit(browser.get("/sign-in"), {"language": "xx", "back": "/sign-in"}, to="/language")
    assert answer.status_code == 303
    assert language_of(browser.get("/sign-in")) == "en"


def test_the_persons_own_setting_counts_more_than_the_browsers_language() -> None:
    person = make_account()
    browser = Browser()
    browser.follow(sign_in(browser, None, person.email))
    page = browser.get("/account/")
    browser.submit(page, {"name": "Ada", "locale": "de"}, to="/account/")
    elsewhere = Browser()
    elsewhere.follow(sign_in(elsewhere, None, person.email))
    shown = elsewhere.get("/account/security")
    assert language_of(shown) == "de"
    assert "Passwort" in shown.content.decode()


def test_a_mail_is_written_in_the_language_of_the_page_that_caused_it(cast: Cast) -> None:
    browser, email = Browser(), cast.member.email
    page = browser.get(f"/t/{cast.acme.slug}/recovery", headers=GERMAN)
    browser.submit(page, {"email": email}, headers=GERMAN)
    mail = mails_to(email)[0]
    assert "Neues Passwort" in mail["subject"]
    assert '<html lang="de">' in mail["html"]


def test_a_refusal_is_told_in_german(cast: Cast) -> None:
    shown = Browser().get("/t/no-such-service-here/sign-in", headers=GERMAN)
    assert shown.status_code == 404
    assert "Diesen Dienst gibt es hier nicht" in shown.content.decode()
    assert language_of(Browser().get("/nothing-here", headers=GERMAN)) == "de"


def test_the_dashboard_of_administrators_is_english(cast: Cast) -> None:
    browser = Browser()
    browser.follow(sign_in(browser, None, cast.owner.email))
    assert language_of(browser.get(f"/dashboard/{cast.acme.slug}/", headers=GERMAN)) == "en"


def test_the_api_answers_in_english_whatever_the_client_prefers(cast: Cast) -> None:
    answer = Browser().get(f"/t/{cast.acme.slug}/v1/me", headers=GERMAN)
    assert answer.json()["title"] == "No credential was sent"


@pytest.mark.parametrize(
    ("page", "typed", "words"),
    [
        ("contacts/phones/add", {"phone": "12"}, "keine erreichbare Telefonnummer"),
        ("contacts/wallets/add", {"wallet": "0x12"}, "keine Adresse eines Ethereum-Kontos"),
        ("authenticators/app", {"code": "000000"}, "hat nicht geklappt"),
        ("password", {"new_password": "short"}, "mindestens 15 Zeichen"),
        ("addresses/add", {"email": "nobody"}, "Schreiben Sie eine E-Mail-Adresse"),
    ],
)
def test_a_refusal_at_the_persons_own_pages_is_told_in_german(
    page: str, typed: dict[str, str], words: str
) -> None:
    person, browser = make_account(), Browser(HTTP_ACCEPT_LANGUAGE="de")
    browser.follow(sign_in(browser, None, person.email, person.password))
    refused = browser.submit(browser.get(f"/account/{page}"), typed, to=f"/account/{page}")
    assert refused.status_code == 400
    assert words in refused.content.decode()
    assert " the " not in re.sub(r"<[^>]+>", " ", refused.content.decode().partition("<main")[2])


def test_whatever_stands_in_the_persons_record_is_told_in_german() -> None:
    person = make_account()
    key = add_totp(person)
    stranger = elsewhere()
    sign_in(stranger, None, person.email, "a wrong guess of somebody")
    browser = elsewhere()
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    asked = browser.follow(sign_in(browser, None, person.email, person.password))
    browser.submit(asked, {"code": "000000"})
    browser.follow(browser.submit(asked, {"code": code_of(key)}))
    mails_to(person.email)  # the record is promised, as mails are
    shown = browser.get("/account/activity").content.decode()
    for words in (
        "Jemand wollte sich anmelden",
        "einen zweiten Faktor bestätigt",
        "Ein zweiter Faktor wurde abgewiesen",
    ):
        assert words in shown
    for kind in TOLD:
        assert kind in SENTENCES, "English would stand on a German page"
