"""Every hosted page in its states, in English and German, light and dark, narrow and wide: axe and overflow."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from embedded.installation import Installation
from tests.e2e.conftest import SCREENSHOTS, Scene
from tests.e2e.mailbox import Mailbox
from tests.e2e.relying_party import ARRIVED, RelyingParty
from tests.e2e.test_main_doors import NEW_PASSWORD, code_of
from tests.e2e.tourist import Tourist


@pytest.fixture(params=["en-GB", "de-DE"])
def tourist(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Tourist]:
    with Tourist.speaking(chromium, SCREENSHOTS, request.param) as somebody:
        yield somebody
        assert not somebody.problems, "\n".join(somebody.problems)


def test_signing_in_and_up(
    tourist: Tourist, people: Scene, application: RelyingParty, mailbox: Mailbox
) -> None:
    person, email = people.somebody(), f"tour-{secrets.token_hex(4)}@example.com"
    application.send(tourist, people.open)
    tourist.examine("sign-in")
    tourist.enter(email="nobody")
    tourist.examine("sign-in-error")
    tourist.enter(email=person["email"])
    tourist.examine("password")
    tourist.enter(password="a wrong guess")
    tourist.examine("password-error")
    tourist.choose("main a[href*='/recovery']")
    tourist.examine("recovery")
    tourist.enter(email=person["email"])
    tourist.examine("recovery-sent")
    tourist.go(mailbox.link(person["email"]))
    tourist.examine("new-password")
    tourist.enter(new_password="short")
    tourist.examine("new-password-error")
    tourist.enter(new_password=NEW_PASSWORD)
    tourist.examine("sign-in-password-changed")
    tourist.choose("main a[href*='/sign-up']")
    tourist.examine("sign-up")
    tourist.enter(name="", email="nobody", new_password="password")
    tourist.examine("sign-up-error")
    tourist.enter(name="Nora New", email=email, new_password=NEW_PASSWORD)
    tourist.examine("verify")
    tourist.enter(code="000000")
    tourist.examine("verify-error")
    tourist.go(mailbox.link(email))
    tourist.examine("verify-link")


def test_the_other_ways_in(
    tourist: Tourist, chromium: Browser, people: Scene, application: RelyingParty, mailbox: Mailbox
) -> None:
    mailed, phoned, held = people.somebody(), people.somebody("phone"), people.somebody("wallet")
    application.send(tourist, people.open)
    tourist.choose("main a[href*='/sign-in/phone']")
    tourist.examine("phone")
    tourist.enter(phone="12")
    tourist.examine("phone-error")
    tourist.enter(phone=phoned["phone"])
    tourist.examine("phone-code")
    tourist.enter(code="000000")
    tourist.examine("phone-code-error")
    application.send(tourist, people.open)
    tourist.choose("main a[href*='/sign-in/wallet']")
    tourist.examine("wallet")
    tourist.enter(wallet="0x12")
    tourist.examine("wallet-error")
    tourist.enter(wallet=held["wallet"])
    tourist.examine("wallet-message")
    tourist.enter(signature="0x1234")
    tourist.examine("wallet-message-error")
    application.send(tourist, people.open)
    tourist.enter(email=mailed["email"])
    tourist.choose("main button[name=begin]")
    tourist.examine("mail")
    tourist.enter(code="000000")
    tourist.examine("mail-error")
    link = mailbox.link(mailed["email"])
    tourist.go(link)
    tourist.examine("mail-link")
    with Tourist.speaking(chromium, SCREENSHOTS, f"{tourist.language}-XX") as other:
        other.go(link)
        other.examine("mail-elsewhere")


def test_the_second_factor_and_consent(tourist: Tourist, people: Scene, application: RelyingParty) -> None:
    tenant, person = people.open, people.somebody("codes")
    application.send(tourist, tenant)
    tourist.sign_in_as(person)
    tourist.examine("second-factor")
    tourist.enter(code="000000")
    tourist.examine("second-factor-error")
    tourist.choose("main a[href*='method=recovery']")
    tourist.examine("recovery-code")
    tourist.enter(code="wrong-codes")
    tourist.examine("recovery-code-error")
    tourist.enter(code=person["codes"][0])
    tourist.examine("consent")
    tourist.choose("button[value=allow]")
    tourist.heading(ARRIVED)
    application.send(tourist, tenant, prompt="select_account")
    tourist.examine("sign-in-known")
    tourist.go(f"{tenant['issuer']}/oauth/end-session")
    tourist.examine("sign-out")
    tourist.enter()
    tourist.examine("signed-out")
    application.send(tourist, tenant, prompt="login")
    tourist.enter(email=(holder := people.somebody("passkey"))["email"])
    tourist.enter(password=holder["password"])
    tourist.examine("second-factor-passkey")


def test_single_sign_on(tourist: Tourist, people: Scene, application: RelyingParty) -> None:
    tenant = people.open
    person = tenant["signed_in_elsewhere"]["known"].pop()
    tourist.go(f"{tenant['issuer']}/sso/start?connection=sso_nothing")
    tourist.examine("sso-failed")
    application.send(tourist, tenant)
    tourist.enter(email=person["email"])
    tourist.sign_in_as(person)  # at their provider
    tourist.examine("sso-link")
    tourist.choose("main a.button")
    tourist.sign_in_as(person)  # by their own account
    tourist.examine("sso-link-proved")
    tourist.enter()
    tourist.choose("button[value=allow]")
    tourist.heading(ARRIVED)
    tourist.go(f"{tenant['issuer']}/sign-in/continue")
    tourist.examine("sso-done")


def test_enrolment_where_more_is_demanded(tourist: Tourist, people: Scene, application: RelyingParty) -> None:
    person, tenant = people.somebody(strict=True), people.strict
    application.send(tourist, tenant)
    tourist.sign_in_as(person)
    tourist.examine("enrol")
    enrolment = tourist.address
    tourist.choose("main a[href*='/passkey']")
    tourist.examine("enrol-passkey")
    tourist.go(enrolment)
    tourist.choose("main a[href*='/app']")
    tourist.examine("enrol-app")
    tourist.enter(code="000000")
    tourist.examine("enrol-app-error")
    tourist.enter(code=code_of({"totp": tourist.text(".copyable__value").replace(" ", "")}))
    tourist.examine("recovery-codes")


def test_enrolment_behind_single_sign_on(tourist: Tourist, people: Scene, application: RelyingParty) -> None:
    tenant = people.open
    person = tenant["signed_in_elsewhere"]["new"].pop()
    application.send(tourist, tenant, acr_values="urn:claviger:acr:mfa")
    tourist.enter(email=person["email"])
    tourist.sign_in_as(person)  # at their provider
    tourist.examine("sso-enrol")
    enrolment = tourist.address
    tourist.choose("main a[href*='/passkey']")
    tourist.examine("sso-enrol-passkey")
    tourist.go(enrolment)
    tourist.choose("main a[href*='/app']")
    tourist.examine("sso-enrol-app")
    tourist.enter(code="000000")
    tourist.examine("sso-enrol-app-error")
    tourist.enter(code=code_of({"totp": tourist.text(".copyable__value").replace(" ", "")}))
    tourist.examine("sso-recovery-codes")
    tourist.choose("main a.button")
    tourist.choose("button[value=allow]")
    tourist.heading(ARRIVED)


def test_joining_organizations_and_invitations(
    tourist: Tourist, people: Scene, application: RelyingParty, mailbox: Mailbox, installation: Installation
) -> None:
    chooser, gone = people.somebody("chooser"), people.somebody("suspended")
    application.send(tourist, people.open)
    tourist.sign_in_as(chooser)
    tourist.examine("organization")
    tourist.go(installation.demo["tenants"]["acme"]["issuer"] + "/sign-in")
    tourist.examine("join")
    invitation = mailbox.link(people.open["invited"].pop())
    tourist.go(invitation)
    tourist.examine("invitation-other-account")
    tourist.context.clear_cookies()
    tourist.go(invitation)
    tourist.examine("invitation")
    tourist.choose("main a[href*='/sign-up']")
    tourist.enter(name="Ina Invited", new_password=NEW_PASSWORD)
    tourist.examine("invitation-to-accept")
    tourist.choose("button[value=accept]")
    tourist.examine("invitation-accepted")
    tourist.context.clear_cookies()
    application.send(tourist, people.open)
    tourist.sign_in_as(gone)
    tourist.examine("suspended")


def test_where_something_looks_wrong(
    tourist: Tourist, people: Scene, application: RelyingParty, mailbox: Mailbox
) -> None:
    """The browser's work before each form, the mailed code behind a new device, and forms that came to nothing."""
    person = people.wary["people"]["plain"].pop()
    application.send(tourist, people.wary)
    tourist.choose("main a[href*='/sign-up']")
    tourist.examine("sign-up-with-work")
    application.send(tourist, people.wary)
    tourist.enter(email=person["email"])
    tourist.examine("password-with-work")
    tourist.enter(password=person["password"])
    tourist.examine("terms")
    tourist.enter()
    tourist.examine("consent-of-the-wary")
    tourist.context.clear_cookies()  # another device, as far as anybody can tell
    application.send(tourist, people.wary)
    tourist.sign_in_as(person)
    tourist.examine("confirm")
    tourist.enter(code="000000")
    tourist.examine("confirm-error")
    tourist.choose("main button[name=resend]")
    tourist.examine("confirm-sent-again")
    tourist.enter(code=mailbox.code(person["email"]))
    tourist.examine("consent-after-confirming")
    tourist.go(f"{people.wary['issuer']}/recovery")
    tourist.context.clear_cookies()  # as where they are blocked
    tourist.enter(email=person["email"])
    tourist.examine("error-form")
    tourist.choose("main a.button--primary")
    tourist.examine("recovery-with-work")


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_device(tourist: Tourist, people: Scene, decision: str) -> None:
    person, tenant = people.somebody(), people.open
    client = {"client_id": tenant["device_client"], "scope": "openid email"}
    asked = httpx.post(f"{tenant['issuer']}/oauth/device/code", data=client).json()
    tourist.go(asked["verification_uri"])
    tourist.sign_in_as(person)
    if decision == "allow":
        tourist.examine("device")
        tourist.enter(user_code="BBBB-BBBB")
        tourist.examine("device-error")
    tourist.enter(user_code=asked["user_code"])
    if decision == "allow":
        tourist.examine("device-confirm")
    tourist.choose(f"button[value={decision}]")
    tourist.examine(f"device-{decision}")


def test_what_can_go_wrong(tourist: Tourist, people: Scene, installation: Installation) -> None:
    tenant, globex = people.open, installation.demo["tenants"]["globex"]
    wrong = {
        "error-missing": f"{installation.origin}/nothing-here",
        "error-missing-at-a-tenant": f"{tenant['issuer']}/nothing-here",
        "error-no-tenant": f"{installation.origin}/t/nobody-of-this-name/sign-in",
        "error-flow": f"{tenant['issuer']}/sign-in/password?flow=flow_00000000000000000000000000",
        "error-link": f"{tenant['issuer']}/recovery/new-password?flow=flow_0&token=x",
        "error-method": f"{globex['issuer']}/sign-in/phone",
        "error-redirect": f"{tenant['issuer']}/oauth/authorize?response_type=code"
        f"&client_id={tenant['client'][0]}&redirect_uri=https://elsewhere.example/",
        "error-client": f"{tenant['issuer']}/oauth/authorize?response_type=code&client_id=app_unknown",
        "error-invitation": f"{tenant['issuer']}/invitation?token=nothing",
        "error-only-forms": f"{tenant['issuer']}/sign-out",
        "error-dashboard": f"{installation.origin}/dashboard/nobody-of-this-name/",
    }
    for name, address in wrong.items():
        tourist.go(address)
        tourist.examine(name)
