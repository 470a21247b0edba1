"""Tokens of a person's own: made freshly signed in, shown once, good for tenants alone (TEN-01, C28)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from core import ids, scope
from core.errors import Problem
from core.principal import SYSTEM
from identity import services, tokens
from identity.models import AccountToken
from tenants import members, selectors
from tests.api.callers import api_key, problem
from tests.api.routes import operations
from tests.api.test_idempotency import together
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_account,
    make_cast,
    make_organization,
    make_principal,
    unique,
)
from tests.factories.factors import enrol_app
from tests.factories.hosted import at_home

TENANTS, MINE = "/v1/tenants", "/v1/me/organizations"
BOTH = ["tenants:create", "tenants:read"]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def issue(account_id: Any, scopes: list[str] = BOTH, lifetime: str = "1h") -> tokens.IssuedToken:
    with scope.account(account_id):
        return tokens.issue(account_id=account_id, name="script", scopes=scopes, lifetime=lifetime)


def create(token: str, slug: str = "", *, to: str = TENANTS, key: str = "", **fields: Any) -> Any:
    headers = {"Idempotency_Key": key} if key else {}
    body = {"name": "Fresh", "slug": slug or unique("fresh"), **fields}
    return Browser().api("POST", to, token, body, **headers)


def test_TEN01_a_person_makes_a_token_and_creates_a_tenant_with_it() -> None:
    person = make_account()
    browser = at_home(person)
    assert "No token yet" in browser.get("/account/tokens").content.decode()
    made = browser.submit(
        browser.get("/account/tokens/new"),
        {"name": "Set-up", "scopes": BOTH, "lifetime": "1h"},
        to="/account/tokens/new",
    )
    secret = re.search(r"clv_account_[0-9A-Za-z]{61}", made.content.decode())
    assert secret, made.content.decode()[:2000]
    assert "no-store" in made.headers["Cache-Control"]
    slug = unique("fresh")
    answer = create(secret[0], slug, support_email="help@example.com")
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["slug"], body["mode"], body["support_email"]) == (slug, "test", "help@example.com")
    assert body["id"].startswith("ten_")
    enrol_app(browser)
    assert browser.get(f"/dashboard/{slug}/").status_code == 200
    mine = Browser().api("GET", TENANTS, secret[0]).json()["data"]
    assert [(row["slug"], row["mode"]) for row in mine] == [(slug, "test")]
    tenant = selectors.by_slug(slug)
    assert tenant is not None
    with scope.tenant(tenant.id):
        owner = selectors.member_by_account(person.account_id)
        assert owner is not None
        assert owner.email == person.email


def test_T5_the_list_and_the_database_show_no_secret() -> None:
    person = make_account()
    secret = issue(person.account_id).secret
    page = at_home(person).get("/account/tokens").content.decode()
    assert secret not in page
    assert secret[:24] in page
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT t::text FROM identity_accounttoken t UNION SELECT e::text FROM events_event e")
        assert not any(secret in row[0] for row in cursor.fetchall())


def test_a_revoked_token_is_refused_at_once_and_the_page_forgets_it() -> None:
    person = make_account()
    issued, browser = issue(person.account_id), at_home(person)
    done = browser.submit(
        browser.get("/account/tokens"), to=f"/account/tokens/{issued.token.public_id}/revocation"
    )
    assert done.status_code == 303
    problem(Browser().api("GET", TENANTS, issued.secret), 401, "token_revoked")
    assert "No token yet" in browser.get("/account/tokens").content.decode()


@pytest.mark.parametrize("who", ["stranger", "owner", "other_member"])
def test_A1_nobody_else_sees_or_revokes_a_token(cast: Cast, who: str) -> None:
    issued = issue(cast.member.account_id)
    browser = at_home(getattr(cast, who))
    page = browser.get("/account/tokens")
    assert issued.token.hint not in page.content.decode()
    page = browser.get("/account/tokens/new")
    refused = browser.submit(page, to=f"/account/tokens/{issued.token.public_id}/revocation")
    assert refused.status_code == 404
    assert Browser().api("GET", TENANTS, issued.secret).status_code == 200


def test_L8_making_a_token_asks_for_a_fresh_sign_in() -> None:
    person = make_account()
    browser = at_home(person)
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        answer = browser.get("/account/tokens/new")
        assert answer.status_code == 303
        assert "prompt=login" in answer.headers["Location"]


def test_L5_a_new_password_ends_the_tokens_that_were_made_before() -> None:
    person = make_account()
    secret = issue(person.account_id).secret
    services.change_password(
        account_id=person.account_id, password="quiet otters fold paper maps", words=[], keep=ids.uuid7()
    )
    problem(Browser().api("GET", TENANTS, secret), 401, "token_revoked")


def test_R20_an_expired_token_is_refused_with_no_clean_up_run() -> None:
    secret = issue(make_account().account_id, lifetime="1h").secret
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=True):
        problem(Browser().api("GET", TENANTS, secret), 401, "token_expired")


@pytest.mark.parametrize(("method", "held"), [("POST", "tenants:read"), ("GET", "tenants:create")])
def test_A6_each_call_needs_its_scope(method: str, held: str) -> None:
    secret = issue(make_account().account_id, [held]).secret
    answer = Browser().api(
        method, TENANTS, secret, {"name": "x", "slug": "xyz"} if method == "POST" else None
    )
    assert problem(answer, 403, "insufficient_scope")["required"]["scopes"] == [
        next(word for word in BOTH if word != held)
    ]


TAKING = {"/v1/me/organizations"}  # at the bare origin, beside what tenants' credentials are shown there


@pytest.mark.parametrize(
    "case", [c for c in operations() if c.method == "get" and c.path() not in TAKING], ids=str
)
def test_C28_the_token_is_refused_everywhere_else(cast: Cast, case: Any) -> None:
    secret = issue(cast.owner.account_id).secret
    try:
        problem(Browser().api("GET", case.path(), secret), 401, "token_invalid")
        problem(Browser().api("GET", f"/t/{cast.acme.slug}{case.path()}", secret), 401, "token_invalid")
    finally:
        with scope.account(cast.owner.account_id):
            tokens.revoke_all(account_id=cast.owner.account_id, reason="test")


@pytest.mark.parametrize("path", ["/oauth/userinfo", "/oauth/introspect"])
def test_C28_the_token_means_nothing_to_the_authorization_server(cast: Cast, path: str) -> None:
    secret = issue(cast.member.account_id).secret
    answer = Browser().get(f"/t/{cast.acme.slug}{path}", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code in (400, 401, 405)


def test_C28_no_credential_of_a_tenant_opens_it(cast: Cast) -> None:
    person, key = access_token(cast.owner), api_key(cast.acme, cast.owner)
    for credential in (person, key):
        for method, body in (("GET", None), ("POST", {"name": "x", "slug": "xyz"})):
            problem(Browser().api(method, TENANTS, credential, body), 403, "wrong_token_type")
            foreign = f"/t/{cast.globex.slug}{TENANTS}"
            problem(Browser().api(method, foreign, credential, body), 403, "tenant_mismatch")
    answer = Browser().get(TENANTS, headers={"X-API-Key": key})
    problem(answer, 403, "wrong_token_type")


def test_A2_under_a_tenants_address_the_token_is_refused(cast: Cast) -> None:
    secret = issue(cast.owner.account_id).secret
    for slug in (cast.acme.slug, cast.globex.slug):
        problem(create(secret, to=f"/t/{slug}{TENANTS}"), 403, "tenant_mismatch")
        problem(Browser().api("GET", f"/t/{slug}{MINE}", secret), 403, "tenant_mismatch")


def test_TEN13_the_persons_own_token_lists_organizations_of_all_tenants_and_a_tenants_token_its_own(
    cast: Cast,
) -> None:
    person = cast.other_member
    there = joins(cast.acme, person)
    here, other = (
        make_organization(cast.globex, people=[person]),
        make_organization(cast.acme, people=[there]),
    )
    secret = issue(person.account_id).secret
    rows = Browser().api("GET", MINE, secret).json()["data"]
    assert {(row["tenant_id"], row["id"]) for row in rows} == {
        (cast.globex.public_id, here.public_id), (cast.acme.public_id, other.public_id)
    }  # fmt: skip
    assert {row["mode"] for row in rows} == {"test"} and all(row["roles"] == [] for row in rows)
    mine = Browser().api("GET", MINE, access_token(person)).json()["data"]
    assert [row["id"] for row in mine] == [here.public_id]
    assert Browser().api("GET", MINE, issue(cast.stranger.account_id).secret).json()["data"] == []
    problem(
        Browser().api("GET", MINE, issue(person.account_id, ["tenants:create"]).secret),
        403,
        "insufficient_scope",
    )
    suspend(there)
    rows = Browser().api("GET", MINE, secret).json()["data"]
    assert [row["id"] for row in rows] == [here.public_id]


def joins(tenant: Any, person: Person) -> Person:
    """Return the same person as a member of another tenant."""
    with scope.tenant(tenant.id):
        member = members.create_member(
            actor=SYSTEM,
            email=person.email,
            name="Also Here",
            account_id=person.account_id,
            email_verified=True,
        )
    return Person(person.account_id, person.email, person.password, member, tenant)


def suspend(person: Person) -> None:
    with scope.tenant(person.tenant.id):
        members.suspend_member(actor=make_principal(person.tenant), member=person.member)


@pytest.mark.parametrize(
    "credential",
    [
        "clv_account_",
        "clv_account_" + "0" * 61,
        "clv_account_" + "A" * 55 + "000000",
        "CLV_ACCOUNT_x",
        "clv_account_é",
    ],
)
def test_a_made_up_token_is_invalid(credential: str) -> None:
    problem(create(credential.encode().decode("latin-1")), 401, "token_invalid")


def test_two_credentials_in_one_request_are_refused(cast: Cast) -> None:
    secret = issue(cast.owner.account_id).secret
    both = {"Authorization": f"Bearer {secret}", "X-API-Key": api_key(cast.acme, cast.owner)}
    problem(Browser().get(TENANTS, headers=both), 400, "ambiguous_credentials")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"slug": "UPPER"}, "/slug"),
        ({"slug": "dashboard"}, "/slug"),
        ({"slug": "a--b"}, "/slug"),
        ({"name": ""}, "/name"),
        ({"mode": "prod"}, "/mode"),
        ({"support_email": "no"}, "/support_email"),
        ({"owner_account_id": "x"}, "/owner_account_id"),
        ({"policy": {}}, "/policy"),
    ],
)
def test_L10_bad_input_names_the_field_and_makes_nothing(fields: dict[str, Any], pointer: str) -> None:
    person = make_account()
    secret = issue(person.account_id).secret
    told = problem(create(secret, **fields), 400, "validation_failed")
    assert [error["pointer"] for error in told["errors"]] == [pointer]
    assert Browser().api("GET", TENANTS, secret).json()["data"] == []


def test_TEN01_a_taken_slug_is_a_conflict(cast: Cast) -> None:
    secret = issue(make_account().account_id).secret
    problem(create(secret, cast.acme.slug), 409, "conflict")


def test_API02_the_same_key_makes_one_tenant_and_another_body_is_refused() -> None:
    person = make_account()
    secret, slug, key = issue(person.account_id).secret, unique("once"), ids.new_request_id()
    first, again = create(secret, slug, key=key), create(secret, slug, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert first.json()["id"] == again.json()["id"]
    problem(create(secret, unique("other"), key=key), 422, "idempotency_key_reused")
    stranger = issue(make_account().account_id).secret
    problem(create(stranger, slug, key=key), 409, "conflict")


def test_R5_parallel_requests_with_one_key_make_one_tenant() -> None:
    person = make_account()
    secret, slug, key = issue(person.account_id).secret, unique("race"), ids.new_request_id()
    answers = together(8, lambda _: create(secret, slug, key=key))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(Browser().api("GET", TENANTS, secret).json()["data"]) == 1


def test_API02_a_key_whose_request_made_nothing_may_be_used_again(cast: Cast) -> None:
    secret, key = issue(make_account().account_id).secret, ids.new_request_id()
    problem(create(secret, cast.acme.slug, key=key), 409, "conflict")
    assert create(secret, unique("free"), key=key).status_code == 201


def test_there_is_a_most_of_tokens() -> None:
    person = make_account()
    for _ in range(tokens.MOST_LIVE):
        issue(person.account_id)
    with pytest.raises(Problem):
        issue(person.account_id)
    browser = at_home(person)
    page = browser.submit(
        browser.get("/account/tokens/new"),
        {"name": "One more", "scopes": BOTH, "lifetime": "1h"},
        to="/account/tokens/new",
    )
    assert page.status_code == 400
    assert "Revoke one first" in page.content.decode()


def test_the_sweep_deletes_what_expired_long_ago(cast: Cast) -> None:
    old = issue(cast.stranger.account_id).token
    with scope.account(cast.stranger.account_id):
        AccountToken.objects.filter(id=old.id).update(expires_at=timezone.now() - timedelta(days=31))
    assert tokens._tokens() >= 1
    with scope.account(cast.stranger.account_id):
        assert not AccountToken.objects.filter(id=old.id).exists()
