"""APP-06: which organizations and roles may use an application."""

from __future__ import annotations

import pytest
from django.conf import settings

from core import scope
from core.errors import ValidationFailed
from oauth import applications
from roles import selectors as role_selectors
from roles import services as role_services
from roles.models import Role
from tenants import members
from tests.factories import (
    Browser,
    access_token,
    admin_principal,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    unique,
)
from tests.factories.hosted import sign_in
from tests.factories.people import give_role
from tests.oauth import fake_bridge
from tests.oauth.helpers import Flow, flow, query_of, register


@pytest.fixture(scope="module")
def cast():
    return make_cast()


def signed_in(app, person, organization=None) -> Flow:
    browser = Browser()
    fake_bridge.enter(browser, person, organization=organization)
    return Flow(person.tenant, app, browser)


def role_id(tenant, name: str) -> str:
    with scope.tenant(tenant.id):
        return role_selectors.built_in(name).public_id


def change(app, tenant, **changes) -> None:
    with scope.tenant(tenant.id):
        row = applications.application(app.application.id)
        applications.update_application(actor=make_principal(tenant), application=row, changes=changes)


def test_everyone_may_by_default(cast):
    assert flow(make_member(cast.acme)).start().status_code == 200


def test_APP06_people_of_a_listed_organization_may_others_see_a_page(cast):
    person, other = make_member(cast.acme), make_member(cast.acme)
    inside, outside = (make_organization(cast.acme, people=[person, other]) for _ in range(2))
    app = register(cast.acme, assigned_organizations=[inside.public_id])
    assert signed_in(app, person, inside).start().status_code == 200
    for organization in (outside, None):
        answer = signed_in(app, other, organization).start()
        assert answer.status_code == 403
        assert "You cannot use" in answer.content.decode()
        assert "Location" not in answer.headers


def test_APP06_people_with_a_listed_role_may(cast):
    person, other = make_member(cast.acme, roles=["support"]), make_member(cast.acme)
    app = register(cast.acme, assigned_roles=[role_id(cast.acme, "support")])
    assert signed_in(app, person).start().status_code == 200
    assert signed_in(app, other).start().status_code == 403


def test_APP06_both_lists_must_be_met(cast):
    person = make_member(cast.acme)
    here, there = (make_organization(cast.acme, people=[person]) for _ in range(2))
    app = register(
        cast.acme, assigned_organizations=[here.public_id], assigned_roles=[role_id(cast.acme, "support")]
    )
    assert signed_in(app, person, here).start().status_code == 403
    with scope.tenant(cast.acme.id):
        give_role(person.member, "support", here)
        members.bump_authority(person.member.id)
    assert signed_in(app, person, here).start().status_code == 200
    assert signed_in(app, person, there).start().status_code == 403


def test_A6_role_of_the_same_name_within_an_organization_is_another_role(cast):
    """An organization's administrators name their own roles as they like."""
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        actor = admin_principal(cast.acme, cast.owner)
        name = unique("pilots")
        ours = role_services.create_role(actor=actor, name=name, permissions=["members:read"])
        theirs = Role.objects.create(name=name, organization=organization, permissions=["members:read"])
        role_services.assign_role_as_system(member=person.member, role=theirs, organization=organization)
        members.bump_authority(person.member.id)
    app = register(cast.acme, assigned_roles=[ours.public_id])
    assert signed_in(app, person, organization).start().status_code == 403


def test_silent_request_is_access_denied_and_the_button_tells_the_client(cast):
    person = make_member(cast.acme)
    app = register(cast.acme, is_first_party=True, assigned_roles=[role_id(cast.acme, "support")])
    run = signed_in(app, person)
    silent = query_of(run.start(prompt="none").headers["Location"])
    assert (silent["error"], silent["state"], silent["iss"]) == ("access_denied", "st-1", cast.acme.issuer)
    back = run.browser.submit(run.start(), {"decision": "deny"})
    assert query_of(back.headers["Location"])["error"] == "access_denied"
    forged = run.browser.submit(run.start(), {"decision": "allow"})
    assert query_of(forged.headers["Location"])["error"] == "access_denied"


def test_first_party_application_is_no_way_around(cast):
    app = register(cast.acme, is_first_party=True, assigned_roles=[role_id(cast.acme, "support")])
    assert signed_in(app, make_member(cast.acme)).start().status_code == 403


def test_O16_assignment_taken_away_ends_refresh_and_codes(cast):
    person = make_member(cast.acme)
    run = flow(person)
    body, code = run.tokens(), run.code()
    assert run.refresh(body["refresh_token"]).status_code == 200
    body = run.tokens()
    code = run.code()
    change(run.app, cast.acme, assigned_roles=[role_id(cast.acme, "support")])
    assert run.redeem(code).json()["error"] == "invalid_grant"
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"
    change(run.app, cast.acme, assigned_roles=[])
    assert run.start().status_code == 302


def test_person_of_a_listed_organization_at_work_elsewhere_is_shown_the_way(cast, monkeypatch):
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")
    person = make_member(cast.acme)
    inside, outside = (make_organization(cast.acme, people=[person]) for _ in range(2))
    app = register(cast.acme, assigned_organizations=[inside.public_id])
    run = Flow(cast.acme, app, Browser())
    query = "?" + run.start().headers["Location"].partition("?")[2]
    choice = run.browser.follow(sign_in(run.browser, cast.acme, person.email, query=query))
    refused = run.browser.follow(run.browser.submit(choice, {"organization": outside.public_id}))
    assert refused.status_code == 403
    text = refused.content.decode()
    assert "Work in another organization" in text
    back = run.address()
    chooser = run.browser.get(f"/t/{cast.acme.slug}/organization", {"next": back})
    page = run.browser.follow(
        run.browser.submit(
            chooser, {"organization": inside.public_id}, to=chooser.requested_path + f"?next={back}"
        )
    )
    assert page.status_code in (200, 302)


@pytest.mark.parametrize("field", ["assigned_organizations", "assigned_roles"])
def test_unknown_and_foreign_ids_are_refused(cast, field):
    foreign = {
        "assigned_organizations": make_organization(cast.globex).public_id,
        "assigned_roles": role_id(cast.globex, "support"),
    }
    for value in (foreign[field], "nonsense", "org_x", ""):
        with pytest.raises(ValidationFailed):
            register(cast.acme, **{field: [value]})


# --- the doors of administrators --------------------------------------------------------------------------


def test_APP06_by_api(cast):
    organization = make_organization(cast.acme)
    app = register(cast.acme)
    token = access_token(cast.owner)
    path = f"/t/{cast.acme.slug}/v1/applications/{app.application.public_id}"
    body = {"assigned_organizations": [organization.public_id]}
    answer = Browser().api("PATCH", path, token, body)
    assert answer.status_code == 200, answer.content
    assert answer.json()["assigned_organizations"] == [organization.public_id]
    bad = Browser().api("PATCH", path, token, {"assigned_roles": ["role_nobody"]})
    assert bad.status_code == 400
    assert bad.json()["errors"][0]["pointer"] == "/assigned_roles/0"
    assert Browser().api("PATCH", path, access_token(cast.member), body).status_code == 403
    assert Browser().api("PATCH", path, access_token(cast.other_owner), body).status_code in (401, 403, 404)


def dashboard(person) -> Browser:
    browser = Browser()
    browser.follow(sign_in(browser, None, person.email))
    return browser


def test_APP06_by_page(cast):
    organization = make_organization(cast.acme)
    app = register(cast.acme)
    browser = dashboard(cast.owner)
    path = f"/dashboard/{cast.acme.slug}/applications/{app.application.public_id}/assignment"
    page = browser.follow(browser.get(path))
    assert page.status_code == 200
    assert "Every member may use this application now" in page.content.decode()
    wrong = browser.submit(page, {"add": "no-such-organization"}, to=path)
    assert wrong.status_code == 400
    saved = browser.follow(browser.submit(page, {"add": organization.slug}, to=path))
    assert organization.name in saved.content.decode()
    with scope.tenant(cast.acme.id):
        row = applications.application(app.application.id)
        assert row.assigned_organizations == [organization.public_id]
    emptied = browser.follow(browser.submit(saved, {"add": ""}, to=path))
    assert "Every member may use this application now" in emptied.content.decode()


def test_assignment_page_is_for_administrators_of_the_tenant(cast):
    app = register(cast.acme)
    path = f"/dashboard/{cast.acme.slug}/applications/{app.application.public_id}/assignment"
    for person in (cast.member, cast.stranger, cast.other_owner):
        browser = dashboard(person)
        assert browser.follow(browser.get(path)).status_code in (403, 404)
    other = register(cast.globex)
    foreign = f"/dashboard/{cast.acme.slug}/applications/{other.application.public_id}/assignment"
    assert dashboard(cast.owner).get(foreign).status_code == 404


def test_OAU12_administrator_demands_pushed_requests_by_page(cast):
    app = register(cast.acme)
    browser = dashboard(cast.owner)
    path = f"/dashboard/{cast.acme.slug}/applications/{app.application.public_id}"
    page = browser.follow(browser.get(path))
    assert "Take its authorization requests by PAR only" in page.content.decode()
    chosen = {"require_pushed_authorization_requests": "on"}
    assert browser.submit(page, chosen, to=f"{path}/protection").status_code == 303
    run = flow(cast.member, app=app)
    assert query_of(run.start().headers["Location"])["error"] == "invalid_request"
