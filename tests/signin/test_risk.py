"""ANC-23: a new device, a place too far away and a leaked password each notify, step up or block."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from core import scope
from events.models import Event
from identity.browser import cookie_name
from identity.models import IdentitySession, KnownDevice
from tenants.models import TenantSession
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, Person, access_token, make_account, make_cast, make_member
from tests.factories.browser import path_of
from tests.factories.factors import MFA, PASSWORD, add_passkey, add_totp, code_of, use_passkey
from tests.factories.hosted import (
    NEW_PASSWORD,
    code_in,
    elsewhere,
    leads_on,
    link_in,
    mails_to,
    prefix,
    sign_in,
    sign_up,
)
from tests.factories.people import PASSWORD as FACTORY_PASSWORD
from tests.factories.policies import change_policy

LEAKED = "password123456"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def known(cast: Cast, person: Person) -> Browser:
    """A browser in which the person signed in before, in no session now."""
    browser = elsewhere()
    assert browser.follow(sign_in(browser, cast.acme, person.email)).status_code in (200, 302, 303)
    del browser.cookies["session"]
    return browser


def sessions(person: Person) -> list[IdentitySession]:
    with scope.account(person.account_id):
        return list(IdentitySession.objects.filter(ended_at=None).order_by("-id"))


def signals(tenant: TenantRef, person: Person) -> list[tuple[str, str]]:
    with scope.tenant(tenant.id):
        rows = Event.objects.filter(type="risk.elevated", actor_id=person.subject).order_by("id")
        return [(row.data["object"]["reason"], row.data["object"]["action"]) for row in described(rows)]


def described(rows: Any) -> Any:
    from events import selectors

    for row in selectors.described(rows):
        row.data = selectors.envelope(row)["data"]
        yield row


def subjects(person: Person) -> list[str]:
    return [mail["subject"] for mail in mails_to(person.email)]


def test_the_first_device_of_an_account_is_no_news(cast: Cast) -> None:
    known(cast, cast.member)
    assert signals(cast.acme, cast.member) == []
    assert subjects(cast.member) == []


def test_a_new_device_is_let_in_and_the_person_is_told_once(cast: Cast) -> None:
    old, new = known(cast, cast.member), elsewhere()
    assert sign_in(new, cast.acme, cast.member.email).status_code == 303
    mail = mails_to(cast.member.email)[0]
    assert mail["subject"] == "A new sign-in to your account"
    assert "/account/activity" in mail["text"]
    assert new.defaults["REMOTE_ADDR"] in mail["text"]
    assert signals(cast.acme, cast.member) == [("new_device", "notify")]
    for browser in (old, new):
        browser.cookies.pop("session", None)
        assert sign_in(browser, cast.acme, cast.member.email).status_code == 303
    assert len(mails_to(cast.member.email)) == 1


def test_a_new_device_is_in_the_persons_own_record_and_in_nobody_elses(cast: Cast) -> None:
    known(cast, cast.member)
    sign_in(elsewhere(), cast.acme, cast.member.email)
    with scope.account(cast.member.account_id):
        assert Event.objects.filter(type="risk.elevated").count() == 1
        assert KnownDevice.objects.count() == 2
    for account_id in (cast.stranger.account_id, cast.other_member.account_id):
        with scope.account(account_id):
            assert not KnownDevice.objects.exists()
            assert not Event.objects.filter(type="risk.elevated").exists()
    with scope.tenant(cast.globex.id):
        assert not Event.objects.filter(type="risk.elevated").exists()
    with scope.tenant(cast.acme.id):
        assert not KnownDevice.objects.exists()


def test_switched_off_nothing_is_told(cast: Cast) -> None:
    change_policy(cast.acme, risk_new_device="off")
    known(cast, cast.member)
    sign_in(elsewhere(), cast.acme, cast.member.email)
    assert (signals(cast.acme, cast.member), subjects(cast.member)) == ([], [])


def stepped_up(cast: Cast) -> tuple[Browser, Any]:
    change_policy(cast.acme, risk_new_device="step_up")
    known(cast, cast.member)
    browser = elsewhere()
    return browser, browser.follow(sign_in(browser, cast.acme, cast.member.email))


def test_a_step_up_asks_for_the_second_factor_even_in_a_trusted_browser(cast: Cast) -> None:
    key = add_totp(cast.member)
    change_policy(cast.acme, risk_new_device="step_up")
    first = elsewhere()
    page = first.follow(sign_in(first, cast.acme, cast.member.email))
    first.follow(first.submit(page, {"code": code_of(key), "trust": "on"}))
    del first.cookies["session"]
    assert "continue" in sign_in(first, cast.acme, cast.member.email).headers["Location"]  # trusted and known
    with scope.account(cast.member.account_id):
        KnownDevice.objects.update(checked_at=None)
    del first.cookies["session"]
    assert "second-factor" in sign_in(first, cast.acme, cast.member.email).headers["Location"]


def test_a_step_up_without_a_second_factor_asks_for_a_mailed_code(cast: Cast) -> None:
    browser, page = stepped_up(cast)
    assert "/sign-in/confirm" in page.requested_path
    assert len(sessions(cast.member)) == 1  # that of the known device
    assert browser.submit(page, {"code": "000000"}).status_code == 400
    code = code_in(mails_to(cast.member.email)[0])
    assert browser.follow(browser.submit(page, {"code": code})).status_code in (200, 302)
    with scope.tenant(cast.acme.id):
        row = TenantSession.objects.filter(member=cast.member.member).latest("id")
    assert (row.acr, row.amr) == (PASSWORD, ["pwd"])  # M6: never a second factor
    assert sessions(cast.member)[0].risk == []
    del browser.cookies["session"]
    assert "continue" in sign_in(browser, cast.acme, cast.member.email).headers["Location"]


def test_M6_the_mailed_code_satisfies_no_demand_for_a_second_factor(cast: Cast) -> None:
    change_policy(cast.acme, risk_new_device="step_up", member_factor="second_factor")
    other = cast.member
    with scope.account(other.account_id):
        KnownDevice.objects.create(account_id=other.account_id, digest="x", seen_at="2026-01-01T00:00:00Z")
    browser = elsewhere()
    page = browser.follow(sign_in(browser, cast.acme, other.email))
    answer = browser.submit(page, {"code": code_in(mails_to(other.email)[0])})
    assert "/sign-in/enrol" in browser.follow(answer).requested_path


def test_M1_a_mailed_code_is_compared_at_most_five_times(cast: Cast) -> None:
    browser, page = stepped_up(cast)
    code = code_in(mails_to(cast.member.email)[0])
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    statuses = [browser.submit(page, {"code": wrong}).status_code for _ in range(5)]
    assert statuses == [400] * 5
    assert browser.submit(page, {"code": code}).status_code in (410, 429)


def test_a_mailed_code_works_in_its_own_browser_and_once(cast: Cast) -> None:
    browser, page = stepped_up(cast)
    code = code_in(mails_to(cast.member.email)[0])
    thief = elsewhere()
    assert thief.get(page.requested_path + "?" + page.request["QUERY_STRING"]).status_code == 403
    assert browser.submit(page, {"code": code}).status_code == 303
    assert leads_on(browser.submit(page, {"code": code}))
    del browser.cookies[cookie_name()]
    assert browser.submit(page, {"code": code}).status_code == 410


def test_M6_a_code_sent_anew_kills_the_older_one_and_keeps_the_count(cast: Cast) -> None:
    browser, page = stepped_up(cast)
    old = code_in(mails_to(cast.member.email)[0])
    again = browser.follow(browser.submit(page, {"resend": "1"}))
    assert "A new mail is on its way" in again.content.decode()
    new = code_in(mails_to(cast.member.email)[0])
    if new != old:
        assert browser.submit(again, {"code": old}).status_code == 400
    assert browser.submit(again, {"code": new}).status_code == 303


def test_a_passkey_is_step_up_enough(cast: Cast) -> None:
    device = add_passkey(cast.member)
    change_policy(cast.acme, risk_new_device="step_up")
    known_browser = elsewhere()
    page = known_browser.get(f"{prefix(cast.acme)}/sign-in")
    use_passkey(known_browser, page, device)
    browser = elsewhere()
    answer = use_passkey(browser, browser.get(f"{prefix(cast.acme)}/sign-in"), device)
    assert "continue" in answer.headers["Location"]
    assert signals(cast.acme, cast.member) == [("new_device", "step_up")]


def test_L2_a_blocked_sign_in_answers_as_a_wrong_password_does(cast: Cast) -> None:
    from tests.signin.test_sign_up import masked

    change_policy(cast.acme, risk_new_device="block")
    old = known(cast, cast.member)
    email = cast.member.email
    right = sign_in(elsewhere(), cast.acme, email)
    wrong = sign_in(elsewhere(), cast.acme, email, "a wrong guess of somebody")
    assert right.status_code == wrong.status_code == 400
    assert masked(right, email) == masked(wrong, email)
    assert subjects(cast.member) == ["A sign-in to your account was stopped"]
    assert signals(cast.acme, cast.member) == [("new_device", "block")]
    assert sign_in(old, cast.acme, email).status_code == 303


def test_a_blocked_person_gets_in_after_choosing_a_new_password(cast: Cast) -> None:
    change_policy(cast.acme, risk_new_device="block")
    known(cast, cast.member)
    browser, thief = elsewhere(), elsewhere()
    assert sign_in(browser, cast.acme, cast.member.email).status_code == 400
    assert sign_in(thief, cast.acme, cast.member.email).status_code == 400
    stopped = [mail for mail in mails_to(cast.member.email) if "stopped" in mail["subject"]]
    assert len(stopped) == 1  # at most one an hour
    page = browser.get("/recovery")
    browser.submit(page, {"email": cast.member.email})
    chosen = browser.get(path_of(link_in(mails_to(cast.member.email)[0])))
    assert browser.submit(chosen, {"new_password": NEW_PASSWORD}).status_code == 303
    assert sign_in(thief, cast.acme, cast.member.email, NEW_PASSWORD).status_code == 400
    assert sign_in(browser, cast.acme, cast.member.email, NEW_PASSWORD).status_code == 303


def test_L5_after_a_recovery_no_earlier_device_is_known(cast: Cast) -> None:
    early = known(cast, cast.member)
    browser = elsewhere()
    browser.submit(browser.get("/recovery"), {"email": cast.member.email})
    chosen = browser.get(path_of(link_in(mails_to(cast.member.email)[0])))
    browser.submit(chosen, {"new_password": NEW_PASSWORD})
    change_policy(cast.acme, risk_new_device="block")
    assert sign_in(early, cast.acme, cast.member.email, NEW_PASSWORD).status_code == 400
    assert sign_in(browser, cast.acme, cast.member.email, NEW_PASSWORD).status_code == 303


def test_this_was_not_me_forgets_the_devices(cast: Cast) -> None:
    browser = elsewhere()
    browser.follow(sign_in(browser, None, cast.member.email))
    page = browser.get("/account/activity")
    assert browser.submit(page, to=reverse("portal_takeover")).status_code == 303
    with scope.account(cast.member.account_id):
        assert KnownDevice.objects.filter(forgotten_at=None).count() == 0


def test_a_strict_tenant_is_not_entered_by_way_of_a_lax_one(cast: Cast) -> None:
    """Single sign-on counts for as little as the sign-in that it rests on."""
    person = cast.member
    known(cast, person)
    change_policy(cast.acme, risk_new_device="step_up")
    change_policy(cast.globex, risk_new_device="off")
    browser = elsewhere()
    browser.follow(sign_in(browser, cast.globex, person.email))
    assert sessions(person)[0].risk == ["new_device"]
    page = browser.follow(browser.get(f"{prefix(cast.acme)}/sign-in/continue"))
    assert page.requested_path == f"{prefix(cast.acme)}/sign-in"
    page = browser.follow(sign_in(browser, cast.acme, person.email))
    assert "/sign-in/confirm" in page.requested_path
    code = code_in(mails_to(person.email)[0])
    assert "confirm" not in browser.follow(browser.submit(page, {"code": code})).requested_path


def test_a_leaked_password_is_told_and_let_in(cast: Cast) -> None:
    person = make_member_with(cast, LEAKED)
    for _ in range(2):
        assert sign_in(elsewhere(), cast.acme, person.email, LEAKED).status_code == 303
    assert subjects(person).count("Your password is known from leaks") == 1
    assert signals(cast.acme, person)[0] == ("password_breached", "notify")
    with scope.account(person.account_id):
        assert Event.objects.filter(type="user.password.compromised").count() == 2


@pytest.mark.parametrize(("action", "status"), [("off", 303), ("block", 400)])
def test_a_leaked_password_as_the_policy_wants_it(cast: Cast, action: str, status: int) -> None:
    change_policy(cast.acme, risk_password_breached=action)
    person = make_member_with(cast, LEAKED)
    assert sign_in(elsewhere(), cast.acme, person.email, LEAKED).status_code == status
    assert subjects(person) == (["A sign-in to your account was stopped"] if action == "block" else [])


def test_a_leaked_password_steps_up_to_the_second_factor(cast: Cast) -> None:
    change_policy(cast.acme, risk_password_breached="step_up")
    person = make_member_with(cast, LEAKED)
    key, browser = add_totp(person), elsewhere()
    page = browser.follow(sign_in(browser, cast.acme, person.email, LEAKED))
    browser.follow(browser.submit(page, {"code": code_of(key)}))
    with scope.tenant(cast.acme.id):
        assert TenantSession.objects.filter(member=person.member).latest("id").acr == MFA


def make_member_with(cast: Cast, password: str) -> Person:
    from django.contrib.auth.hashers import make_password

    from identity.models import Account

    person = make_member(cast.acme)
    with scope.account(person.account_id):
        Account.objects.filter(id=person.account_id).update(password=make_password(password))
    return person


def test_signing_up_makes_the_device_known(cast: Cast) -> None:
    browser, email = elsewhere(), make_account().email.replace("person", "new")
    page = sign_up(browser, cast.acme, email)
    browser.follow(browser.submit(page, {"code": code_in(mails_to(email)[0])}))
    del browser.cookies["session"]
    change_policy(cast.acme, risk_new_device="block")
    assert sign_in(browser, cast.acme, email, NEW_PASSWORD).status_code == 303
    assert sign_in(elsewhere(), cast.acme, email, NEW_PASSWORD).status_code == 400


def test_AUT17_ANC19_the_trace_names_the_risk_step(cast: Cast) -> None:
    from tests.audit.test_sign_in_trace import admin_of, look

    change_policy(cast.acme, risk_new_device="block")
    known(cast, cast.member)
    refused = sign_in(elsewhere(), cast.acme, cast.member.email)
    assert subjects(cast.member) == ["A sign-in to your account was stopped"]  # told by the same job
    shown = look(admin_of(cast.owner.email), cast.acme.slug, refused.headers["Request-Id"])
    assert "risk.elevated" in shown
    assert "The device was new, and the policy lets no new device in." in shown


def protect(browser: Browser, slug: str, **changes: str) -> Any:
    path = f"/dashboard/{slug}/settings/protection"
    page = browser.get(path)
    assert page.status_code == 200, page.content.decode()[:1000]
    chosen = dict(
        re.findall(r'<select[^>]*name="(\w+)".*?<option value="(\w+)" selected', page.content.decode(), re.S)
    )
    numbers = dict(re.findall(r'<input type="number" name="(\w+)" value="(\d+)"', page.content.decode()))
    return browser.submit(page, {**chosen, **numbers, **changes}, to=path)


def test_an_administrator_decides_on_the_page_with_a_reason(cast: Cast) -> None:
    from tests.audit.test_sign_in_trace import admin_of

    admin = admin_of(cast.owner.email)
    assert protect(admin, cast.acme.slug, risk_new_device="block").status_code == 422
    assert protect(admin, cast.acme.slug, risk_new_device="explode", reason="x").status_code == 422
    assert protect(admin, cast.acme.slug, risk_new_device="block", reason="incident 7").status_code == 303
    with scope.tenant(cast.acme.id):
        change = Event.objects.filter(type="tenant.updated").latest("id")
    assert b'"risk_new_device":"block"' in bytes(change.canonical)
    known(cast, cast.member)
    assert sign_in(elsewhere(), cast.acme, cast.member.email).status_code == 400


def test_those_who_may_not_read_policies_do_not_reach_the_page(cast: Cast) -> None:
    from tests.audit.test_sign_in_trace import admin_of

    for email in (cast.member.email, cast.stranger.email, cast.other_owner.email):
        path = f"/dashboard/{cast.acme.slug}/settings/protection"
        assert admin_of(email).get(path).status_code in (403, 404)


def test_the_api_reads_and_changes_the_signals(cast: Cast) -> None:
    token = access_token(cast.owner, ["policies:read", "policies:write"])
    path = f"/t/{cast.acme.slug}/v1/tenant/policy"
    read = Browser().api("GET", path, token).json()
    assert (read["risk_new_device"], read["risk_impossible_travel"]) == ("notify", "step_up")
    changed = Browser().api("PATCH", path, token, {"risk_new_device": "off"}, If_Match="*")
    assert changed.json()["risk_new_device"] == "off"
    assert Browser().api("PATCH", path, token, {"risk_new_device": "maybe"}, If_Match="*").status_code in (
        400,
        422,
    )


def test_the_dashboard_of_a_strict_tenant_asks_at_its_own_door(cast: Cast) -> None:
    known(cast, cast.owner)
    change_policy(cast.acme, risk_new_device="step_up")
    browser, path = elsewhere(), f"/dashboard/{cast.acme.slug}/members"
    browser.follow(sign_in(browser, None, cast.owner.email))
    asked = browser.get(path)
    assert asked.headers["Location"].startswith(f"{prefix(cast.acme)}/sign-in?next=")
    page = browser.follow(browser.submit(browser.follow(asked), {"email": cast.owner.email}))
    page = browser.follow(browser.submit(page, {"password": FACTORY_PASSWORD}))
    assert "/sign-in/confirm" in page.requested_path
    entered = browser.follow(browser.submit(page, {"code": code_in(mails_to(cast.owner.email)[0])}))
    assert (entered.status_code, entered.requested_path) == (200, path)
