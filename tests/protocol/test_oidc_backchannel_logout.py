"""OpenID Connect Back-Channel Logout 1.0: SES-08, ANC-07."""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from core import jose, livecache, scope
from events import selectors as events
from oauth import backchannel, expiry
from oauth.models import LogoutDelivery
from organizations import services as organizations
from tenants import members, sessions
from tenants.models import Tenant, TenantSession
from tenants.tokens import LOGOUT_EVENT
from tests.factories import Browser, access_token, make_member, make_organization, make_principal
from tests.oauth import fake_bridge
from tests.oauth.helpers import bearer_get, claims, flow, register
from tests.webhooks.receiver import receiving


@pytest.fixture
def receiver():
    with receiving() as got:
        yield got


@pytest.fixture
def run(cast, receiver):
    return flow(make_member(cast.acme), backchannel_logout_uri=receiver.url)


def session_of(run) -> TenantSession:
    known = fake_bridge.signed[run.browser.cookies["fake"].value]
    with scope.tenant(run.tenant.id):
        return TenantSession.objects.select_related("member").get(id=known.session.id)


def end(run, reason="signed_out") -> None:
    with scope.tenant(run.tenant.id):
        sessions.end_session(session_of(run), reason)


def rows(tenant, **which) -> list[LogoutDelivery]:
    with scope.tenant(tenant.id):
        return list(LogoutDelivery.objects.filter(**which).order_by("id"))


def make_due(tenant) -> None:
    with scope.tenant(tenant.id):
        LogoutDelivery.objects.filter(status="pending").update(due_at=timezone.now())


def logout_tokens(receiver) -> list[str]:
    return [parse_qs(one.body.decode())["logout_token"][0] for one in receiver.received]


def sign_out_of(run, id_token):
    return run.browser.get(f"/t/{run.tenant.slug}/oauth/end-session", {"id_token_hint": id_token})


def test_discovery_says_that_it_is_supported_with_sessions(cast):
    """§2.1; suite: oidcc-backchannel-logout-discovery-endpoint-verification."""
    metadata = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True


def test_rp_initiated_logout_tells_the_application(run, receiver):
    """§2.4 to 2.6; suite: oidcc-backchannel-rp-initiated-logout."""
    id_token = run.tokens()["id_token"]
    known = claims(id_token)
    sign_out_of(run, id_token)
    assert backchannel.deliver_due() == 1
    [got] = receiver.received
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    assert list(parse_qs(got.body.decode())) == ["logout_token"]
    [token] = logout_tokens(receiver)
    assert jose.unverified_header(token)["typ"] == "logout+jwt"
    jwks = Browser().get(f"/t/{run.tenant.slug}/.well-known/jwks.json").json()["keys"]
    told = jose.verify(token, [jose.verifying_key(jwk, jwk["alg"]) for jwk in jwks], typ="logout+jwt")
    assert told["events"] == {LOGOUT_EVENT: {}}
    assert (told["iss"], told["aud"]) == (run.tenant.issuer, run.app.application.client_id)
    assert (told["sub"], told["sid"]) == (known["sub"], known["sid"])
    assert told["jti"]
    assert "nonce" not in told
    assert abs(told["iat"] - time.time()) < 10
    assert 0 < told["exp"] - told["iat"] <= 120
    [row] = rows(run.tenant, application_id=run.app.application.id)
    assert (row.status, row.attempts, row.last_status) == ("delivered", 1, 200)


def test_logout_token_is_no_other_kind_of_token(run, receiver):
    """§2.4: it must not pass as an ID token or an access token (threat T2)."""
    id_token = run.tokens()["id_token"]
    end(run)
    backchannel.deliver_due()
    [token] = logout_tokens(receiver)
    assert bearer_get(run.tenant, "/oauth/userinfo", token).status_code in (401, 403)
    assert bearer_get(run.tenant, "/v1/me", token).status_code in (401, 403)
    again = flow(make_member(run.tenant), app=run.app)
    assert sign_out_of(again, token).status_code == 200  # asks
    assert id_token != token


def test_logout_tokens_are_signed_as_the_clients_id_tokens(cast, receiver):
    """§2.6."""
    run = flow(
        make_member(cast.acme), backchannel_logout_uri=receiver.url, id_token_signed_response_alg="RS256"
    )
    run.tokens()
    end(run)
    backchannel.deliver_due()
    [token] = logout_tokens(receiver)
    assert jose.unverified_header(token)["alg"] == "RS256"


ENDS = {
    "suspension": lambda actor, session: members.suspend_member(actor=actor, member=session.member),
    "force logout": lambda actor, session: members.force_logout(actor=actor, member=session.member),
    "removal": lambda actor, session: members.remove_member(actor=actor, member=session.member),
    "recovery": lambda actor, session: sessions.end_session(session, "recovery"),
    "portal": lambda actor, session: sessions.end_session(session, "revoked_by_person"),
}


@pytest.mark.parametrize("way", ENDS)
def test_ANC07_however_a_session_ends_the_application_is_told(run, receiver, way):
    known = claims(run.tokens()["id_token"])
    session = session_of(run)
    with scope.tenant(run.tenant.id):
        ENDS[way](make_principal(run.tenant), session)
    backchannel.deliver_due()
    [token] = logout_tokens(receiver)
    assert claims(token)["sid"] == known["sid"]


def test_ANC07_leaving_the_active_organization_tells_the_application(cast, receiver):
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    run = flow(person, backchannel_logout_uri=receiver.url)
    browser = Browser()
    fake_bridge.enter(browser, person, organization=organization)
    run.browser = browser
    run.tokens()
    with scope.tenant(cast.acme.id):
        membership = organizations_membership(organization, person)
        organizations.remove_member(actor=make_principal(cast.acme), membership=membership)
    backchannel.deliver_due()
    assert len(receiver.received) == 1


def organizations_membership(organization, person):
    from organizations import selectors

    return selectors.membership(organization, person.subject)


def test_only_applications_that_took_part_are_told(run, receiver, cast):
    register(cast.acme, backchannel_logout_uri=receiver.url)
    run.tokens()
    other = flow(make_member(cast.acme), app=run.app)
    other.tokens()
    end(run)
    backchannel.deliver_due()
    [token] = logout_tokens(receiver)
    assert claims(token)["aud"] == run.app.application.client_id
    assert claims(token)["sid"] == session_of(run).public_id


def test_every_application_of_the_session_is_told_with_its_own_token(run, receiver):
    run.tokens()
    second = flow_in(run, register(run.tenant, backchannel_logout_uri=receiver.url))
    silent = flow_in(run, register(run.tenant))
    second.tokens()
    silent.tokens()
    end(run)
    backchannel.deliver_due()
    audiences = {claims(token)["aud"] for token in logout_tokens(receiver)}
    assert audiences == {run.app.application.client_id, second.app.application.client_id}


def flow_in(run, app):
    """Another application in the same browser."""
    from tests.oauth.helpers import Flow

    return Flow(run.tenant, app, run.browser)


def test_A1_another_tenants_session_tells_nobody_here(run, receiver, cast):
    run.tokens()
    elsewhere = flow(cast.other_member, backchannel_logout_uri=receiver.url + "/globex")
    elsewhere.tokens()
    end(elsewhere)
    backchannel.deliver_due()
    [token] = logout_tokens(receiver)
    assert claims(token)["iss"] == cast.globex.issuer
    assert rows(cast.acme, session_id=session_of(run).id) == []


def test_ending_an_ended_session_tells_once(run, receiver):
    run.tokens()
    end(run)
    end(run)
    backchannel.deliver_due()
    backchannel.deliver_due()
    assert len(receiver.received) == 1


def test_R3_a_failed_delivery_is_tried_again_with_a_fresh_token(run, receiver):
    receiver.answer = lambda got: (503 if len(receiver.received) == 1 else 204, {})
    run.tokens()
    end(run)
    assert backchannel.deliver_due() == 1
    [row] = rows(run.tenant, application_id=run.app.application.id)
    assert (row.status, row.attempts, row.last_status) == ("pending", 1, 503)
    assert timedelta(0) < row.due_at - timezone.now() <= timedelta(seconds=5)
    assert backchannel.deliver_due() == 0
    make_due(run.tenant)
    assert backchannel.deliver_due() == 1
    [row] = rows(run.tenant, application_id=run.app.application.id)
    assert (row.status, row.attempts, row.last_status) == ("delivered", 2, 204)
    first, second = logout_tokens(receiver)
    assert claims(first)["jti"] != claims(second)["jti"]


def test_R3_it_gives_up_after_the_published_attempts(run, receiver):
    receiver.answer = lambda got: (400, {})
    run.tokens()
    end(run)
    for _ in range(len(backchannel.RETRIES) + 3):
        make_due(run.tenant)
        backchannel.deliver_due()
    [row] = rows(run.tenant, application_id=run.app.application.id)
    assert (row.status, row.attempts) == ("failed", len(backchannel.RETRIES) + 1)
    assert len(receiver.received) == len(backchannel.RETRIES) + 1


def test_R7_a_lost_worker_loses_nothing(run, receiver):
    run.tokens()
    end(run)
    [taken] = backchannel._lease(10)
    assert backchannel.deliver_due() == 0
    make_due(run.tenant)
    assert backchannel.deliver_due() == 1
    backchannel._record([backchannel.Result(taken, status=500)])  # the lost one comes back too late
    [row] = rows(run.tenant, application_id=run.app.application.id)
    assert (row.status, row.attempts, row.last_status) == ("delivered", 1, 200)


def test_R18_a_slow_application_does_not_delay_another(cast):
    def slow(got):
        time.sleep(3)
        return 200, {}

    with receiving(slow) as sleeper, receiving() as quick:
        late = flow(make_member(cast.acme), backchannel_logout_uri=sleeper.url)
        soon = flow(make_member(cast.acme), backchannel_logout_uri=quick.url)
        for run in (late, soon):
            run.tokens()
            end(run)
        started = time.time()
        backchannel.deliver_due()
        [got] = quick.received
        assert got.at - started < 2.5


def test_W1_an_address_that_is_not_public_is_never_called(cast):
    with receiving(allowed=False) as receiver:
        app = register(cast.acme)
        with scope.tenant(cast.acme.id):  # as if it had been allowed when it was registered
            app.application.backchannel_logout_uri = receiver.url
            app.application.save()
        run = flow(make_member(cast.acme), app=app)
        run.tokens()
        end(run)
        backchannel.deliver_due()
        assert receiver.received == []
    [row] = rows(cast.acme, application_id=app.application.id)
    assert (row.status, row.last_error, row.last_status) == ("pending", "address_unusable", None)


@pytest.mark.parametrize(
    "address",
    [
        "http://app.example/out",
        "https://10.0.0.1/out",
        "https://localhost/out",
        "https://app.example/#x",
        "x",
    ],
)
def test_W1_an_address_that_we_may_not_call_is_refused(cast, address):
    answer = api(cast, "POST", "/applications", {**BODY, "backchannel_logout_uri": address})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/backchannel_logout_uri"


BODY = {"name": "An App", "type": "web", "redirect_uris": ["https://app.example/callback"]}


def api(cast, method, path, body=None):
    token = access_token(make_member(cast.acme, roles=["owner"]))
    return Browser().api(method, f"/t/{cast.acme.slug}/v1{path}", token, body)


def test_the_address_is_a_setting_of_the_application(cast):
    address = "https://app.example/backchannel"
    made = api(
        cast,
        "POST",
        "/applications",
        {**BODY, "backchannel_logout_uri": address, "backchannel_logout_session_required": True},
    ).json()
    assert (made["backchannel_logout_uri"], made["backchannel_logout_session_required"]) == (address, True)
    cleared = api(cast, "PATCH", f"/applications/{made['id']}", {"backchannel_logout_uri": ""}).json()
    assert cleared["backchannel_logout_uri"] == ""
    refused = api(
        cast,
        "POST",
        "/applications",
        {"name": "M", "type": "machine", "backchannel_logout_uri": address},
    )
    assert refused.status_code == 400


def test_an_address_that_was_taken_away_gets_nothing_more(run, receiver):
    run.tokens()
    end(run)
    with scope.tenant(run.tenant.id):
        run.app.application.backchannel_logout_uri = ""
        run.app.application.save()
    backchannel.deliver_due()
    assert receiver.received == []
    [row] = rows(run.tenant, application_id=run.app.application.id)
    assert row.last_error == "no_address"


@pytest.mark.parametrize("limit", ["absolute", "idle"])
def test_R20_a_session_that_ran_out_is_noticed(run, receiver, limit):
    run.tokens()
    session = session_of(run)
    past = timezone.now() - timedelta(hours=2)
    changes = {"expires_at": past} if limit == "absolute" else {"last_active_at": past}
    with scope.tenant(run.tenant.id):
        TenantSession.objects.filter(id=session.id).update(**changes)
    assert expiry.end_what_ran_out() >= 1
    assert session_of(run).end_reason == {"absolute": "expired", "idle": "idle"}[limit]
    backchannel.deliver_due()
    assert claims(logout_tokens(receiver)[-1])["sid"] == session.public_id


def test_an_organizations_own_idle_limit_counts(cast, receiver):
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        organization.policy = {"session_idle": 7 * 3600}
        organization.save()
    browser = Browser()
    fake_bridge.enter(browser, person, organization=organization)
    run = flow(person, backchannel_logout_uri=receiver.url)
    run.browser = browser
    run.tokens()
    session = session_of(run)
    with scope.tenant(cast.acme.id):
        TenantSession.objects.filter(id=session.id).update(last_active_at=timezone.now() - timedelta(hours=2))
    expiry.end_what_ran_out()
    assert session_of(run).ended_at is None


def test_a_session_that_ran_out_is_told_where_no_application_listens_too(cast):
    run = flow(cast.other_member)
    run.tokens()
    session = session_of(run)
    with scope.tenant(cast.globex.id):
        assert Tenant.objects.filter(id=cast.globex.id).exists()
        from oauth.models import Application

        Application.objects.update(backchannel_logout_uri="")
        TenantSession.objects.filter(id=session.id).update(expires_at=timezone.now() - timedelta(hours=1))
    livecache.forget("session", session.public_id)
    expiry.end_what_ran_out()
    assert session_of(run).end_reason == "expired"
    with scope.tenant(cast.globex.id):
        [told] = events.described(events.stream().filter(type="session.expired"))
    assert events.envelope(told)["data"]["object"]["id"] == session.public_id
