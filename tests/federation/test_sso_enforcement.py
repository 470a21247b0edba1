"""ORG-07: where a connection is enforced every door of one's own is shut, but to the exempt; AUT-09: an only door."""

from __future__ import annotations

from typing import Any

import pytest

from core import scope
from events.models import Event
from federation import selectors, services
from federation.errors import NobodyLeft
from tests.factories import make_member, make_principal
from tests.factories.hosted import at_home, code_in, elsewhere, mails_to, prefix, sign_up
from tests.factories.hosted import sign_in as by_password
from tests.factories.people import give_role
from tests.federation.world import connect, customer, inside, sign_in, start, work
from tests.oauth.helpers import Flow, query_of, register


def enforce(tenant: Any, row: Any, *exempt: Any, enforced: bool = True) -> None:
    actor = make_principal(tenant)
    with scope.tenant(tenant.id):
        connection = selectors.connection(row.id)
        for person in exempt:
            services.exempt(actor=actor, connection=connection, member=person.member, reason="break glass")
        services.set_enforced(actor=actor, connection=connection, enforced=enforced, reason="policy")
    work()


def by_own_password(tenant: Any, email: str, browser: Any = None) -> Any:
    """Sign in with a password past the routing, as the page's small link does; returns browser and last answer."""
    browser = browser or elsewhere()
    return browser, by_password(browser, tenant, email, query="?own=1")


def test_ORG07_every_door_of_ones_own_is_shut_to_the_organizations_people(cast, upstream):
    _, domain, row = customer(cast.acme, upstream)
    person, outsider = make_member(cast.acme, email=f"in@{domain}"), make_member(cast.acme)
    before, _ = by_own_password(cast.acme, person.email)
    assert inside(cast.acme, before)
    run = Flow(cast.acme, register(cast.acme, is_first_party=True), before)
    body = run.redeem(query_of(run.start(scope="openid offline_access").headers["Location"])["code"]).json()
    enforce(cast.acme, row)
    # What was open by own methods ends, offline access too.
    assert not inside(cast.acme, before)
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"
    # Password.
    browser, refused = by_own_password(cast.acme, person.email)
    assert (refused.status_code, "sso_required" in refused.content.decode()) == (403, True)
    assert not inside(cast.acme, browser)
    # A code by mail.
    page = browser.get(f"{prefix(cast.acme)}/sign-in?own=1")
    page = browser.follow(browser.submit(page, {"email": person.email}))
    sent = browser.follow(browser.submit(page, {"begin": "1"}, to=f"{prefix(cast.acme)}/sign-in/mail"))
    assert browser.submit(sent, {"code": code_in(mails_to(person.email)[0])}).status_code == 403
    assert not inside(cast.acme, browser)
    # Recovery and sign-up: for the domain, whoever has the address.
    for email in (person.email, f"nobody@{domain}"):
        fresh = elsewhere()
        page = fresh.get(f"{prefix(cast.acme)}/recovery")
        assert fresh.submit(page, {"email": email}).status_code == 403
        assert sign_up(elsewhere(), cast.acme, email).status_code == 403
    # Single sign-on from the bare origin, where the account is the person's own.
    own = at_home(person)
    assert own.get("/account/security").status_code == 200
    assert not inside(cast.acme, own)
    # The dashboard.
    with scope.tenant(cast.acme.id):
        give_role(person.member, "admin")
    answer = own.get(f"/dashboard/{cast.acme.slug}/")
    assert answer.headers["Location"].startswith(f"{prefix(cast.acme)}/sign-in?")
    # Everybody else goes on as before.
    assert inside(cast.acme, by_own_password(cast.acme, outsider.email)[0])
    enforce(cast.acme, row, enforced=False)
    assert inside(cast.acme, by_own_password(cast.acme, person.email)[0])


def test_ORG07_the_exempt_get_in_and_each_time_is_recorded(cast, upstream):
    _, domain, row = customer(cast.acme, upstream)
    person = make_member(cast.acme, email=f"glass@{domain}")
    enforce(cast.acme, row, person)
    for _ in range(2):
        assert inside(cast.acme, by_own_password(cast.acme, person.email)[0])
    with scope.tenant(cast.acme.id):
        used = Event.objects.filter(type="sso.exemption.used", actor_id=person.subject)
        assert used.count() == 2
        exemption = selectors.exemptions(row).get()
        services.end_exemption(actor=make_principal(cast.acme), exemption=exemption)
    assert not inside(cast.acme, by_own_password(cast.acme, person.email)[0])


def test_ORG07_who_changes_the_address_the_tenant_sees_does_not_get_past(cast, upstream):
    _, domain, row = customer(cast.acme, upstream)
    person = make_member(cast.acme, email=f"sly@{domain}")
    enforce(cast.acme, row)
    with scope.tenant(cast.acme.id):
        from core.principal import SYSTEM
        from tenants import members

        members.choose_email(actor=SYSTEM, member=person.member, email="")
    assert not inside(cast.acme, by_own_password(cast.acme, person.email)[0])
    assert not inside(cast.acme, at_home(person))


def test_ORG07_nobody_locks_everybody_out(cast, upstream):
    row = connect(cast.acme, upstream)
    with pytest.raises(NobodyLeft):
        enforce(cast.acme, row)
    enforce(cast.acme, row, cast.owner)
    with scope.tenant(cast.acme.id):
        exemption = selectors.exemptions(row).get()
        with pytest.raises(NobodyLeft):
            services.end_exemption(actor=make_principal(cast.acme), exemption=exemption)
    with scope.tenant(cast.acme.id):
        assert selectors.exemptions(row).exists()
    enforce(cast.acme, row, enforced=False)


def test_AUT09_a_tenant_wide_connection_may_be_the_only_door(cast, upstream):
    tenant = cast.globex
    row = connect(tenant, upstream, name="Only door")
    enforce(tenant, row, cast.other_owner)
    page = elsewhere().get(f"{prefix(tenant)}/sign-in").content.decode()
    assert "Continue with Only door" in page
    assert 'name="email"' not in page
    browser, refused = by_own_password(tenant, cast.other_member.email)
    assert refused.status_code == 403
    assert not inside(tenant, browser)
    assert sign_up(elsewhere(), tenant, "new@where.example").status_code == 403
    assert inside(tenant, by_own_password(tenant, cast.other_owner.email)[0])
    assert inside(tenant, sign_in(tenant, upstream, row, "only", email="only@where.example")[0])
    assert start(tenant, row)
    assert inside(cast.acme, by_own_password(cast.acme, cast.member.email)[0])
    enforce(tenant, row, enforced=False)


def test_ORG07_linking_works_although_own_methods_are_refused(cast, upstream):
    _, domain, row = customer(cast.acme, upstream)
    person = make_member(cast.acme, email=f"both@{domain}")
    enforce(cast.acme, row)
    browser, answer = sign_in(cast.acme, upstream, row, email=person.email, email_verified=True)
    link = answer.headers["Location"]
    page = browser.follow(by_password(browser, None, person.email, query=f"?next={link.replace('?', '%3F')}"))
    assert browser.submit(page, {}).status_code == 303
    assert inside(cast.acme, browser)
