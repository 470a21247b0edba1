"""NEW-03: explain this token, explain this denial."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connections
from django.utils import timezone

from apikeys import services as apikeys
from core import jose, scope
from core.check_order import BY_CODE, ORDER
from core.principal import SYSTEM, SubjectType
from oauth import applications, inspector
from oauth.inspector.report import Kind
from organizations.models import Membership
from roles.models import ApiResource
from tenants import keys, members, sessions, tokens
from tenants.models import TenantSession
from tests import logs
from tests.factories import (
    Browser,
    access_token,
    csrf_of,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    principal_of,
)
from tests.factories.hosted import sign_in
from tests.oauth.helpers import claims, flow, register, service_token
from tests.roles.test_check_order import ORDER as TESTED


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture(scope="module")
def admin(cast):
    return access_token(make_member(cast.acme, roles=["admin"]))


def post(cast, admin, token, operation="", tenant=None):
    body = {"token": token, "operation": operation}
    return Browser().api("POST", f"/t/{(tenant or cast.acme).slug}/v1/token-inspections", admin, body)


def look(cast, admin, token, operation=""):
    answer = post(cast, admin, token, operation)
    assert answer.status_code == 200, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def decided(report) -> tuple[str, str]:
    assert report["accepted"] is False
    return report["decided_by"]["check"], report["decided_by"]["code"]


# --- access tokens -----------------------------------------------------------------------------------------


def test_AZ07_the_checks_stand_in_the_one_order(cast, admin):
    person = make_member(cast.acme, roles=["viewer"])
    report = look(cast, admin, access_token(person, ["members:read"]), "GET /v1/members")
    assert report["kind"] == "access_token"
    assert report["accepted"] is True
    assert report["decided_by"] is None
    order = [str(check) for check in ORDER]
    places = [order.index(step["check"]) for step in report["steps"]]
    assert places == sorted(places)
    assert set(places) == set(range(len(order)))
    assert [word for word in order if word in TESTED] == list(TESTED)


def test_the_decision_is_that_of_the_door(cast, admin):
    """What the inspector says of a token, `/v1/members` says too."""
    viewer, nobody = make_member(cast.acme, roles=["viewer"]), make_member(cast.acme)
    suspended, ended = make_member(cast.acme, roles=["viewer"]), make_member(cast.acme, roles=["viewer"])
    made = {
        "good": access_token(viewer, ["members:read"]),
        "no scope": access_token(viewer, ["roles:read"]),
        "no role": access_token(nobody, ["members:read"]),
        "expired": access_token(viewer, ["members:read"], lifetime=-3600),
        "suspended": access_token(suspended, ["members:read"]),
        "ended": access_token(ended, ["members:read"]),
        "id token": flow(viewer).tokens()["id_token"],
    }
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=make_principal(cast.acme), member=suspended.member)
        sessions.end_member_sessions(ended.member, "signed_out")
    for name, token in made.items():
        said = look(cast, admin, token, "GET /v1/members")
        done = Browser().api("GET", f"/t/{cast.acme.slug}/v1/members", token)
        assert said["accepted"] is (done.status_code == 200), name
        if not said["accepted"] and name != "suspended":  # its sessions ended first
            assert said["decided_by"]["code"] == done.json()["code"], name
            assert BY_CODE[said["decided_by"]["code"]] == said["decided_by"]["check"], name
        assert said["accepted"] or said["decided_by"]["fix"], name


def test_it_names_what_would_refuse_next(cast, admin):
    nobody = make_member(cast.acme)
    report = look(cast, admin, access_token(nobody, ["roles:read"]), "members:read")
    assert decided(report) == ("scope", "insufficient_scope")
    failed = [step["check"] for step in report["steps"] if step["verdict"] == "failed"]
    assert failed == ["scope", "role"]
    assert "members:read" in report["decided_by"]["fix"]


def test_O16_each_thing_that_a_token_hangs_on_is_named(cast, admin):
    person = make_member(cast.acme)
    run = flow(person)
    token = run.tokens()["access_token"]
    with scope.tenant(cast.acme.id):
        applications.disable_application(actor=make_principal(cast.acme), application=run.app.application)
        session = TenantSession.objects.select_related("member").get(
            id=TenantSession.read_id(claims(token)["sid"])
        )
        sessions.end_session(session, "force_logout")
    report = look(cast, admin, token)
    assert decided(report) == ("unrevoked", "token_revoked")
    failed = [step["detail"] for step in report["steps"] if step["verdict"] == "failed"]
    assert any("force_logout" in detail for detail in failed)
    assert any("disabled" in detail for detail in failed)


def test_a_revoked_token_and_a_demanded_sign_in(cast, admin):
    run = flow(make_member(cast.acme))
    token = run.tokens()["access_token"]
    from tests.oauth.helpers import form

    form(cast.acme, "/oauth/revoke", {"token": token}, app=run.app)
    report = look(cast, admin, token)
    assert decided(report) == ("unrevoked", "token_revoked")
    assert report["decided_by"]["detail"] == "The token itself was revoked."


def test_audience_subject_type_and_organization(cast, admin):
    person = make_member(cast.acme, roles=["viewer"])
    organization = make_organization(cast.acme, people=[person])
    elsewhere = make_organization(cast.acme)
    inside = access_token(person, ["organizations:read"], organization=organization)
    report = look(cast, admin, inside, f"GET /v1/organizations/{elsewhere.public_id}/members")
    assert decided(report)[0] == "organization"
    with scope.tenant(cast.acme.id):
        Membership.objects.filter(organization=organization).delete()
        members.bump_authority(person.member.id)
    assert decided(look(cast, admin, inside)) == ("organization", "token_revoked")
    machine = register(cast.acme, "machine", grants=["client_credentials"])
    token = service_token(cast.acme, machine)
    assert decided(look(cast, admin, token, "GET /v1/me"))[0] == "subject type"
    assert look(cast, admin, token, "members:read")["accepted"] is True
    other = tokens.mint_access_token(
        cast.acme,
        subject=person.subject,
        subject_type=SubjectType.USER,
        audience="https://elsewhere.example",
        client_id="test",
        scopes=["members:read"],
        lifetime=600,
    ).token
    assert decided(look(cast, admin, other, "members:read")) == ("audience", "token_invalid")


def test_a_token_of_a_rotated_key_still_is_ours(cast, admin):
    token = access_token(make_member(cast.acme))
    with scope.tenant(cast.acme.id):
        keys.rotate_as(SYSTEM)
    assert look(cast, admin, token)["accepted"] is True


# --- other kinds -------------------------------------------------------------------------------------------


def test_T2_an_id_token_is_the_wrong_kind(cast, admin):
    report = look(cast, admin, flow(make_member(cast.acme)).tokens()["id_token"])
    assert report["kind"] == "id_token"
    assert decided(report) == ("token type", "wrong_token_type")


def test_refresh_tokens_used_revoked_and_alive(cast, admin):
    run = flow(make_member(cast.acme))
    first = run.tokens()["refresh_token"]
    alive = look(cast, admin, first)
    assert (alive["kind"], alive["accepted"]) == ("refresh_token", True)
    second = run.refresh(first).json()["refresh_token"]
    spent = look(cast, admin, first)
    assert decided(spent)[0] == "unrevoked"
    assert "was used" in spent["decided_by"]["detail"]
    assert run.refresh(second).status_code == 200, "looking at a used token does not end its family"
    assert decided(look(cast, admin, second, "members:read"))[0] in ("unrevoked", "token type")


def test_an_idle_session_ends_its_refresh_token(cast, admin):
    run = flow(make_member(cast.acme))
    body = run.tokens()
    with scope.tenant(cast.acme.id):
        TenantSession.objects.filter(id=TenantSession.read_id(claims(body["access_token"])["sid"])).update(
            last_active_at=timezone.now() - timedelta(hours=2)
        )
    report = look(cast, admin, body["refresh_token"])
    assert "longer ago than the session may idle" in report["decided_by"]["detail"]
    assert run.refresh(body["refresh_token"]).status_code == 400


def test_a_code_is_not_spent_by_looking(cast, admin):
    run = flow(make_member(cast.acme))
    code = run.code()
    assert (look(cast, admin, code)["kind"], look(cast, admin, code)["accepted"]) == (
        "authorization_code",
        True,
    )
    assert run.redeem(code).status_code == 200
    assert "was used" in look(cast, admin, code)["decided_by"]["detail"]


def issue(tenant, owner, scopes=("members:read",)):
    with scope.tenant(tenant.id):
        resource = ApiResource.objects.get(is_control_plane=True)
        return apikeys.issue_key(actor=principal_of(owner), name="K", scopes=list(scopes), resource=resource)


def test_api_keys_are_explained_and_not_counted_as_used(cast, admin):
    issued = issue(cast.acme, cast.owner)
    report = look(cast, admin, issued.secret, "GET /v1/members")
    assert (report["kind"], report["accepted"]) == ("api_key", True)
    assert decided(look(cast, admin, issued.secret, "GET /v1/roles")) == ("scope", "insufficient_scope")
    with scope.tenant(cast.acme.id):
        issued.key.refresh_from_db()
        assert issued.key.last_used_at is None
        apikeys.revoke_key(actor=principal_of(cast.owner), key=issued.key)
    assert decided(look(cast, admin, issued.secret)) == ("unrevoked", "token_revoked")


# --- requests ----------------------------------------------------------------------------------------------


def test_a_request_id_finds_the_denial_and_its_check(cast, admin):
    viewer = make_member(cast.acme, roles=["viewer"])
    refused = Browser().api(
        "POST", f"/t/{cast.acme.slug}/v1/members", access_token(viewer, ["members:read"]), {"email": "a@b.de"}
    )
    assert refused.status_code == 403
    report = look(cast, admin, refused.headers["Request-Id"])
    assert (report["kind"], decided(report)) == ("request", ("scope", "insufficient_scope"))
    [event] = report["events"]
    assert (event["type"], event["actor"]) == ("access.denied", viewer.subject)


def test_a_request_that_did_something_lists_it(cast, admin):
    done = Browser().api(
        "POST", f"/t/{cast.acme.slug}/v1/organizations", admin, {"name": "Seen", "slug": "seen-by-inspector"}
    )
    assert done.status_code == 201, done.content
    report = look(cast, admin, done.headers["Request-Id"])
    assert [event["type"] for event in report["events"]] == ["organization.created"]
    assert report["decided_by"] is None


def test_A1_requests_of_another_tenant_are_unknown(cast, admin):
    other = access_token(cast.other_owner, ["members:read"])
    refused = Browser().api("POST", f"/t/{cast.globex.slug}/v1/members", other, {"email": "a@b.de"})
    report = look(cast, admin, refused.headers["Request-Id"])
    assert report["events"] == []


# --- secrecy -----------------------------------------------------------------------------------------------


def strangers(cast):
    """What another tenant issued, and what nobody did."""
    foreign = flow(cast.other_member)
    body = foreign.tokens()
    forged = jose.sign(claims(access_token(cast.member)), jose.generate_key("ES256"), "at+jwt")
    return [
        body["access_token"],
        body["id_token"],
        body["refresh_token"],
        foreign.code(),
        issue(cast.globex, cast.other_owner).secret,
        forged,
        "eyJhbGciOiJub25lIn0.e30.",
        "rt_nothing",
        "sk_test_nothing",
        "what is this",
        "Grüße",
    ]


def test_A1_of_another_tenants_token_nothing_is_said(cast, admin):
    answers = [post(cast, admin, token, "members:read").content for token in strangers(cast)]
    assert all(one == other for one, other in pairwise(answers))
    assert b"Not issued by this tenant." in answers[0]
    assert cast.globex.slug.encode() not in answers[0]


def test_U2_what_is_pasted_is_neither_stored_nor_logged(cast, admin):
    run = flow(make_member(cast.acme))
    body = run.tokens()
    pasted = [body["access_token"], body["refresh_token"], run.code(), issue(cast.acme, cast.owner).secret]
    pasted += ["rt_canary-" + "x" * 40, "canary-" + "y" * 40]
    browser = at_work(cast)
    with logs.heard() as heard:
        for token in pasted:
            look(cast, admin, token, "members:read")
            assert token not in paste(browser, cast, token).content.decode()
            assert token not in paste(browser, cast, token, "no such thing").content.decode()
    assert heard.getvalue()
    assert not any(token in heard.getvalue() for token in pasted)
    assert stored_anywhere(pasted) == []


def stored_anywhere(needles: list[str]) -> list[str]:
    """Search every text of every table of this database, as its owner may."""
    found = []
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying', 'jsonb', 'json')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT 1 FROM "{table}" WHERE "{column}"::text LIKE ANY(%s) LIMIT 1',
                [[f"%{needle}%" for needle in needles]],
            )
            if cursor.fetchone():
                found.append(f"{table}.{column}")
    return found


def test_A6_only_who_may_read_the_audit_log_of_the_tenant(cast):
    viewer = access_token(make_member(cast.acme, roles=["viewer"]))
    assert post(cast, viewer, "x").status_code == 403
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    inside = access_token(make_member(cast.acme, roles=["admin"]), ["audit:read"])
    assert post(cast, inside, "x").status_code == 200
    with scope.tenant(cast.acme.id):
        from tests.factories.people import give_role

        give_role(person.member, "admin", organization)
    confined = access_token(person, ["audit:read"], organization=organization)
    assert post(cast, confined, "x").json()["code"] == "org_mismatch"


def test_foreign_administrators_are_refused(cast):
    assert post(cast, access_token(cast.other_owner), "x").status_code == 403


def test_it_is_limited(cast, monkeypatch):
    monkeypatch.setattr(inspector, "RATE", inspector.Limit("token_inspections", 3))
    admin = access_token(make_member(cast.acme, roles=["admin"]))
    codes = [post(cast, admin, f"guess-{number}").status_code for number in range(5)]
    assert codes == [200, 200, 200, 429, 429]


@pytest.mark.parametrize(
    "operation",
    ["nothing:here", "GET /v1/nowhere", "GET /oauth/token", "FETCH /v1/members", "GET /v1/openapi.json"],
)
def test_what_it_cannot_be_tried_against_is_said(cast, admin, operation):
    answer = post(cast, admin, access_token(cast.member), operation)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/operation"


# --- the page ----------------------------------------------------------------------------------------------


def at_work(cast):
    browser = Browser()
    browser.follow(sign_in(browser, None, make_member(cast.acme, roles=["admin"]).email))
    return browser


def paste(browser, cast, token, operation=""):
    address = f"/dashboard/{cast.acme.slug}/token-inspector"
    form = {"csrfmiddlewaretoken": csrf_of(browser.get(address)), "token": token, "operation": operation}
    return browser.post(address, form)


def test_the_page_shows_the_decision(cast):
    browser = at_work(cast)
    token = access_token(make_member(cast.acme), ["members:read"])
    page = paste(browser, cast, token, "members:read").content.decode()
    assert "refused at “Role”" in page
    assert "insufficient_role" in page
    assert 'value="members:read"' in page
    assert "nothing refuses it" in paste(browser, cast, token).content.decode()


def test_the_page_takes_a_request_id_from_its_address(cast, admin):
    done = Browser().api("GET", f"/t/{cast.acme.slug}/v1/members", admin)
    browser = at_work(cast)
    address = f"/dashboard/{cast.acme.slug}/token-inspector"
    page = browser.get(f"{address}?request={done.headers['Request-Id']}")
    assert "Nothing is recorded under this request ID" in page.content.decode()
    ignored = browser.get(f"{address}?request=eyJ.secret.x")
    assert "eyJ.secret.x" not in ignored.content.decode()


def test_the_page_says_what_is_missing(cast):
    answer = paste(at_work(cast), cast, "")
    assert answer.status_code == 422


def test_kinds_and_checks_have_words():
    from oauth.inspector.report import KINDS, LABELS

    assert set(KINDS) == set(Kind)
    assert set(LABELS) == set(ORDER)
