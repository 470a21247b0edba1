"""The second factor after a password, and the passkey that is both (AUT-05, AUT-14)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from core import scope
from identity.models import TotpDevice
from signin import second_factor
from signin.models import AttemptWindow
from tenants.models import TenantSession
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, Person, make_cast
from tests.factories.factors import (
    MFA,
    PASSWORD,
    PHR,
    add_passkey,
    add_recovery_codes,
    add_totp,
    code_of,
    use_passkey,
)
from tests.factories.hosted import sign_in


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def asked(browser: Browser, tenant: TenantRef | None, person: Person, query: str = "") -> Any:
    """Give the right password; returns the page that asks for more."""
    page = browser.follow(sign_in(browser, tenant, person.email, query=query))
    assert page.requested_path.startswith((f"/t/{tenant.slug}" if tenant else "") + "/sign-in/second-factor")
    return page


def session_of(tenant: TenantRef, person: Person) -> TenantSession | None:
    with scope.tenant(tenant.id):
        return TenantSession.objects.filter(member=person.member, ended_at=None).first()


def test_a_code_of_the_app_completes_the_sign_in(cast: Cast) -> None:
    key, browser = add_totp(cast.member), Browser()
    page = asked(browser, cast.acme, cast.member)
    assert session_of(cast.acme, cast.member) is None
    assert browser.follow(browser.submit(page, {"code": code_of(key)})).status_code == 200
    row = session_of(cast.acme, cast.member)
    assert row is not None
    assert (row.acr, row.amr) == (MFA, ["otp", "pwd", "mfa"])


def test_M3_half_a_sign_in_opens_nothing(cast: Cast) -> None:
    add_totp(cast.member)
    browser = Browser()
    asked(browser, cast.acme, cast.member)
    for path in ("/account/", f"/t/{cast.acme.slug}/sign-in/continue", "/account/security"):
        assert "/sign-in" in browser.get(path).headers["Location"]
    assert session_of(cast.acme, cast.member) is None


def test_M2_a_code_that_was_used_is_refused_the_second_time(cast: Cast) -> None:
    key, browser = add_totp(cast.member), Browser()
    code = code_of(key)
    browser.follow(browser.submit(asked(browser, cast.acme, cast.member), {"code": code}))
    other = Browser()
    answer = other.submit(asked(other, cast.acme, cast.member), {"code": code})
    assert answer.status_code == 400
    assert "did not work" in answer.content.decode()


def test_a_recovery_code_works_once(cast: Cast) -> None:
    add_totp(cast.member)
    codes = add_recovery_codes(cast.member)
    for expected in (303, 400):
        browser = Browser()
        page = asked(browser, cast.acme, cast.member)
        form = browser.get(recovery_url(page))
        assert browser.submit(form, {"code": codes[0]}).status_code == expected


def recovery_url(page: Any) -> str:
    import html
    import re

    found = re.search(r'href="([^"]*method=recovery[^"]*)"', page.content.decode())
    assert found
    return html.unescape(found[1])


def test_L7_it_goes_on_in_the_browser_where_it_began_only(cast: Cast) -> None:
    key, browser, thief = add_totp(cast.member), Browser(), Browser()
    page = asked(browser, cast.acme, cast.member)
    foreign = thief.get(f"/t/{cast.acme.slug}/sign-in")
    from tests.factories.browser import hidden_fields

    flow = hidden_fields(page.content.decode())["flow"]
    where = f"/t/{cast.acme.slug}/sign-in/second-factor"
    answer = thief.submit(foreign, {"flow": flow, "code": code_of(key)}, to=where)
    assert answer.status_code == 403
    assert session_of(cast.acme, cast.member) is None


def test_another_tenant_cannot_go_on_with_the_flow(cast: Cast) -> None:
    key, browser = add_totp(cast.member), Browser()
    page = asked(browser, cast.acme, cast.member)
    answer = browser.submit(page, {"code": code_of(key)}, to=f"/t/{cast.globex.slug}/sign-in/second-factor")
    assert answer.status_code == 410


def test_M1_of_a_hundred_parallel_guesses_at_most_five_are_compared(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, browser = add_totp(cast.member), Browser()
    page = asked(browser, cast.acme, cast.member)
    compared = []
    monkeypatch.setattr(TotpDevice, "verify_token", lambda self, token: compared.append(token))

    def guess(number: int) -> int:
        mine = Browser()
        mine.cookies = browser.cookies
        try:
            return int(mine.submit(page, {"code": f"{number:06d}"}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(100)))
    assert 1 <= len(compared) <= 5
    assert set(answers) <= {400, 410, 429}
    monkeypatch.undo()
    assert browser.submit(page, {"code": code_of(key)}).status_code in (410, 429)


def test_M6_a_new_challenge_does_not_reset_the_accounts_count(cast: Cast) -> None:
    add_totp(cast.member)
    statuses = []
    for _ in range(3):
        browser = Browser()
        page = asked(browser, cast.acme, cast.member)
        statuses += [browser.submit(page, {"code": "000000"}).status_code for _ in range(5)]
    assert 429 in statuses
    assert AttemptWindow.objects.exists()


def test_a_passkey_is_the_second_factor_too(cast: Cast) -> None:
    device, browser = add_passkey(cast.member), Browser()
    page = asked(browser, cast.acme, cast.member)
    assert use_passkey(browser, page, device).status_code == 303
    browser.follow(browser.get(f"/t/{cast.acme.slug}/sign-in"))
    row = session_of(cast.acme, cast.member)
    assert row is not None
    assert (row.acr, row.amr) == (PHR, ["hwk", "pwd", "mfa"])


def test_M4_another_persons_passkey_is_refused_there(cast: Cast) -> None:
    add_passkey(cast.member)
    device, browser = add_passkey(cast.owner), Browser()
    page = asked(browser, cast.acme, cast.member)
    assert use_passkey(browser, page, device).status_code == 400


def test_a_passkey_alone_signs_in_without_address_or_password(cast: Cast) -> None:
    device, browser = add_passkey(cast.member, synced=True), Browser()
    page = browser.get(f"/t/{cast.acme.slug}/sign-in")
    assert "webauthn" in page.content.decode()
    assert browser.follow(use_passkey(browser, page, device)).status_code == 200
    row = session_of(cast.acme, cast.member)
    assert row is not None
    assert (row.acr, row.amr) == (PHR, ["swk", "mfa"])


def test_M4_a_refused_passkey_leads_back_with_a_word(cast: Cast) -> None:
    device, browser = add_passkey(cast.member), Browser()
    page = browser.get(f"/t/{cast.acme.slug}/sign-in")
    back = browser.follow(use_passkey(browser, page, device, origin="https://evil.example"))
    assert "passkey did not work" in back.content.decode()
    assert session_of(cast.acme, cast.member) is None


def test_M4_a_challenge_of_one_tenant_is_none_of_another(cast: Cast) -> None:
    device, browser = add_passkey(cast.member), Browser()
    page = browser.get(f"/t/{cast.acme.slug}/sign-in")
    options = browser.post(
        f"/t/{cast.globex.slug}/sign-in/passkey/options",
        {},
        headers={"X-CSRFToken": page.content.decode().split('csrfmiddlewaretoken" value="')[1].split('"')[0]},
    )
    answer = device.get(options.content.decode())
    refused = browser.submit(page, {"credential": answer}, to=f"/t/{cast.acme.slug}/sign-in/passkey")
    assert "passkey_refused" in refused.headers["Location"]


def test_a_stranger_signs_in_with_a_passkey_and_is_a_stranger_still(cast: Cast) -> None:
    from tests.factories.people import make_tenant

    closed = make_tenant(policy={"sign_up": "invite"})
    device, browser = add_passkey(cast.stranger), Browser()
    page = browser.get(f"/t/{closed.slug}/sign-in")
    assert browser.follow(use_passkey(browser, page, device)).status_code == 403


def test_a_person_without_factors_is_not_asked(cast: Cast) -> None:
    browser = Browser()
    assert browser.follow(sign_in(browser, cast.acme, cast.member.email)).status_code == 200
    row = session_of(cast.acme, cast.member)
    assert row is not None
    assert (row.acr, row.amr) == (PASSWORD, ["pwd"])


def test_the_methods_are_closed() -> None:
    assert second_factor.METHODS == ("code", "passkey", "recovery")


# --- trusted browsers -----------------------------------------------------------------------------------


def trusting(cast: Cast, browser: Browser) -> bytes:
    key = add_totp(cast.member)
    browser.follow(
        browser.submit(asked(browser, cast.acme, cast.member), {"code": code_of(key), "trust": "on"})
    )
    sign_out(browser, cast.acme)
    return key


def sign_out(browser: Browser, tenant: TenantRef) -> None:
    page = browser.get(f"/t/{tenant.slug}/signed-out")
    browser.submit(page, {"everywhere": "1"}, to=f"/t/{tenant.slug}/sign-out")
    browser.cookies.pop("session", None)


def test_a_trusted_browser_is_not_asked_again_and_another_is(cast: Cast) -> None:
    browser = Browser()
    trusting(cast, browser)
    assert "/account/" in browser.follow(sign_in(browser, cast.acme, cast.member.email)).requested_path
    asked(Browser(), cast.acme, cast.member)


def test_a_trusted_browser_is_no_answer_to_a_question_of_now(cast: Cast) -> None:
    browser = Browser()
    trusting(cast, browser)
    for query in ("?prompt=login", f"?acr_values={MFA}"):
        asked(browser, cast.acme, cast.member, query)


def test_a_tenant_may_trust_no_browser(cast: Cast) -> None:
    from tests.factories.policies import change_policy

    browser = Browser()
    trusting(cast, browser)
    change_policy(cast.acme, trusted_browser_days=0)
    page = asked(browser, cast.acme, cast.member)
    assert "Do not ask again" not in page.content.decode()


def test_L5_a_new_password_ends_the_trust(cast: Cast) -> None:
    from identity import services

    browser = Browser()
    trusting(cast, browser)
    from django.contrib.auth.hashers import make_password

    with scope.account(cast.member.account_id):
        services.set_password(
            account_id=cast.member.account_id, password_hash=make_password(cast.member.password)
        )
    asked(browser, cast.acme, cast.member)


def test_the_code_is_asked_for_and_not_offered_as_optional(cast: Cast) -> None:
    add_totp(cast.member)
    browser = Browser()
    page = asked(browser, cast.acme, cast.member)
    assert "optional" not in page.content.decode()
    refused = browser.submit(page, {"code": ""})
    assert refused.status_code in (400, 422)
    assert "Type the code." in refused.content.decode()
    assert session_of(cast.acme, cast.member) is None
