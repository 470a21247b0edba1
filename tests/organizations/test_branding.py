"""An organization's own looks over its tenant's, on pages and mails of sign-ins that are for it (TEN-10, 11)."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core import scope
from events import selectors as events
from organizations import services
from organizations.models import Organization
from tenants import branding, selectors
from tenants.models import Logo
from tests.dashboard.test_frame import signed_in
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_cast,
    make_member,
    make_organization,
    make_principal,
)
from tests.factories.hosted import elsewhere, mails_to, sign_in
from tests.factories.people import give_role
from tests.tenants.test_branding import png

RED, BLUE = "#be123c", "#1d4ed8"


@pytest.fixture(scope="module")
def cast() -> Cast:
    made = make_cast()
    with scope.tenant(made.acme.id):
        values = {"brand": BLUE, "brand_ink": "#ffffff", "text_en": "Welcome to Acme", "sender": "Acme Post"}
        branding.publish(actor=make_principal(made.acme), tenant=selectors.tenant(), values=values)
    return made


@pytest.fixture
def house(cast: Cast) -> tuple[Organization, Person]:
    """An organization of acme with its own administrator."""
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        give_role(person.member, "admin", organization)
    return organization, person


def call(cast: Cast, method: str, path: str, token: str, body: object = None, **headers: str) -> Any:
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", token, body, **headers)


def dress(cast: Cast, organization: Organization, token: str, **values: Any) -> Any:
    """Change an organization's branding by the API, in the version that is read just before."""
    path = f"organizations/{organization.public_id}/branding"
    read = call(cast, "GET", path, token)
    return call(cast, "PATCH", path, token, values, If_Match=read.headers["ETag"])


def page_of(cast: Cast, organization: Organization | None = None) -> str:
    query = f"?organization={organization.public_id}" if organization else ""
    page: str = Browser().get(f"/t/{cast.acme.slug}/sign-in{query}").content.decode()
    return page


def desk(cast: Cast, organization: Organization) -> str:
    return f"/dashboard/{cast.acme.slug}/organizations/{organization.public_id}/branding"


def publish(browser: Browser, at: str, values: dict[str, str], act: str = "publish") -> Any:
    return browser.submit(browser.get(at), {**values, act: "1"}, to=at)


def test_TEN10_its_administrator_dresses_the_sign_in_of_the_organization(cast: Cast, house: Any) -> None:
    organization, person = house
    other = make_organization(cast.acme)
    browser, at = signed_in(person), desk(cast, organization)
    done = publish(browser, at, {"brand": RED, "text_en": "Customers, this way", "sender": "Customer Desk"})
    assert done.status_code == 303
    shown = page_of(cast, organization)
    assert f"--brand:{RED}" in shown
    assert "--brand-ink:#ffffff" in shown
    assert "Customers, this way" in shown
    for elsewhere_shown in (page_of(cast), page_of(cast, other)):
        assert f"--brand:{BLUE}" in elsewhere_shown
        assert "Welcome to Acme" in elsewhere_shown


def test_its_looks_stay_through_the_steps_of_a_sign_in(cast: Cast, house: Any) -> None:
    organization, person = house
    publish(signed_in(person), desk(cast, organization), {"brand": RED})
    query = f"?organization={organization.public_id}"
    browser = elsewhere()
    asked = browser.follow(
        browser.submit(browser.get(f"/t/{cast.acme.slug}/sign-in{query}"), {"email": person.email})
    )
    assert f"--brand:{RED}" in asked.content.decode()
    wrong = browser.submit(asked, {"password": "not the password at all"})
    assert wrong.status_code >= 400
    assert f"--brand:{RED}" in wrong.content.decode()
    assert sign_in(elsewhere(), cast.acme, person.email, query=query).status_code == 303


def test_TEN10_mails_of_such_a_sign_in_wear_them_too(cast: Cast, house: Any) -> None:
    organization, person = house
    token = access_token(person, organization=organization)
    dress(cast, organization, token, brand=RED, sender="Customer Desk", support_email="desk@customer.example")
    logo = {"content": base64.b64encode(png()).decode()}
    path = f"organizations/{organization.public_id}/branding/logos/light"
    assert call(cast, "PUT", path, token, logo).status_code == 200
    browser = elsewhere()
    page = browser.get(f"/t/{cast.acme.slug}/recovery?organization={organization.public_id}")
    browser.submit(page, {"email": person.email})
    mail = mails_to(person.email)[0]
    assert mail["from"].startswith("Customer Desk <")
    assert f"background: {RED}" in mail["html"]
    assert "desk@customer.example" in mail["html"]
    assert re.search(r'<img src="http[^"]+/brand/logo/[0-9a-f]{64}"', mail["html"])
    assert f"organization={organization.public_id}" in mail["links"][0]
    plain = elsewhere()
    plain.submit(plain.get(f"/t/{cast.acme.slug}/recovery"), {"email": cast.member.email})
    assert mails_to(cast.member.email)[0]["from"].startswith("Acme Post <")


def test_what_it_leaves_out_is_the_tenants_and_what_belongs_together_stays_so(cast: Cast, house: Any) -> None:
    organization, person = house
    token = access_token(person, organization=organization)
    answer = dress(cast, organization, token, brand="#fde047", texts={"de": "Guten Tag"}).json()
    assert answer["brand_ink"] is None
    assert answer["texts"] == {"de": "Guten Tag"}
    worn = answer["worn"]
    assert (worn["brand"], worn["brand_ink"], worn["sender"]) == ("#fde047", None, "Acme Post")
    assert worn["texts"] == {"en": "Welcome to Acme", "de": "Guten Tag"}
    assert "--brand-ink:#0b1210" in page_of(cast, organization)
    cleared = dress(cast, organization, token, brand=None, texts={"de": None}).json()
    assert (cleared["brand"], cleared["texts"], cleared["worn"]["brand"]) == (None, {}, BLUE)


def test_its_logo_takes_the_place_of_the_tenants_in_both_appearances(cast: Cast, house: Any) -> None:
    organization, person = house
    browser, at = signed_in(person), desk(cast, organization)
    picture = png(41)
    file = SimpleUploadedFile("logo.png", picture, content_type="image/png")
    sent = browser.submit(browser.get(at), {"logo": file, "variant": "light"}, to=f"{at}/logo")
    assert sent.status_code == 303
    shown = page_of(cast, organization)
    address = re.search(r'src="(/t/[^"]+/brand/logo/[0-9a-f]{64})" alt="([^"]+)"', shown)
    assert address
    assert address[2] == organization.name
    assert Browser().get(address[1]).content == picture
    assert "/brand/logo/" not in page_of(cast)
    assert browser.submit(browser.get(at), to=f"{at}/logo/light/removal").status_code == 303
    assert Browser().get(address[1]).status_code == 404
    assert browser.submit(browser.get(at), to=f"{at}/logo/purple/removal").status_code == 404


@pytest.mark.parametrize(
    "values",
    [
        {"brand": "red;}"},
        {"brand": "#ffffff", "brand_ink": "#eeeeee"},
        {"sender": "bank@example.com"},
        {"support_url": "javascript:alert(1)"},
        {"support_url": "http://plain.example"},
        {"support_email": "nobody"},
        {"text_en": "x" * 201},
    ],
)
def test_B3_what_would_not_read_or_could_deceive_is_refused_at_both_doors(
    cast: Cast, house: Any, values: dict[str, str]
) -> None:
    organization, person = house
    refused = publish(signed_in(person), desk(cast, organization), values)
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.content.decode()
    texts = {"texts": {"en": values["text_en"]}} if "text_en" in values else values
    token = access_token(person, organization=organization)
    assert dress(cast, organization, token, **texts).status_code == 400
    assert f"--brand:{BLUE}" in page_of(cast, organization)


def test_the_preview_shows_the_draft_over_the_tenants_looks(cast: Cast, house: Any) -> None:
    organization, person = house
    browser, at = signed_in(person), desk(cast, organization)
    for screen, language, expected in (
        ("sign_in", "en", "Welcome to Acme"),
        ("consent", "en", "An application"),
        ("stopped", "de", "Neu beginnen"),
        ("mail", "de", "123456"),
    ):
        picks = {"brand": RED, "screen": screen, "language": language, "appearance": "dark"}
        page = publish(browser, at, picks, "preview").content.decode()
        address = re.search(r'<iframe class="preview[^"]*" src="([^"]+)" sandbox', page)
        assert address
        shown = Browser().get(unescape(address[1]))
        body = shown.content.decode()
        assert shown.status_code == 200
        assert RED in body
        assert expected in body, (screen, body)
        assert 'data-theme="dark"' in body or screen == "mail"
        assert "form-action 'none'" in shown.headers["Content-Security-Policy"]
    assert f"--brand:{BLUE}" in page_of(cast, organization)


def test_TEN05_nobody_else_changes_or_reads_it(cast: Cast, house: Any) -> None:
    organization, person = house
    other, _other_admin = make_organization(cast.acme), None
    path = f"organizations/{organization.public_id}/branding"
    assert call(cast, "GET", path, "").status_code == 401
    for who in (cast.other_owner, cast.stranger, cast.member):
        browser = signed_in(who)
        assert browser.get(desk(cast, organization)).status_code in (403, 404)
        refused = browser.submit(browser.get("/account/"), {"brand": RED}, to=desk(cast, organization))
        assert refused.status_code in (403, 404)
    foreign = access_token(cast.other_owner)
    assert call(cast, "GET", path, foreign).status_code == 403
    there = Browser().api("GET", f"/t/{cast.globex.slug}/v1/{path}", foreign)
    assert there.status_code == 404
    inside = access_token(person, organization=organization)
    theirs = f"organizations/{other.public_id}/branding"
    assert call(cast, "PATCH", theirs, inside, {"brand": RED}).status_code == 403
    assert call(cast, "PATCH", "branding", inside, {"brand": RED}).status_code == 403
    assert signed_in(person).get(desk(cast, other)).status_code == 404
    assert f"--brand:{BLUE}" in page_of(cast, organization)


def test_TEN05_logos_of_another_organization_are_hidden_by_the_database(cast: Cast, house: Any) -> None:
    organization, _person = house
    other = make_organization(cast.acme)
    with scope.tenant(cast.acme.id):
        for owner in (organization.id, other.id):
            Logo.objects.create(
                organization_id=owner, variant="dark", digest="0" * 64, media_type="image/png", content=png()
            )
    with scope.organization(cast.acme.id, organization.id):
        assert {row.organization_id for row in Logo.objects.all()} <= {organization.id, None}
        assert Logo.objects.filter(organization_id=None).update(digest="1" * 64) == 0
        assert Logo.objects.filter(organization_id=other.id).delete()[0] == 0


def test_a_foreign_tenants_question_does_not_hide_its_looks(cast: Cast, house: Any) -> None:
    organization, person = house
    publish(signed_in(person), desk(cast, organization), {"brand": RED})
    query = f"?organization={organization.public_id}"
    assert f"--brand:{RED}" not in Browser().get(f"/t/{cast.globex.slug}/sign-in{query}").content.decode()
    assert f"--brand:{RED}" in page_of(cast, organization)
    assert (
        f"--brand:{BLUE}"
        in Browser().get(f"/t/{cast.acme.slug}/sign-in?organization=org_nonsense").content.decode()
    )


def test_its_looks_end_with_it(cast: Cast, house: Any) -> None:
    organization, person = house
    publish(signed_in(person), desk(cast, organization), {"brand": RED})
    with scope.tenant(cast.acme.id):
        services.update_organization(
            actor=make_principal(cast.acme), organization=organization, changes={"status": "suspended"}
        )
    assert f"--brand:{BLUE}" in page_of(cast, organization)


def test_changes_are_recorded_with_before_and_after(cast: Cast, house: Any) -> None:
    organization, person = house
    token = access_token(person, organization=organization)
    dress(cast, organization, token, brand=RED)
    dress(cast, organization, token, brand=BLUE)
    with scope.tenant(cast.acme.id):
        rows = events.stream().filter(type="organization.updated", organization_id=organization.id)
        data = json.loads(bytes(rows.order_by("-id").first().canonical))["data"]
    assert data["object"]["branding"] == {"brand": BLUE}
    assert data["previous"]["branding"] == {"brand": RED}


# --- the tenant's own, by the API --------------------------------------------------------------------------


def test_TEN10_the_api_reads_and_changes_the_tenants_branding(cast: Cast) -> None:
    token = access_token(cast.owner)
    read = call(cast, "GET", "branding", token)
    assert read.json()["brand"] == BLUE
    assert read.json()["contrast"] == pytest.approx(6.7, abs=0.1)
    assert call(cast, "PATCH", "branding", token, {"sender": "New"}).status_code == 428
    match = {"If_Match": read.headers["ETag"]}
    changed = call(cast, "PATCH", "branding", token, {"texts": {"de": "Hallo"}}, **match)
    assert changed.json()["texts"] == {"en": "Welcome to Acme", "de": "Hallo"}
    assert call(cast, "PATCH", "branding", token, {"sender": "Late"}, **match).status_code == 412
    for body in ({"odd": 1}, {"brand": 5}, {"texts": {"fr": "Salut"}}, {"brand_ink": "#2d5ed8"}):
        now = call(cast, "GET", "branding", token).headers["ETag"]
        assert call(cast, "PATCH", "branding", token, body, If_Match=now).status_code == 400, body


def test_TEN10_the_api_takes_and_drops_logos(cast: Cast) -> None:
    token = access_token(cast.owner)
    path = "branding/logos/dark"
    sent = call(cast, "PUT", path, token, {"content": base64.b64encode(png()).decode()})
    address = sent.json()["logos"]["dark"]
    assert (
        Browser().get(address.partition("//")[2].partition("/")[1] + address.split("/", 3)[3]).status_code
        == 200
    )
    assert call(cast, "DELETE", path, token).status_code == 204
    assert call(cast, "DELETE", path, token).status_code == 404
    assert call(cast, "PUT", "branding/logos/round", token, {"content": ""}).status_code == 404
    for content in ("not base64!", base64.b64encode(b"<svg onload=alert(1)>").decode(), 5):
        assert call(cast, "PUT", path, token, {"content": content}).status_code == 400
    reader = access_token(cast.owner, ["tenant:read"])
    assert call(cast, "PUT", path, reader, {"content": ""}).status_code == 403
