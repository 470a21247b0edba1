"""RFC 8628, OAuth 2.0 Device Authorization Grant (OAU-11, threats O11, M3, O16)."""

from __future__ import annotations

import html
import re
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from core import context, scope
from events.models import Event
from oauth import applications, clients, device_authorization
from oauth.errors import InvalidGrant
from oauth.models import Consent, DeviceGrant, RefreshToken
from roles.models import Role
from signin import limits
from tenants import members
from tests.factories import Browser, make_cast, make_member, make_principal
from tests.oauth import fake_bridge
from tests.oauth.helpers import bearer_get, claims, form, register, token

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES = ["openid", "profile", "email", "offline_access", "members:read"]


@pytest.fixture(autouse=True)
def _roomy_network(monkeypatch):
    """All these people are at one address."""
    monkeypatch.setattr(limits, "DEVICE_NETWORK", limits.Rule("test_network", 10_000, 60, 10_000))


class Device:
    """A device of one application, and its codes."""

    def __init__(
        self, tenant: Any, app: Any = None, *, scope: str = "openid email members:read", **settings: Any
    ):
        self.tenant = tenant
        settings.setdefault("scopes", SCOPES)
        self.app = app or register(tenant, "device", redirect_uris=[], **settings)
        self.scope = scope

    def ask(self, **changes: Any) -> Any:
        return form(self.tenant, "/oauth/device/code", {"scope": self.scope, **changes}, app=self.app)

    def start(self) -> Device:
        answer = self.ask()
        assert answer.status_code == 200, answer.content
        self.answer = answer.json()
        return self

    def poll(self, *, app: Any = None, **changes: Any) -> Any:
        parameters = {"grant_type": GRANT, "device_code": self.answer["device_code"], **changes}
        return token(self.tenant, parameters, app=app or self.app)

    def error(self, **changes: Any) -> str:
        answer = self.poll(**changes)
        assert answer.status_code == 400, answer.content
        return str(answer.json()["error"])

    def change(self, **columns: Any) -> None:
        digest = device_authorization.secrets.fingerprint(
            self.answer["device_code"], device_authorization.DEVICE_PURPOSE
        )
        with scope.tenant(self.tenant.id):
            assert DeviceGrant.objects.filter(device_code=digest).update(**columns) == 1

    def rest(self) -> Device:
        """Let the interval pass."""
        self.change(polled_at=timezone.now() - timedelta(hours=1))
        return self


class Person:
    """Somebody at the verification page."""

    def __init__(self, person: Any, **options: Any) -> None:
        self.tenant, self.browser = person.tenant, Browser()
        self.signed = fake_bridge.enter(self.browser, person, **options)

    @property
    def page(self) -> str:
        return f"/t/{self.tenant.slug}/oauth/device/verify"

    def type(self, code: str, **extra: Any) -> Any:
        return self.browser.submit(self.browser.get(self.page), {"user_code": code}, **extra)

    def decide(self, confirm: Any, decision: str = "allow", **changes: Any) -> Any:
        return self.browser.submit(confirm, {"decision": decision, **changes})

    def allow(self, device: Device) -> Any:
        answer = self.decide(self.type(device.answer["user_code"]))
        assert answer.status_code == 200, answer.content
        return answer


def text_of(answer: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", answer.content.decode()))


# --- the request (§3.1, §3.2) ----------------------------------------------------------------------------


def test_API02_a_retried_request_gets_the_same_codes(cast):
    """api-conventions §5: honoured when it is sent, and of one client of one tenant only."""
    device = Device(cast.acme)
    parameters = {"scope": device.scope}
    path = "/oauth/device/code"
    first, again = (
        form(cast.acme, path, parameters, app=device.app, Idempotency_Key="tv-1") for _ in range(2)
    )
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Cache-Control"] == "no-store"
    other = form(cast.acme, path, {"scope": "openid"}, app=device.app, Idempotency_Key="tv-1")
    assert (other.status_code, other.json()["error"]) == (422, "invalid_request")
    for stranger in (Device(cast.acme), Device(cast.globex)):
        theirs = form(stranger.tenant, path, parameters, app=stranger.app, Idempotency_Key="tv-1")
        assert theirs.json()["device_code"] != first.json()["device_code"]
    with scope.tenant(cast.acme.id):
        assert DeviceGrant.objects.filter(application_id=device.app.application.id).count() == 1
    device.answer = again.json()
    assert device.poll().json()["error"] == "authorization_pending"


def test_section_3_2_the_answer_has_codes_addresses_and_times(cast):
    answer = Device(cast.acme).ask()
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body.keys() == {
        "device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval",
    }  # fmt: skip
    assert body["verification_uri"] == f"{cast.acme.issuer}/oauth/device/verify"
    assert body["verification_uri_complete"] == f"{body['verification_uri']}?user_code={body['user_code']}"
    assert (body["interval"], body["expires_in"]) == (5, 600)


def test_section_6_1_user_codes_have_34_bits_without_vowels_and_lookalikes(cast):
    codes = [Device(cast.acme).start().answer["user_code"] for _ in range(5)]
    assert all(re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", code) for code in codes)
    assert len(set(codes)) == 5
    assert len(device_authorization.ALPHABET) ** device_authorization.LENGTH > 2**34


def test_discovery_names_the_endpoint_and_the_grant(cast):
    document = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert document["device_authorization_endpoint"] == f"{cast.acme.issuer}/oauth/device/code"
    assert GRANT in document["grant_types_supported"]


def test_T5_both_codes_are_digests_at_rest(cast):
    device = Device(cast.acme).start()
    with scope.tenant(cast.acme.id):
        row = DeviceGrant.objects.latest("id")
    assert device.answer["device_code"] not in str(row.__dict__)
    assert device.answer["user_code"].replace("-", "") not in str(row.__dict__)


def test_a_confidential_device_client_proves_itself(cast):
    device = Device(cast.acme, auth_method="client_secret_basic").start()
    unproven = form(
        cast.acme, "/oauth/device/code", {"client_id": device.app.application.client_id, "scope": "openid"}
    )
    assert (unproven.status_code, unproven.json()["error"]) == (401, "invalid_client")
    bare = token(
        cast.acme,
        {
            "grant_type": GRANT,
            "device_code": device.answer["device_code"],
            "client_id": device.app.application.client_id,
        },
    )
    assert (bare.status_code, bare.json()["error"]) == (401, "invalid_client")
    assert device.error() == "authorization_pending"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "openid webhooks:write"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"scope": ["openid", "email"]}, "invalid_request"),
        ({"scope": "o\x00"}, "invalid_request"),
    ],
)
def test_section_3_1_bad_requests_are_refused(cast, changes, error):
    answer = Device(cast.acme).ask(**changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_client_without_the_grant_is_refused(cast):
    web = register(cast.acme, "web")
    answer = form(cast.acme, "/oauth/device/code", {"scope": "openid"}, app=web)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_another_tenant_does_not_know_the_client(cast):
    app = register(cast.globex, "device", redirect_uris=[], scopes=SCOPES)
    answer = form(cast.acme, "/oauth/device/code", {"scope": "openid"}, app=app)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_O11_what_one_network_starts_is_limited(cast, monkeypatch):
    limit = device_authorization.ratelimit.Limit("device_code", 3, 60)
    monkeypatch.setattr(device_authorization, "STARTS", limit)
    device = Device(cast.acme)
    answers = [device.ask() for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert int(answers[-1].headers["Retry-After"]) > 0


# --- the way through -------------------------------------------------------------------------------------


def test_a_person_allows_and_the_device_gets_tokens(cast):
    person, device = make_member(cast.acme), Device(cast.acme, name="Living room").start()
    assert device.error() == "authorization_pending"
    at_page = Person(person)
    confirm = at_page.type(device.answer["user_code"])
    shown = text_of(confirm)
    for words in (
        "Living room",
        device.answer["user_code"],
        "See your e-mail address",
        person.email,
        "127.0.0.1",
    ):
        assert words in shown
    assert "Only go on if you started this" in shown
    assert "Go back to your device" in text_of(at_page.decide(confirm))
    body = device.rest().poll().json()
    found = claims(body["access_token"])
    assert (found["sub"], found["scope"]) == (person.subject, "openid email members:read")
    assert found["sid"] == at_page.signed.session.public_id
    assert claims(body["id_token"])["email"] == person.email
    assert bearer_get(cast.acme, "/v1/me", body["access_token"]).status_code == 200
    refreshed = token(
        cast.acme, {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}, app=device.app
    )
    assert refreshed.status_code == 200
    with scope.tenant(cast.acme.id):
        assert Consent.objects.get(member=person.member).scopes == ["openid", "email", "members:read"]
        names = set(Event.objects.filter(type__startswith="device_code.").values_list("type", flat=True))
    assert {"device_code.created", "device_code.approved"} <= names


def test_without_openid_there_is_no_id_token(cast):
    person, device = make_member(cast.acme), Device(cast.acme, scope="members:read").start()
    Person(person).allow(device)
    assert "id_token" not in device.poll().json()


def test_a_person_refuses(cast):
    person, device = make_member(cast.acme), Device(cast.acme).start()
    at_page = Person(person)
    answer = at_page.decide(at_page.type(device.answer["user_code"]), "deny")
    assert "The device was refused" in text_of(answer)
    assert device.error() == "access_denied"
    with scope.tenant(cast.acme.id):
        assert Event.objects.filter(type="device_code.denied", actor_id=person.subject).count() == 1
        assert not Consent.objects.filter(member=person.member).exists()


@pytest.mark.parametrize(
    "write", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code[:2]} {code[2:]}. "]
)
def test_section_6_1_the_page_forgives_how_a_code_is_written(cast, write):
    device = Device(cast.acme).start()
    assert "It may then" in text_of(Person(make_member(cast.acme)).type(write(device.answer["user_code"])))


def test_section_3_3_1_the_complete_address_fills_in_the_code_and_decides_nothing(cast):
    device = Device(cast.acme).start()
    at_page = Person(make_member(cast.acme))
    page = at_page.browser.get(f"{at_page.page}?user_code={device.answer['user_code']}")
    assert f'value="{device.answer["user_code"]}"' in page.content.decode()
    assert "Only go on if you started this" in text_of(page)
    assert "It may then" not in text_of(page)
    with scope.tenant(cast.acme.id):
        assert DeviceGrant.objects.latest("id").member_id is None


@pytest.mark.parametrize(
    "hostile", ['"><script>alert(1)</script>', "BCDF-BCD", "AEIO-0123", "ß" * 8, "B" * 5000]
)
def test_what_is_no_code_is_not_shown_back(cast, hostile):
    at_page = Person(make_member(cast.acme))
    page = at_page.browser.get(at_page.page, {"user_code": hostile})
    assert page.status_code == 200
    way_back = r'<input type="hidden" name="back" value="[^"]*">'  # of the switch of languages: the address
    shown = re.sub(way_back, "", page.content.decode())
    assert hostile not in html.unescape(shown)


def test_whoever_is_not_signed_in_signs_in_first_and_comes_back(cast):
    device = Device(cast.acme).start()
    answer = Browser().get(
        f"/t/{cast.acme.slug}/oauth/device/verify?user_code={device.answer['user_code'].lower()}"
    )
    assert answer.status_code == 302
    assert f"device%2Fverify%3Fuser_code%3D{device.answer['user_code']}" in answer.headers["Location"]


def test_own_applications_ask_too_but_store_no_consent(cast):
    """§5.4: on another device the person always confirms."""
    person, device = make_member(cast.acme), Device(cast.acme, is_first_party=True).start()
    Person(person).allow(device)
    assert device.poll().status_code == 200
    with scope.tenant(cast.acme.id):
        assert not Consent.objects.filter(member=person.member).exists()


def test_OAU06_scopes_can_be_left_out_one_by_one(cast):
    person, device = make_member(cast.acme), Device(cast.acme).start()
    at_page = Person(person)
    at_page.decide(at_page.type(device.answer["user_code"]), drop=["email", "openid", "unknown"])
    assert device.poll().json()["scope"] == "openid members:read"
    with scope.tenant(cast.acme.id):
        row = Consent.objects.get(member=person.member)
    assert (row.scopes, row.declined) == (["openid", "members:read"], ["email"])


def test_OAU06_leaving_everything_out_is_a_refusal(cast):
    device = Device(cast.acme, scope="email members:read").start()
    at_page = Person(make_member(cast.acme))
    at_page.decide(at_page.type(device.answer["user_code"]), drop=["email", "members:read"])
    assert device.error() == "access_denied"


def test_OAU06_what_is_allowed_for_thirty_days_or_a_session_ends_then(cast):
    for life in ("days", "session"):
        person = make_member(cast.acme)
        device = Device(cast.acme, scope="openid offline_access members:read").start()
        at_page = Person(person)
        at_page.decide(at_page.type(device.answer["user_code"]), life=life)
        body = device.poll().json()
        with scope.tenant(cast.acme.id):
            link = RefreshToken.objects.get(member=person.member)
        assert ("offline_access" in body["scope"]) is (life == "days")
        assert link.ends_with_session is (life == "session")
        assert link.expires <= timezone.now() + timedelta(days=30)


def test_APP06_an_application_given_to_others_cannot_be_allowed(cast):
    with scope.tenant(cast.acme.id):
        role = Role.objects.get(name="admin", organization=None).public_id
    device = Device(cast.acme).start()
    at_page = Person(make_member(cast.acme))
    confirm = at_page.type(device.answer["user_code"])
    with scope.tenant(cast.acme.id):
        applications.update_application(
            actor=make_principal(cast.acme),
            application=device.app.application,
            changes={"assigned_roles": [role]},
        )
    assert at_page.decide(confirm).status_code == 422
    assert device.error() == "authorization_pending"
    refusal = at_page.type(device.answer["user_code"])
    assert (refusal.status_code, "you are not among them" in text_of(refusal)) == (403, True)


def test_NEW12_an_application_that_nobody_verified_is_marked(cast):
    device = Device(cast.acme).start()
    assert "Not verified" not in text_of(Person(make_member(cast.acme)).type(device.answer["user_code"]))
    with scope.tenant(cast.acme.id):
        application = device.app.application
        application.is_vetted = False
        application.save()
        clients.forget(application)
    other = Device(cast.acme, device.app).start()
    assert "Not verified by" in text_of(Person(make_member(cast.acme)).type(other.answer["user_code"]))


# --- polling (§3.5) --------------------------------------------------------------------------------------


def test_section_3_5_slow_down_adds_five_seconds_and_is_remembered(cast):
    device = Device(cast.acme).start()
    assert [device.error() for _ in range(3)] == ["authorization_pending", "slow_down", "slow_down"]
    with scope.tenant(cast.acme.id):
        assert DeviceGrant.objects.latest("id").interval == 15
    device.change(polled_at=timezone.now() - timedelta(seconds=10))
    assert device.error() == "slow_down"
    device.change(polled_at=timezone.now() - timedelta(seconds=21))
    assert device.error() == "authorization_pending"


def test_section_3_5_a_code_that_ran_out_is_expired_token(cast):
    """Shipped: redeemable after its end."""
    person, device = make_member(cast.acme), Device(cast.acme).start()
    at_page = Person(person)
    confirm = at_page.type(device.answer["user_code"])
    device.change(expires=timezone.now() - timedelta(seconds=1))
    assert device.error() == "expired_token"
    assert "has run out" in text_of(at_page.decide(confirm))
    assert "No device waits" in text_of(at_page.type(device.answer["user_code"]))
    assert device.error() == "expired_token"
    with scope.tenant(cast.acme.id):
        assert (
            Event.objects.filter(type="device_code.expired").latest("id").actor_id
            == device.app.application.client_id
        )


def test_R20_an_approved_code_that_ran_out_is_worth_nothing(cast):
    device = Device(cast.acme).start()
    Person(make_member(cast.acme)).allow(device)
    device.change(expires=timezone.now() - timedelta(seconds=1))
    assert device.error() == "expired_token"


@pytest.mark.parametrize("code", ["", "dc_unknown", "x" * 5000])
def test_a_missing_or_unknown_code_is_a_refusal(cast, code):
    """Shipped: HTTP 500 on a missing code."""
    device = Device(cast.acme).start()
    answer = device.poll(device_code=code)
    expected = "invalid_grant" if code else "invalid_request"
    assert (answer.status_code, answer.json()["error"]) == (400, expected)


# --- O11 -------------------------------------------------------------------------------------------------


def test_O11_a_code_is_redeemed_once(cast):
    """Shipped: redeemable twice."""
    device = Device(cast.acme).start()
    Person(make_member(cast.acme)).allow(device)
    first = device.poll()
    assert first.status_code == 200
    assert device.error() == InvalidGrant.error


def test_O11_fifty_parallel_polls_have_one_winner(cast):
    device = Device(cast.acme).start()
    Person(make_member(cast.acme)).allow(device)
    found: list[int] = []

    def run() -> None:
        try:
            found.append(device.poll().status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(found) == {200: 1, 400: 49}


def test_O11_another_client_cannot_redeem(cast):
    """Shipped: any client can."""
    device = Device(cast.acme).start()
    Person(make_member(cast.acme)).allow(device)
    other = register(cast.acme, "device", redirect_uris=[], scopes=SCOPES)
    assert device.error(app=other) == "invalid_grant"
    assert device.poll().status_code == 200


def test_O11_another_clients_poll_changes_nothing(cast):
    device = Device(cast.acme).start()
    other = register(cast.acme, "device", redirect_uris=[], scopes=SCOPES)
    assert device.error(app=other) == "invalid_grant"
    assert device.error() == "authorization_pending"


def test_O11_another_tenant_can_neither_redeem_nor_allow(cast):
    device = Device(cast.acme).start()
    foreign = Device(cast.globex).start()
    foreign.answer["device_code"] = device.answer["device_code"]
    assert foreign.error() == "invalid_grant"
    assert "No device waits" in text_of(Person(make_member(cast.globex)).type(device.answer["user_code"]))


def test_O11_the_person_who_typed_the_code_is_the_only_one_who_decides(cast):
    device = Device(cast.acme).start()
    person = make_member(cast.acme)
    first, second = Person(person), Person(make_member(cast.acme))
    confirm = first.type(device.answer["user_code"])
    assert "No device waits" in text_of(second.type(device.answer["user_code"]))
    assert "has run out or changed" in text_of(
        second.browser.submit(second.browser.get(second.page), {**_fields(confirm), "decision": "allow"})
    )
    assert device.error() == "authorization_pending"
    assert first.decide(confirm).status_code == 200
    assert claims(device.rest().poll().json()["access_token"])["sub"] == person.subject


def _fields(page: Any) -> dict[str, str]:
    found = dict(re.findall(r'name="(device|ticket)" value="([^"]*)"', page.content.decode()))
    assert found.keys() == {"device", "ticket"}
    return found


@pytest.mark.parametrize(
    "changes", [{"ticket": ""}, {"ticket": "x:y"}, {"device": ""}, {"device": "dvc_" + "0" * 26}]
)
def test_O9_an_answer_that_does_not_fit_what_was_shown_decides_nothing(cast, changes):
    device = Device(cast.acme).start()
    at_page = Person(make_member(cast.acme))
    answer = at_page.decide(at_page.type(device.answer["user_code"]), **changes)
    assert (answer.status_code, "has run out or changed" in text_of(answer)) == (422, True)
    assert device.error() == "authorization_pending"


def test_B1_a_forged_decision_is_refused(cast):
    device = Device(cast.acme).start()
    at_page = Person(make_member(cast.acme))
    confirm = at_page.type(device.answer["user_code"])
    answer = at_page.browser.post(at_page.page, {**_fields(confirm), "decision": "allow"})
    assert answer.status_code == 403
    assert device.error() == "authorization_pending"


def test_O11_a_run_of_guesses_is_stopped(cast):
    device = Device(cast.acme).start()
    at_page = Person(make_member(cast.acme))
    page = at_page.browser.get(at_page.page)
    answers = [at_page.browser.submit(page, {"user_code": "BBBB-BBBB"}) for _ in range(30)]
    tried = [answer for answer in answers if answer.status_code == 422]
    assert len(tried) <= 6
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    late = at_page.browser.submit(page, {"user_code": device.answer["user_code"]})
    assert late.status_code == 429
    assert "It may then" in text_of(Person(make_member(cast.acme)).type(device.answer["user_code"]))


def test_O11_guesses_from_one_network_are_counted_together(cast, monkeypatch):
    monkeypatch.setattr(limits, "DEVICE_NETWORK", limits.Rule("test_network_small", 3, 60, 3))
    answers = [Person(make_member(cast.acme)).type("DDDD-DDDD").status_code for _ in range(5)]
    assert answers == [422, 422, 422, 429, 429]


def test_O11_a_right_code_in_between_gives_no_new_guesses(cast):
    at_page = Person(make_member(cast.acme))
    page = at_page.browser.get(at_page.page)
    answers = []
    for _ in range(6):
        at_page.browser.submit(page, {"user_code": Device(cast.acme).start().answer["user_code"]})
        answers.append(at_page.browser.submit(page, {"user_code": "CCCC-CCCC"}))
    assert answers[-1].status_code == 429


def test_a_decided_code_cannot_be_decided_again(cast):
    device = Device(cast.acme).start()
    at_page = Person(make_member(cast.acme))
    confirm = at_page.type(device.answer["user_code"])
    assert at_page.decide(confirm, "deny").status_code == 200
    assert at_page.decide(confirm, "allow").status_code == 422
    assert device.error() == "access_denied"


# --- M3, O16 ---------------------------------------------------------------------------------------------


def test_M3_the_tokens_carry_the_sign_in_that_was_decided_with(cast):
    past = timezone.now() - timedelta(minutes=7)
    device = Device(cast.acme).start()
    at_page = Person(make_member(cast.acme), auth_time=past)
    at_page.allow(device)
    found = claims(device.poll().json()["id_token"])
    assert found["auth_time"] == int(past.timestamp())
    assert (found["acr"], found["amr"]) == (at_page.signed.acr, list(at_page.signed.amr))


def _suspend(person: Any, device: Device, at_page: Person) -> None:
    members.suspend_member(actor=make_principal(person.tenant), member=person.member)


def _remove(person: Any, device: Device, at_page: Person) -> None:
    members.remove_member(actor=make_principal(person.tenant), member=person.member)


def _force_logout(person: Any, device: Device, at_page: Person) -> None:
    members.force_logout(actor=make_principal(person.tenant), member=person.member)


def _withdraw(person: Any, device: Device, at_page: Person) -> None:
    from core.principal import Actor
    from oauth import consents

    consents.withdraw(actor=Actor("user", person.subject), consent=Consent.objects.get(member=person.member))


def _disable(person: Any, device: Device, at_page: Person) -> None:
    applications.disable_application(actor=make_principal(person.tenant), application=device.app.application)


def _sign_out(person: Any, device: Device, at_page: Person) -> None:
    from tenants import sessions

    sessions.end_session(at_page.signed.session, "signed_out")


END = [_suspend, _remove, _force_logout, _withdraw, _disable, _sign_out]


@pytest.mark.parametrize("end", END, ids=lambda end: end.__name__.strip("_"))
def test_O16_an_allowed_code_ends_with_what_allowed_it(cast, end):
    person, device = make_member(cast.acme), Device(cast.acme).start()
    at_page = Person(person)
    at_page.allow(device)
    with scope.tenant(cast.acme.id):
        end(person, device, at_page)
    assert device.poll().json()["error"] in ("invalid_grant", "invalid_client")


@pytest.mark.parametrize("end", END, ids=lambda end: end.__name__.strip("_"))
def test_O16_the_tokens_of_a_device_end_with_what_allowed_them(cast, end):
    person, device = make_member(cast.acme), Device(cast.acme).start()
    at_page = Person(person)
    at_page.allow(device)
    body = device.poll().json()
    assert bearer_get(cast.acme, "/v1/me", body["access_token"]).status_code == 200
    with scope.tenant(cast.acme.id):
        end(person, device, at_page)
    assert bearer_get(cast.acme, "/v1/me", body["access_token"]).status_code in (401, 403)
    refresh = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    assert token(cast.acme, refresh, app=device.app).json()["error"] in ("invalid_grant", "invalid_client")


def test_O5_a_scope_the_client_lost_meanwhile_is_not_given(cast):
    device = Device(cast.acme).start()
    Person(make_member(cast.acme)).allow(device)
    with scope.tenant(cast.acme.id):
        applications.update_application(
            actor=make_principal(cast.acme),
            application=device.app.application,
            changes={"scopes": ["openid"]},
        )
    assert device.poll().json()["scope"] == "openid"


def test_the_stranger_is_no_member_and_sees_the_sign_in():
    cast = make_cast()
    assert Browser().get(f"/t/{cast.acme.slug}/oauth/device/verify").status_code == 302
    assert context.running() is None
