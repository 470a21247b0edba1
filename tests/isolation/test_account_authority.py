"""No administrator of a tenant, by page, API or import, can change what opens a person's account elsewhere.

Each door is gone through by the owner of a tenant that the victim is a member of. Afterwards every row of the
account is as it was, its sign-ins live, its other tenant knows it as before, and the old password opens it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from core import scope
from core.principal import SYSTEM
from identity import contacts, siwe
from identity.models import TrustedBrowser
from tenants import members
from tenants.models import Member
from tests.dashboard.test_frame import signed_in
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_account,
    make_cast,
    make_member,
    make_organization,
)
from tests.factories.factors import add_passkey, add_recovery_codes
from tests.factories.hosted import sign_in
from tests.oauth.helpers import register
from tests.tenants.test_admin_pages import send

Door = Callable[[Cast, Person], list[Any]]
DOORS: dict[str, Door] = {}
REFUSED = (
    "member_of_the_same_address",
    "claim_mapping",
    "addresses_of_the_account_itself",
)  # nothing at these doors is for administrators
MOVING = {"last_active_at", "updated_at", "last_used_at"}  # of sign-ins, by the victim's own visits
CREDENTIALS = {
    "password": "the administrators own words",
    "new_password": "the administrators own words",
    "email": "taken@acme.example",
    "email_verified": True,
    "account_id": "01a20000-0000-7000-8000-000000000000",
    "withholds_email": False,
    "passkeys": [],
    "totp": None,
    "reauthenticate_after": None,
}


def door(function: Door) -> Door:
    DOORS[function.__name__] = function
    return function


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def victim(cast: Cast) -> Person:
    """Somebody with one of everything, who is in both tenants and signed in."""
    person = make_member(cast.acme)
    with scope.tenant(cast.globex.id):
        members.create_member(actor=SYSTEM, email=person.email, account_id=person.account_id)
    add_passkey(person)
    add_recovery_codes(person)
    with scope.account(person.account_id):
        number = f"+4930{secrets.randbelow(9_000_000) + 1_000_000}"
        contacts.link_phone(account_id=person.account_id, address=contacts.number(number))
        contacts.link_wallet(account_id=person.account_id, address=siwe.wallet(f"0x{secrets.token_hex(20)}"))
        TrustedBrowser.objects.create(account_id=person.account_id, digest="d", proved_at=timezone.now())
    sign_in(Browser(), None, person.email)
    return person


def everything(person: Person) -> dict[str, list[dict[str, Any]]]:
    """Every row of the account, by table."""
    found = {}
    with scope.account(person.account_id):
        for model in apps.get_app_config("identity").get_models():
            columns = {field.attname for field in model._meta.concrete_fields} - MOVING
            if {"account_id", "user_id"} & columns or model._meta.label == "identity.Account":
                rows = model._default_manager.order_by("pk").values(*sorted(columns))
                found[model._meta.label] = [dict(row) for row in rows]
    return found


def elsewhere(cast: Cast, person: Person) -> dict[str, Any]:
    with scope.tenant(cast.globex.id):
        row = Member.objects.get(account_id=person.account_id)
        return {
            "status": row.status,
            "email": row.email,
            "subject": row.subject,
            "version": row.authority_version,
        }


def api(cast: Cast, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    token = access_token(cast.owner)
    if method == "POST":
        headers["Idempotency_Key"] = secrets.token_hex(8)
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", token, body, **headers)


@door
def member_patch(cast: Cast, victim: Person) -> list[Any]:
    where = f"members/{victim.subject}"
    told = [api(cast, "PATCH", where, {name: value}) for name, value in CREDENTIALS.items()]
    assert {answer.status_code for answer in told} == {400}
    profile = {
        "phone_number": "+41445551234",
        "phone_number_verified": True,
        "picture": "https://x.example/p",
    }
    return [api(cast, "PATCH", where, {"name": "Other", "locale": "fr", "profile": profile})]


@door
def member_of_the_same_address(cast: Cast, victim: Person) -> list[Any]:
    """The import there is: members made by API."""
    taken = api(cast, "POST", "members", {"email": victim.email, "name": "Other"})
    assert taken.status_code in (201, 409)
    told = [
        api(cast, "POST", "members", {"email": victim.email, name: "x"}) for name in ("password", "subject")
    ]
    return [taken, *told]


@door
def member_of_a_strangers_address(cast: Cast, victim: Person) -> list[Any]:
    """An account that is in no tenant yet is not bound by an administrator's word."""
    made = api(cast, "POST", "members", {"email": cast.stranger.email})
    with scope.tenant(cast.acme.id):
        row = Member.objects.filter(email=cast.stranger.email).latest("id")
        assert (row.status, row.account_id) == ("pending", None)
    return [made]


@door
def forced_logout_and_sessions(cast: Cast, victim: Person) -> list[Any]:
    where = f"members/{victim.subject}"
    return [api(cast, "POST", f"{where}/logout", {"reason": "x"}), api(cast, "GET", f"{where}/sessions")]


@door
def suspension_removal_and_erasure(cast: Cast, victim: Person) -> list[Any]:
    where = f"members/{victim.subject}"
    return [
        api(cast, "PUT", f"{where}/suspension", {"reason": "x"}),
        api(cast, "DELETE", where),
        api(cast, "POST", f"{where}/erasure", {}),
    ]


@door
def members_page(cast: Cast, victim: Person) -> list[Any]:
    browser, page = signed_in(cast.owner), f"members/{victim.subject}"
    forms = {"name": "Other", "locale": "de", **{name: str(value) for name, value in CREDENTIALS.items()}}
    return [
        send(browser, cast, page, page, forms),
        send(browser, cast, page, f"{page}/logout", forms),
        send(browser, cast, page, f"{page}/suspension", {"reason": "x", **forms}),
        send(browser, cast, page, f"{page}/removal", {"reason": "x", "confirm": victim.email, **forms}),
    ]


@door
def an_invitation_of_the_victim(cast: Cast, victim: Person) -> list[Any]:
    """The administrator invites an address of the victim and tries to accept it in their stead."""
    email = make_account().email
    told = [api(cast, "POST", "invitations", {"email": address, **more}) for address, more in (
        (email, {}), (email, {"password": "x"}), (victim.email, {}),
    )]  # fmt: skip
    browser = signed_in(cast.owner)
    assert told[0].status_code == 201, told[0].content
    invitation = told[0].json()["id"]
    page = browser.get("/account/organizations")
    assert (
        browser.submit(page, {"act": "accept"}, to=f"/account/invitations/{invitation}/decision").status_code
        == 404
    )
    return told


@door
def invitations_from_a_file(cast: Cast, victim: Person) -> list[Any]:
    """The import by page: rows name addresses of the victim and of somebody else, and columns that are none."""
    browser, path = signed_in(cast.owner), f"/dashboard/{cast.acme.slug}/invitations/many"
    page, other = browser.get(path), make_account().email
    tables = (f"email,roles\n{victim.email},admin\n{other},admin", f"email,password\n{victim.email},x")
    return [browser.submit(page, {"rows": rows, "send": "1"}, to=path) for rows in tables]


@door
def tokens_for_tests(cast: Cast, victim: Person) -> list[Any]:
    """A session that nobody's proof opened is the tenant's own and no sign-in of the account."""
    web = register(cast.acme, scopes=["openid", "email"])
    made = api(
        cast,
        "POST",
        f"applications/{web.application.public_id}/sample-tokens",
        {"member": victim.subject, "scope": "openid email"},
    )
    assert made.status_code == 201, made.content
    stolen = {"Authorization": f"Bearer {made.json()['access_token']}"}
    elsewhere = [
        Browser().get(path, headers=stolen) for path in ("/account/", "/account/security", "/v1/tenants")
    ]
    elsewhere.append(Browser().get(f"/t/{cast.globex.slug}/v1/me", headers=stolen))
    assert {answer.status_code for answer in elsewhere} <= {303, 401, 403}
    return [made]


@door
def terms_and_their_version(cast: Cast, victim: Person) -> list[Any]:
    etag = api(cast, "GET", "tenant/policy").headers["ETag"]
    asked = api(cast, "PATCH", "tenant/policy", {"terms_version": "2026-11"}, If_Match=etag)
    words = {"terms_version": "2026-11", "terms_accepted_at": "2026-11-22T00:00:00Z"}
    told = [api(cast, "PATCH", f"members/{victim.subject}", {name: value}) for name, value in words.items()]
    assert {answer.status_code for answer in told} == {400}  # accepting is the person's own act
    return [asked]


@door
def organizations_and_their_policy(cast: Cast, victim: Person) -> list[Any]:
    organization = make_organization(cast.acme, people=[victim])
    where = f"organizations/{organization.public_id}"
    policy = {"policy": {"member_factor": "passkey", "sign_in_methods": ["magic_link"]}}
    return [api(cast, "PATCH", where, policy), api(cast, "DELETE", f"{where}/members/{victim.subject}")]


@door
def the_tenants_policy(cast: Cast, victim: Person) -> list[Any]:
    etag = api(cast, "GET", "tenant/policy").headers["ETag"]
    changes = {"password_min_length": 128, "session_absolute": 300, "trusted_browser_days": 0}
    return [api(cast, "PATCH", "tenant/policy", changes, If_Match=etag)]


@door
def claim_mapping(cast: Cast, victim: Person) -> list[Any]:
    """Tokens can be made to say more, but never to be about somebody else."""
    rules = [{"claim": name, "source": "constant", "value": "x"} for name in ("sub", "acr")]
    body = {"name": "Mapped", "type": "web", "redirect_uris": ["https://app.example/cb"]}
    told = [api(cast, "POST", "applications", {**body, "claim_mapping": [rule]}) for rule in rules]
    assert {answer.status_code for answer in told} == {400}
    return told


@door
def recovery_by_the_administrator(cast: Cast, victim: Person) -> list[Any]:
    """A recovery mail may be asked for by anybody; it goes to the owner alone and changes nothing by itself."""
    browser = signed_in(cast.owner)
    page = browser.get(f"/t/{cast.acme.slug}/recovery")
    return [browser.submit(page, {"email": victim.email})]


@door
def addresses_of_the_account_itself(cast: Cast, victim: Person) -> list[Any]:
    """The person's own pages know the administrator's account only; the API has no address for accounts."""
    browser = signed_in(cast.owner)
    page = browser.get("/account/security")
    refused = [
        browser.submit(page, {"new_password": "x"}, to=f"/account/authenticators/{row}/removal")
        for row in ("pk_01m81emg95e18ss8e7mbk4cbz0", "totp_01m81emg95e18ss8e7mbk4cbz0")
    ]
    gone = [api(cast, "GET", path) for path in ("accounts", f"accounts/{victim.account_id}")]
    gone += [Browser().get(f"/t/{cast.acme.slug}{path}") for path in ("/scim/v2/Users", "/v1/scim/v2/Users")]
    assert {answer.status_code for answer in (*refused, *gone)} <= {401, 404}
    return refused


@pytest.mark.parametrize("name", DOORS)
def test_an_administrator_changes_nothing_of_the_account(cast: Cast, victim: Person, name: str) -> None:
    before, there = everything(victim), elsewhere(cast, victim)
    assert all(before[f"identity.{table}"] for table in ("Passkey", "RecoveryCode", "PhoneNumber", "Wallet"))
    answers = DOORS[name](cast, victim)
    assert any(answer.status_code < 400 for answer in answers) or name in REFUSED, answers[0].content
    assert all(answer.status_code < 500 for answer in answers)
    assert everything(victim) == before
    assert elsewhere(cast, victim) == there


def test_the_old_password_still_opens_the_account_after_all_of_them(cast: Cast) -> None:
    """Of somebody without a second factor, so that the password alone says it."""
    person = make_member(cast.acme)
    for function in DOORS.values():
        function(cast, person)
        browser = Browser()
        browser.follow(sign_in(browser, None, person.email))
        assert browser.get("/account/").status_code == 200, function.__name__
        with scope.tenant(cast.acme.id):
            Member.objects.filter(id=person.member.id).update(
                status="active", account_id=person.account_id, email=person.email
            )
