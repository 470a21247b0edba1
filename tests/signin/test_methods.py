"""AUT-12: a method that the tenant or the organization has switched off is gone from the page and refused."""

from __future__ import annotations

from typing import Any

import pytest

from core import scope
from identity import methods
from organizations.models import Organization
from signin.interaction import begin
from tenants import services
from tenants.models import Tenant
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, access_token, make_cast, make_member, make_organization
from tests.factories.hosted import code_in, elsewhere, mails_to, prefix, sign_in, sign_up
from tests.factories.people import admin_principal, unique
from tests.signin.test_sign_in import seen, who


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def allow(cast: Cast, *names: str) -> None:
    with scope.tenant(cast.acme.id):
        services.update_policy(
            actor=admin_principal(cast.acme, cast.owner),
            tenant=Tenant.objects.get(id=cast.acme.id),
            changes={"sign_in_methods": list(names)},
        )


def allow_in(tenant: TenantRef, organization: Organization, *names: str) -> None:
    with scope.tenant(tenant.id):
        Organization.objects.filter(id=organization.id).update(policy={"sign_in_methods": list(names)})


def for_organization(tenant: TenantRef, organization: Organization) -> str:
    interaction = begin(next_url="/", organization=organization.id)
    return f"?interaction={interaction.dump(tenant.slug)}"


def password_page(browser: Browser, tenant: TenantRef, email: str) -> Any:
    page = browser.get(f"{prefix(tenant)}/sign-in")
    return browser.follow(browser.submit(page, {"email": email}))


def test_a_password_switched_off_is_gone_and_its_endpoint_refuses(cast: Cast) -> None:
    browser = elsewhere()
    page = password_page(browser, cast.acme, cast.member.email)
    assert b'name="password"' in page.content
    allow(cast, "email_code")
    refused = browser.submit(page, {"password": cast.member.password})
    assert refused.status_code == 403
    assert b"method_disabled" in refused.content
    assert who(browser, cast.acme) is None
    assert b'name="password"' not in password_page(elsewhere(), cast.acme, cast.member.email).content
    other = sign_in(elsewhere(), cast.globex, cast.other_member.email)
    assert other.status_code == 303, "another tenant's switch is its own"


def test_recovery_is_closed_with_the_password(cast: Cast) -> None:
    browser = elsewhere()
    page = browser.get(f"{prefix(cast.acme)}/recovery")
    allow(cast, "email_code")
    assert browser.submit(page, {"email": cast.member.email}).status_code == 403
    assert browser.get(f"{prefix(cast.acme)}/recovery").status_code == 403
    assert mails_to(cast.member.email) == []


@pytest.mark.parametrize("method", [methods.MAGIC_LINK, methods.EMAIL_CODE])
def test_a_mail_carries_only_what_is_allowed_and_the_other_is_refused(cast: Cast, method: str) -> None:
    browser = elsewhere()
    page = password_page(browser, cast.acme, cast.member.email)
    asked = browser.follow(
        browser.submit(page, {"begin": "1"}, to=page.requested_path.replace("password", "mail"))
    )
    mail = mails_to(cast.member.email)[0]
    code, link = code_in(mail), mail["links"][0]
    other = methods.EMAIL_CODE if method == methods.MAGIC_LINK else methods.MAGIC_LINK
    allow(cast, "password", other)
    if method == methods.EMAIL_CODE:
        refused = browser.submit(asked, {"code": code}, to=f"{prefix(cast.acme)}/sign-in/mail")
    else:
        token = link.split("token=")[1]
        refused = browser.submit(asked, {"token": token}, to=f"{prefix(cast.acme)}/sign-in/mail")
    assert refused.status_code == 403, refused.content
    newer = elsewhere()
    page = password_page(newer, cast.acme, cast.member.email)
    newer.submit(page, {"begin": "1"}, to=f"{prefix(cast.acme)}/sign-in/mail")
    mail = mails_to(cast.member.email)[0]
    assert bool(mail["links"]) is (other == methods.MAGIC_LINK)
    assert ("code" in mail["subject"]) is (other == methods.EMAIL_CODE)


def test_without_any_mail_method_the_button_is_gone_and_the_post_refused(cast: Cast) -> None:
    browser = elsewhere()
    allow(cast, "password")
    page = password_page(browser, cast.acme, cast.member.email)
    assert b"/sign-in/mail" not in page.content
    assert browser.submit(page, {"begin": "1"}, to=f"{prefix(cast.acme)}/sign-in/mail").status_code == 403
    assert mails_to(cast.member.email) == []


def test_without_passwords_signing_up_keeps_none_and_the_code_signs_in(cast: Cast) -> None:
    allow(cast, "email_code")
    browser, email = elsewhere(), f"{unique('new')}@example.com"
    assert b"new_password" not in browser.get(f"{prefix(cast.acme)}/sign-up").content
    asked = sign_up(browser, cast.acme, email, password="a password that is not asked for")
    entered = browser.follow(browser.submit(asked, {"code": code_in(mails_to(email)[0])}))
    assert entered.status_code == 200
    assert seen(browser, cast.acme).amr == ("email_code",)
    assert sign_in(elsewhere(), None, email, "a password that is not asked for").status_code == 400


def test_sign_up_is_closed_where_nothing_mailed_or_typed_lets_anybody_in(cast: Cast) -> None:
    browser = elsewhere()
    page = browser.get(f"{prefix(cast.acme)}/sign-up")
    allow(cast, "passkey")
    email = f"{unique('new')}@example.com"
    filled = {"name": "Nora", "email": email, "new_password": "seven green umbrellas at noon"}
    assert browser.submit(page, filled).status_code == 403
    assert mails_to(email) == []


def test_single_sign_on_by_a_method_that_the_tenant_refuses_must_be_proved_again(cast: Cast) -> None:
    allow(cast, "email_code")
    browser = elsewhere()
    assert sign_in(browser, None, cast.member.email).status_code == 303
    page = browser.follow(browser.get(f"{prefix(cast.acme)}/sign-in"))
    assert b'name="email"' in page.content
    assert who(browser, cast.acme) is None
    assert (
        browser.get(f"{prefix(cast.acme)}/sign-in/continue")
        .headers["Location"]
        .split("?")[0]
        .endswith("/sign-in")
    )


def test_the_organization_narrows_what_the_tenant_allows(cast: Cast) -> None:
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    allow_in(cast.acme, organization, "email_code", "wallet")
    asked = for_organization(cast.acme, organization)
    browser = elsewhere()
    page = browser.submit(browser.get(f"{prefix(cast.acme)}/sign-in{asked}"), {"email": person.email})
    assert "/sign-in/mail" in page.headers["Location"], "no password is asked for"
    code = code_in(mails_to(person.email)[0])
    browser.follow(browser.submit(browser.follow(page), {"code": code}))
    found = seen(browser, cast.acme)
    assert (found.amr, found.organization_id) == (("email_code",), organization.id)


def test_an_organization_that_refuses_the_password_is_not_entered_by_leaving_out_its_name(cast: Cast) -> None:
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    allow_in(cast.acme, organization, "email_code")
    browser = elsewhere()
    signed = sign_in(browser, cast.acme, person.email)  # the only organization is entered on the way
    ended = browser.follow(signed)
    assert b'name="email"' in ended.content, "a sign-in by its own method is asked for"
    assert who(browser, cast.acme) is None


def test_an_organization_cannot_open_what_the_tenant_closed(cast: Cast) -> None:
    person = make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    allow(cast, "email_code")
    allow_in(cast.acme, organization, "password", "email_code")
    browser = elsewhere()
    asked = for_organization(cast.acme, organization)
    page = browser.submit(browser.get(f"{prefix(cast.acme)}/sign-in{asked}"), {"email": person.email})
    assert "/sign-in/mail" in page.headers["Location"]


def test_the_api_sets_methods_and_refuses_unknown_ones_and_an_empty_list(cast: Cast) -> None:
    path, token = f"{prefix(cast.acme)}/v1/tenant/policy", access_token(cast.owner)
    changed = elsewhere().api("PATCH", path, token, {"sign_in_methods": ["password", "guest"]}, If_Match="*")
    assert changed.status_code == 200, changed.content
    assert changed.json()["sign_in_methods"] == ["password", "guest"]
    for wrong in (["astrology"], [], "password"):
        assert elsewhere().api(
            "PATCH", path, token, {"sign_in_methods": wrong}, If_Match="*"
        ).status_code in (400, 422)
    stranger = access_token(cast.other_owner)
    assert elsewhere().api(
        "PATCH", path, stranger, {"sign_in_methods": ["guest"]}, If_Match="*"
    ).status_code in (401, 403)
