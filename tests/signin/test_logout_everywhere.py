"""Out of everything in one browser, over the real pages: applications of every tenant are told (SES-08, ANC-07)."""

from __future__ import annotations

from typing import Any

from core import jobs, scope
from core.principal import SYSTEM
from oauth import backchannel
from tenants import members
from tests.factories import Browser, Cast, make_member
from tests.factories.hosted import prefix, sign_in
from tests.oauth.helpers import Flow, claims, query_of, register
from tests.protocol.test_oidc_backchannel_logout import logout_tokens
from tests.webhooks.receiver import receiving


def visit(tenant: Any, browser: Browser, address: str) -> Flow:
    """Let the person in this browser into an application of the tenant."""
    app = register(tenant, is_first_party=True, backchannel_logout_uri=address)
    run = Flow(tenant, app, browser)
    answer = browser.follow(run.start())
    assert "code" in query_of(answer.headers["Location"]), answer.headers
    return run


def test_ANC07_signing_out_of_everything_tells_applications_of_every_tenant(cast: Cast) -> None:
    person, other = make_member(cast.acme), make_member(cast.acme)
    with scope.tenant(cast.globex.id):
        members.create_member(
            actor=SYSTEM, email=person.email, account_id=person.account_id, email_verified=True
        )
    browser, elsewhere = Browser(), Browser()
    browser.follow(sign_in(browser, cast.acme, person.email, query="?next=/account/"))
    elsewhere.follow(sign_in(elsewhere, cast.acme, other.email, query="?next=/account/"))
    with receiving() as receiver:
        for tenant in (cast.acme, cast.globex):
            visit(tenant, browser, receiver.url)
        visit(cast.acme, elsewhere, receiver.url)
        page = browser.get(f"{prefix(cast.acme)}/signed-out")
        browser.submit(page, {"everywhere": "1"}, to=f"{prefix(cast.acme)}/sign-out")
        while jobs.run_due():
            pass
        backchannel.deliver_due()
        told = [claims(token) for token in logout_tokens(receiver)]
    assert {one["iss"] for one in told} == {cast.acme.issuer, cast.globex.issuer}
    assert len(told) == len({one["sid"] for one in told}) == 2
    assert len({one["sub"] for one in told}) == 2
