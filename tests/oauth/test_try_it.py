"""The test sign-in of the dashboard (APP-07), and the code samples (APP-03)."""

from __future__ import annotations

import pytest

from core import scope
from oauth import code_samples, try_it
from oauth.models import RefreshToken
from tenants.models import RevokedToken
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser
from tests.factories.browser import path_of
from tests.oauth import fake_bridge
from tests.oauth.helpers import flow, query_of, register


def begin(cast, application, person=None):
    """Press the button and go through consent; returns the browser and where it is sent back to."""
    person = person or cast.owner
    browser = signed_in(person)
    fake_bridge.enter(browser, person)
    path = f"/dashboard/{person.tenant.slug}/applications/{application.public_id}"
    started = browser.submit(browser.get(path), {}, to=f"{path}/try")
    assert started.status_code == 303, started.content
    asked = browser.get(path_of(started.headers["Location"]))
    answer = browser.submit(asked, {"decision": "allow"}) if asked.status_code == 200 else asked
    return browser, answer.headers["Location"]


def test_it_shows_decoded_tokens_and_ends_them(cast):
    application = register(cast.acme).application
    browser, back = begin(cast, application)
    assert back.startswith(try_it.address(cast.acme.slug, application.id))
    page = browser.get(path_of(back))
    text = page.content.decode()
    assert page.status_code == 200, text
    assert page.headers["Cache-Control"] == "no-store"
    assert cast.owner.subject in text
    assert "at+jwt" in text
    assert "eyJ" not in text, "the tokens themselves are not shown"
    with scope.tenant(cast.acme.id):
        rows = list(RefreshToken.objects.filter(application=application))
        assert rows
        assert all(row.revoked for row in rows)
        assert RevokedToken.objects.filter(jti=rows[0].access_jti).exists()
    again = browser.get(path_of(back))
    assert again.status_code == 400


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(cast):
    application = register(cast.acme).application
    browser, back = begin(cast, application)
    stolen = signed_in(cast.owner).get(path_of(back))
    assert stolen.status_code == 400
    found = query_of(back)
    forged = path_of(back).replace(found["state"], "x" * 22)
    assert browser.get(forged).status_code == 400


def test_A1_only_administrators_of_the_tenant_reach_it(cast):
    application = register(cast.acme).application
    path = f"/dashboard/{cast.acme.slug}/applications/{application.public_id}/try"
    assert signed_in(cast.other_owner).get(path).status_code == 404
    assert Browser().get(path).status_code == 302


def test_O1_the_dashboards_address_is_good_for_its_own_application_only(cast):
    mine, other = flow(cast.member), register(cast.acme).application
    theirs = register(cast.globex).application
    for uri in (
        try_it.address(cast.acme.slug, other.id),
        try_it.address(cast.globex.slug, theirs.id),
        try_it.address(cast.acme.slug, mine.app.application.id) + "/x",
        try_it.address(cast.acme.slug, mine.app.application.id) + "?x=1",
    ):
        assert mine.start(redirect_uri=uri).status_code == 400, uri


@pytest.mark.parametrize(
    "settings", [{"dpop_bound_access_tokens": True}, {"scopes": ["members:read"]}], ids=["bound", "no openid"]
)
def test_it_says_why_there_is_none(cast, settings):
    from oauth.applications import tenant_ref

    application = register(cast.acme, **settings).application
    with scope.tenant(cast.acme.id):
        assert try_it.hindrance(tenant_ref(), application)


@pytest.mark.parametrize("kind", ["web", "spa", "native", "machine", "device"])
def test_APP03_code_holds_real_values_and_no_secret(cast, kind):
    addresses = (
        {"redirect_uris": ["https://app.example/cb"]}
        if kind in ("web", "spa", "native")
        else {"redirect_uris": []}
    )
    made = register(cast.acme, kind, **addresses)
    samples = code_samples.samples(cast.acme, made.application)
    assert 1 <= len(samples) <= 5
    for sample in samples:
        assert made.application.client_id in sample["code"]
        assert cast.acme.issuer in sample["code"]
        assert not made.secret or made.secret not in sample["code"]
