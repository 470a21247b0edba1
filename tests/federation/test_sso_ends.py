"""F6, O16: what a connection opened ends with it, tokens for offline access too; M3: factors are asked all the same."""

from __future__ import annotations

from typing import Any

import pytest

from core import scope
from federation import links, selectors, services
from federation.errors import LastWayIn, NotTested
from federation.models import Connection
from identity.models import IdentitySession
from roles.errors import GrantExceedsOwn
from tests.factories import make_member, make_organization, make_principal
from tests.factories.factors import MFA, add_totp, code_of
from tests.factories.hosted import elsewhere, prefix
from tests.factories.hosted import sign_in as by_password
from tests.factories.policies import change_policy
from tests.federation.world import (
    connect,
    customer,
    inside,
    member_named,
    newest,
    sign_in,
    start,
    work,
)
from tests.oauth.helpers import Flow, bearer_get, claims, query_of, register


def tokens_of(tenant: Any, browser: Any, **changes: Any) -> tuple[Flow, dict[str, Any]]:
    """Tokens of somebody who is signed in in this browser."""
    app = register(tenant, is_first_party=True)
    run = Flow(tenant, app, browser)
    answer = run.start(**changes)
    found = query_of(answer.headers["Location"])
    assert "code" in found, answer.headers["Location"]
    return run, run.redeem(found["code"]).json()


@pytest.mark.parametrize("act", ["deactivate", "delete_connection"])
@pytest.mark.parametrize("by", ["tenant", "organization"])
def test_F6_O16_what_a_connection_opened_ends_with_it(cast, upstream, act, by):
    organization, domain, row = customer(cast.acme, upstream)
    email = f"off@{domain}"
    browser, _ = sign_in(cast.acme, upstream, row, email=email, email_verified=True)
    assert inside(cast.acme, browser)
    run, body = tokens_of(cast.acme, browser, scope="openid offline_access members:read")
    assert (claims(body["access_token"])["org_id"], claims(body["access_token"])["amr"]) == (
        organization.public_id, ["fed"],
    )  # fmt: skip
    waiting, address = start(cast.acme, row)
    path = upstream.answer(address, email=email, email_verified=True)
    place = None if by == "tenant" else organization.id
    actor = make_principal(cast.acme, organization_id=place)
    with scope.principal(actor):
        getattr(services, act)(actor=actor, connection=selectors.connection(row.id))
    work()
    assert bearer_get(cast.acme, "/v1/me", body["access_token"]).status_code == 401
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"
    assert not inside(cast.acme, browser)
    assert waiting.get(path).status_code == 400  # a sign-in that was under way
    assert elsewhere().get(f"{prefix(cast.acme)}/sso/start?connection={row.public_id}").status_code == 400


def test_F6_what_ended_does_not_come_back_when_the_connection_does(cast, upstream):
    row = connect(cast.acme, upstream)
    browser, _ = sign_in(cast.acme, upstream, row, "person-back", email="b@where.example")
    assert inside(cast.acme, browser)
    actor = make_principal(cast.acme)
    with scope.tenant(cast.acme.id):
        services.deactivate(actor=actor, connection=selectors.connection(row.id))
    with scope.tenant(cast.acme.id):
        services.activate(actor=actor, connection=selectors.connection(row.id))
    assert not inside(cast.acme, browser)
    assert inside(cast.acme, sign_in(cast.acme, upstream, row, "person-back", browser=browser)[0])


def test_unlinking_ends_what_the_link_opened_and_never_the_last_way_in(cast, upstream):
    row = connect(cast.acme, upstream)
    browser, _ = sign_in(cast.acme, upstream, row, "person-un", email="un@where.example")
    assert inside(cast.acme, browser)
    member = member_named(cast.acme, "un@where.example")
    own = make_principal(cast.acme, [], subject=member.subject, member_id=member.id)
    with scope.tenant(cast.acme.id):
        identity = selectors.identities(member=member).get()
        with pytest.raises(LastWayIn):
            links.unlink(actor=own, identity=identity)
        links.unlink(actor=make_principal(cast.acme), identity=identity)
    assert not inside(cast.acme, browser)


def test_F7_one_organizations_session_opens_no_other_by_refresh(cast, upstream):
    organization, domain, row = customer(cast.acme, upstream)
    email = f"sw@{domain}"
    browser, _ = sign_in(cast.acme, upstream, row, email=email, email_verified=True)
    assert inside(cast.acme, browser)
    other = make_organization(cast.acme)
    with scope.tenant(cast.acme.id):
        from organizations.models import Membership

        Membership.objects.create(organization=other, member=member_named(cast.acme, email))
    run, body = tokens_of(cast.acme, browser)
    for wanted in (other.public_id, "none"):
        answer = run.refresh(body["refresh_token"], organization=wanted)
        assert answer.json()["error"] == "interaction_required", wanted
    asked = run.start(organization=other.public_id)
    assert "/sign-in?" in asked.headers["Location"]
    kept = run.refresh(body["refresh_token"], organization=organization.public_id)
    assert kept.status_code == 200


# --- prompt=none, factors ---------------------------------------------------------------------------------


def test_prompt_none_never_leads_to_a_provider(cast, upstream):
    _, domain, _ = customer(cast.acme, upstream)
    run = Flow(cast.acme, register(cast.acme), elsewhere())
    answer = run.start(prompt="none", login_hint=f"x@{domain}")
    assert query_of(answer.headers["Location"])["error"] == "login_required"


def test_M3_a_demanded_second_factor_is_asked_behind_a_providers_word(cast, upstream):
    tenant = cast.globex
    change_policy(tenant, member_factor="second_factor")
    try:
        plain, trusted = connect(tenant, upstream), connect(tenant, upstream, trust_mfa=True)
        person = make_member(tenant)
        secret = add_totp(person)
        with scope.tenant(tenant.id):
            from federation import arrivals

            arrivals._link(plain, person.member, "linked", made_member=False)
        amr = ["pwd", "mfa"]
        browser, answer = sign_in(tenant, upstream, plain, "linked", amr=amr)
        assert not inside(tenant, browser)
        asked = browser.follow(answer)
        assert 'name="code"' in asked.content.decode()
        browser.submit(asked, {"code": code_of(secret)})
        assert inside(tenant, browser)
        # Who has nothing but the provider enrols behind it; a trusted provider's word will do.
        lost, answer = sign_in(tenant, upstream, plain, "alone", email="alone@where.example", amr=amr)
        page = lost.follow(answer)
        assert (page.status_code, "/sign-in/enrol/app" in page.content.decode()) == (200, True)
        assert not inside(tenant, lost)
        word, _ = sign_in(tenant, upstream, trusted, "vouched", email="v@where.example", amr=["pwd"])
        assert not inside(tenant, word)
        word, _ = sign_in(tenant, upstream, trusted, "vouched", amr=amr)
        assert inside(tenant, word)
        _, body = tokens_of(tenant, word)
        assert (claims(body["id_token"])["acr"], claims(body["id_token"])["amr"]) == (MFA, ["fed", "mfa"])
    finally:
        change_policy(tenant, member_factor="any")


def test_a_session_of_ones_own_in_this_browser_ends_when_a_provider_speaks(cast, upstream):
    row = connect(cast.acme, upstream)
    person = make_member(cast.acme)
    browser = elsewhere()
    browser.follow(by_password(browser, cast.acme, person.email))
    sign_in(cast.acme, upstream, row, "person-other", browser=browser)
    assert inside(cast.acme, browser)
    with scope.account(person.account_id):
        assert not IdentitySession.objects.filter(account_id=person.account_id, ended_at=None).exists()


# --- who may, and what is asked before it is switched on --------------------------------------------------


def test_ORG06_an_untested_connection_is_not_switched_on(cast, upstream):
    row = connect(cast.acme, upstream)
    actor = make_principal(cast.acme)
    with scope.tenant(cast.acme.id):
        services.deactivate(actor=actor, connection=selectors.connection(row.id))
        changed = services.update_connection(
            actor=actor, connection=selectors.connection(row.id), changes={"client_id": "another"}
        )
        assert changed.tested_at is None
        with pytest.raises(NotTested):
            services.activate(actor=actor, connection=changed)


def test_A6_nobody_decides_for_a_provider_that_speaks_for_more_than_they_are(cast, upstream):
    row = connect(cast.acme, upstream)
    weak = make_principal(cast.acme, ["policies:write", "policies:read"])
    with scope.tenant(cast.acme.id):
        from federation import arrivals

        arrivals._link(row, cast.owner.member, "the owner", made_member=False)
        for changes in ({"client_id": "mine"}, {"endpoints": {"token_endpoint": "https://mine.example/t"}}):
            with pytest.raises(GrantExceedsOwn):
                services.update_connection(
                    actor=weak, connection=selectors.connection(row.id), changes=changes
                )
        services.update_connection(
            actor=weak, connection=selectors.connection(row.id), changes={"name": "Renamed"}
        )


def test_V1_the_secret_is_sealed_for_its_own_row_and_written_nowhere_else(cast, upstream):
    from core.crypto import SealError
    from events.models import Event
    from federation import provider
    from tenants import data_keys
    from tests.federation.upstream import SECRET

    one, two = connect(cast.acme, upstream), connect(cast.acme, upstream, name="Two")
    with scope.tenant(cast.acme.id):
        assert SECRET.encode() not in bytes(one.sealed_secret)
        Connection.objects.filter(id=two.id).update(sealed_secret=bytes(one.sealed_secret))
        with pytest.raises(SealError):
            provider.load(Connection.objects.get(id=two.id))
        told = b"".join(bytes(row) for row in Event.objects.values_list("canonical", flat=True))
        assert SECRET.encode() not in told
        Connection.objects.filter(id=two.id).delete()
        data_keys.rotate(actor=make_principal(cast.acme).actor)
        assert provider.load(Connection.objects.get(id=one.id)).secret == SECRET


def test_a_test_sign_in_shows_claims_and_makes_nobody_a_member(cast, upstream):
    from federation.testing import Ticket, address
    from tests.factories.hosted import at_home

    row = connect(cast.acme, upstream)
    with scope.tenant(cast.acme.id):
        Connection.objects.filter(id=row.id).update(tested_at=None)
    browser = at_home(cast.owner)
    begin = address(cast.acme.slug, Ticket(row.id, cast.owner.account_id))
    assert elsewhere().get(begin).status_code == 410  # somebody else's ticket
    there = browser.get(begin).headers["Location"]
    answer = browser.get(upstream.answer(there, "tester", email="tester@where.example", role="boss"))
    kept = newest(cast.acme, row)
    assert answer.headers["Location"] == (
        f"/dashboard/{cast.acme.slug}/sso/{row.public_id}?attempt={kept.public_id}"
    )
    assert (kept.is_test, kept.failed, kept.claims["role"]) == (True, "", "boss")
    with scope.tenant(cast.acme.id):
        assert Connection.objects.get(id=row.id).tested_at is not None
        assert not selectors.identities(connection=row).exists()
