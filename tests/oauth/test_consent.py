"""The consent page: leaving out, for how long, which address, and applications that nobody vetted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core import scope
from core.principal import SYSTEM
from identity.models import EmailAddress
from oauth import applications, clients, consents
from oauth.models import Application, Consent, RefreshToken
from organizations import branding
from tenants import selectors, services, sessions
from tests.factories import Browser, make_cast, make_member, make_principal, unique
from tests.oauth import fake_bridge
from tests.oauth.helpers import Flow, bearer_get, claims, flow, query_of, register

ALL = "openid profile email offline_access members:read"


@pytest.fixture(scope="module")
def cast():
    return make_cast()


def answer(run: Flow, page, decision: str = "allow", **choices):
    """Press a button of the page with these choices made."""
    return run.browser.submit(page, {"decision": decision, **choices})


def tokens_of(run: Flow, response):
    found = query_of(response.headers["Location"])
    assert "code" in found, found
    return run.redeem(found["code"]).json()


def consent_of(run: Flow, person) -> Consent:
    with scope.tenant(run.tenant.id):
        return Consent.objects.get(application_id=run.app.application.id, member_id=person.member.id)


def unvetted(tenant, **settings):
    app = register(tenant, **settings)
    with scope.tenant(tenant.id):
        Application.objects.filter(id=app.application.id).update(is_vetted=False)
        clients.forget(app.application)
    return app


# --- leaving out -------------------------------------------------------------------------------------------


def test_TEN16_O5_what_is_left_out_is_in_no_token(cast):
    run = flow(cast.member)
    body = tokens_of(run, answer(run, run.start(), drop=["email", "members:read"]))
    assert body["scope"] == "openid profile"
    assert claims(body["access_token"])["scope"] == "openid profile"
    assert "email" not in claims(body["id_token"])
    assert "email" not in bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).json()
    assert bearer_get(cast.acme, "/v1/members", body["access_token"]).status_code == 403
    refreshed = run.refresh(body["refresh_token"], scope="openid email")
    assert refreshed.json()["error"] == "invalid_scope"


def test_NEW12_what_was_left_out_is_not_asked_again_until_the_client_insists(cast):
    run = flow(make_member(cast.acme))
    answer(run, run.start(), drop=["email"])
    silent = run.start(prompt="none")
    assert run.redeem(query_of(silent.headers["Location"])["code"]).json()["scope"] == (
        "openid profile members:read"
    )
    page = run.start(prompt="consent")
    assert page.status_code == 200
    assert 'value="email" aria-describedby="asked-3" checked' in page.content.decode()
    assert "email" in tokens_of(run, answer(run, page))["scope"]
    assert "email" in tokens_of(run, run.start())["scope"]


def test_declined_before_and_nothing_else_wanted_is_asked_again(cast):
    person = make_member(cast.acme)
    run = flow(person)
    answer(run, run.start(), drop=["members:read"])
    page = run.start(scope="members:read")
    assert page.status_code == 200
    refused = query_of(answer(run, page, drop=["members:read"]).headers["Location"])
    assert refused["error"] == "access_denied"


def test_required_scopes_cannot_be_left_out(cast):
    run = flow(cast.member, required_scopes=["members:read"])
    page = run.start()
    assert 'value="members:read"' not in page.content.decode()
    body = tokens_of(run, answer(run, page, drop=["openid", "members:read", "profile"]))
    assert body["scope"] == "openid email members:read"


def test_O5_dropping_what_was_not_asked_changes_nothing(cast):
    run = flow(cast.member)
    run.code()
    page = run.start(scope="openid members:read members:write")
    body = tokens_of(run, answer(run, page, drop=["members:read", "nonsense"]))
    assert body["scope"] == "openid members:read members:write"


def test_required_scopes_must_be_scopes_of_the_application(cast):
    from core.errors import ValidationFailed

    with pytest.raises(ValidationFailed):
        register(cast.acme, required_scopes=["audit:read"])


# --- for how long -----------------------------------------------------------------------------------------


def test_NEW12_thirty_days_end_the_consent_and_the_family(cast):
    person = make_member(cast.acme)
    run = flow(person, refresh_lifetime=300 * 86_400)
    body = tokens_of(run, answer(run, run.start(scope=ALL), life="days"))
    row = consent_of(run, person)
    assert row.expires_at is not None
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    with scope.tenant(cast.acme.id):
        family = RefreshToken.objects.get(application_id=run.app.application.id)
        assert family.expires <= row.expires_at
    assert run.start(scope=ALL).status_code == 302
    assert run.refresh(body["refresh_token"]).status_code == 200
    with scope.tenant(cast.acme.id):
        Consent.objects.filter(id=row.id).update(expires_at=timezone.now())
    assert run.start(scope=ALL).status_code == 200


def test_NEW12_until_sign_out_ends_with_the_session(cast):
    person = make_member(cast.acme)
    run = flow(person, refresh_ends_with_session=False)
    body = tokens_of(run, answer(run, run.start(scope=ALL), life="session"))
    assert "offline_access" not in body["scope"]
    assert run.start(scope=ALL).status_code == 302
    known = fake_bridge.signed[run.browser.cookies["fake"].value]
    with scope.tenant(cast.acme.id):
        sessions.end_session(known.session, "signed_out")
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"
    fake_bridge.enter(run.browser, person)
    page = run.start(scope=ALL)
    assert page.status_code == 200
    assert 'data-scope="profile"' in page.content.decode()


def test_without_a_choice_it_stands_until_taken_back(cast):
    person = make_member(cast.acme)
    run = flow(person)
    body = tokens_of(run, answer(run, run.start()))
    row = consent_of(run, person)
    assert row.expires_at is None
    assert row.session_id is None
    with scope.tenant(cast.acme.id):
        consents.withdraw(actor=SYSTEM, consent=row)
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"
    assert run.start().status_code == 200


# --- which address ----------------------------------------------------------------------------------------


def second_address(person) -> str:
    address = f"{unique('second')}@example.org"
    with scope.account(person.account_id):
        EmailAddress.objects.create(account_id=person.account_id, address=address, digest=address)
    return address


def test_TEN16_person_picks_the_address_that_this_tenant_gets(cast):
    person = make_member(cast.acme)
    address = second_address(person)
    run = flow(person)
    page = run.start()
    assert address in page.content.decode()
    body = tokens_of(run, answer(run, page, give_email=address))
    assert claims(body["id_token"])["email"] == address
    with scope.tenant(cast.acme.id):
        assert selectors.member_by_subject(person.subject).email == address


def test_TEN16_O9_address_of_somebody_else_is_not_taken(cast):
    person = make_member(cast.acme)
    second_address(person)
    run = flow(person)
    body = tokens_of(run, answer(run, run.start(), give_email=cast.other_member.email))
    assert claims(body["id_token"])["email"] == person.email


def test_TEN16_a_tenant_gets_no_address_at_all_if_the_person_wants_that(cast):
    person = make_member(cast.acme)
    run = flow(person)
    body = tokens_of(run, answer(run, run.start(), give_email="none"))
    assert "email" not in claims(body["id_token"])
    with scope.tenant(cast.acme.id):
        member = selectors.member_by_subject(person.subject)
        assert (member.email, member.email_verified, member.withholds_email) == ("", False, True)
    page = flow(person).start()
    assert '<option value="none" selected>' in page.content.decode()


def test_without_the_email_scope_no_address_is_offered(cast):
    person = make_member(cast.acme)
    address = second_address(person)
    run = flow(person)
    page = run.start(scope="openid profile")
    assert address not in page.content.decode()
    answer(run, page, give_email=address)
    with scope.tenant(cast.acme.id):
        assert selectors.member_by_subject(person.subject).email == person.email


# --- who asks ---------------------------------------------------------------------------------------------


def test_O9_unvetted_application_is_always_asked_about(cast):
    """RFC 7591 §5: dynamic clients say of themselves what they like."""
    run = flow(cast.member, app=unvetted(cast.acme))
    page = run.start()
    assert "Not verified by" in page.content.decode()
    answer(run, page)
    assert run.start().status_code == 200
    silent = query_of(run.start(prompt="none").headers["Location"])
    assert silent["error"] == "consent_required"
    with scope.tenant(cast.acme.id):
        row = applications.application(run.app.application.id)
        row.is_vetted = True
        row.save()
        clients.forget(row)
    assert run.start().status_code == 302


def test_vetted_application_carries_no_warning(cast):
    assert "Not verified by" not in flow(cast.member).start().content.decode()


def test_NEW12_host_and_since_when_the_tenant_knows_it(cast):
    page = flow(cast.member).start().content.decode()
    assert "app.example" in page
    assert "since" in page


@pytest.mark.parametrize("uri", ["http://127.0.0.1:8000/cb", "com.example.app:/callback"])
def test_NEW12_program_on_this_device_is_named_as_such(cast, uri):
    page = flow(cast.member, "native", redirect_uris=[uri]).start().content.decode()
    assert "a program on this device" in page


def test_terms_and_policy_of_the_application_are_linked_not_fetched(cast):
    app = register(cast.acme, policy_uri="https://app.example/privacy", tos_uri="https://app.example/terms")
    page = flow(cast.member, app=app).start().content.decode()
    assert 'href="https://app.example/privacy" rel="noreferrer noopener"' in page
    assert 'href="https://app.example/terms"' in page


def test_page_names_support_of_the_tenant_and_the_organization(cast):
    from tests.factories import make_organization

    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        changes = {"support_email": "help@acme.example"}
        services.update_tenant(actor=make_principal(cast.acme), tenant=selectors.tenant(), changes=changes)
    browser = Browser()
    fake_bridge.enter(browser, person, organization=organization)
    page = Flow(cast.acme, register(cast.acme), browser).start().content.decode()
    assert "mailto:help@acme.example" in page
    assert organization.name in page


def test_TEN11_page_wears_the_active_organizations_looks_and_names_its_help_desk(cast):
    from tests.factories import make_organization

    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    values = {"brand": "#be123c", "support_url": "https://help.customer.example"}
    with scope.tenant(cast.acme.id):
        branding.publish(actor=make_principal(cast.acme), organization=organization, values=values)
    browser = Browser()
    fake_bridge.enter(browser, person, organization=organization)
    page = Flow(cast.acme, register(cast.acme), browser).start().content.decode()
    assert "--brand:#be123c" in page
    assert 'href="https://help.customer.example"' in page


def test_B1_O9_answer_of_another_site_is_refused(cast):
    """The lawful one goes through, the forged one does not, and nothing is stored."""
    person = make_member(cast.acme)
    run = flow(person)
    page = run.start()
    forged = run.browser.submit(page, {"decision": "allow"}, headers={"Origin": "https://evil.example"})
    assert forged.status_code == 403
    with scope.tenant(cast.acme.id):
        assert not Consent.objects.filter(member_id=person.member.id).exists()
    assert answer(run, page).status_code == 303


def test_O9_stranger_and_other_tenant_cannot_use_the_page(cast):
    run = flow(cast.member)
    page = run.start()
    fake_bridge.enter(run.browser, cast.other_member)
    moved = answer(run, page)
    assert "/sign-in?" in moved.headers["Location"]
    run.browser.cookies.pop("fake")
    assert "/sign-in?" in answer(run, page).headers["Location"]


def test_ui_locales_choose_the_language_of_the_page(cast):
    run = flow(cast.member)
    assert '<html lang="de"' in run.start(ui_locales="xx de-AT en").content.decode()
    assert '<html lang="en"' in run.start(ui_locales="xx").content.decode()
    run.browser.cookies["language"] = "en"
    assert '<html lang="en"' in run.start(ui_locales="de").content.decode()


def test_consent_events_tell_what_was_left_out(cast):
    from events.models import Event

    person = make_member(cast.acme)
    run = flow(person)
    answer(run, run.start(), drop=["email"], life="days")
    with scope.tenant(cast.acme.id):
        stored = list(Event.objects.filter(type="consent.granted").order_by("-id")[:5])
    assert any(b'"declined":["email"]' in bytes(row.canonical) for row in stored)


def test_nobody_with_the_right_to_register_can_grant_for_people(cast):
    """A consent is the person's own: no administrator's call makes one."""
    run = flow(cast.member)
    with scope.tenant(cast.acme.id):
        applications.update_application(
            actor=make_principal(cast.acme), application=run.app.application, changes={"scopes": ["openid"]}
        )
    found = query_of(run.start().headers["Location"])
    assert found["error"] == "invalid_scope"
