"""`/v1/initial-access-tokens` and the vetting of clients (OAU-20, O10)."""

from __future__ import annotations

import re

import pytest

from core import scope
from oauth.models import Application
from tests.factories import Browser, access_token, make_member
from tests.oauth.helpers import basic, register, token
from tests.oauth.registering import REGISTRATION, issue, registering

BODY = {"name": "CI", "max_uses": 3, "redirect_uris": ["https://shop.example/"], "scopes": ["openid"]}


@pytest.fixture
def admin(cast):
    return access_token(make_member(cast.acme, roles=["admin"]))


def api(tenant, method, path, credential, body=None, **headers):
    return Browser().api(method, f"/t/{tenant.slug}/v1{path}", credential, body, **headers)


def test_a_token_is_made_shown_once_used_and_revoked(cast, admin):
    made = api(cast.acme, "POST", "/initial-access-tokens", admin, BODY)
    assert made.status_code == 201, made.content
    assert made.headers["Cache-Control"] == "no-store"
    body = made.json()
    assert body["token"].startswith("dcr_")
    assert (body["status"], body["uses"], body["max_uses"]) == ("active", 0, 3)
    client = registering(cast.acme, REGISTRATION, body["token"]).json()
    path = f"/initial-access-tokens/{body['id']}"
    read = api(cast.acme, "GET", path, admin).json()
    assert "token" not in read
    assert (read["uses"], read["hint"]) == (1, body["token"][-4:])
    assert api(cast.acme, "DELETE", path, admin).status_code == 204
    assert api(cast.acme, "GET", path, admin).json()["status"] == "revoked"
    assert registering(cast.acme, REGISTRATION, body["token"]).status_code == 401
    with scope.tenant(cast.acme.id):
        assert Application.objects.filter(client_id=client["client_id"]).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"max_uses": 0}, {"max_uses": 10_001}, {"expires_in": 5}, {"expires_in": 400 * 86_400}, {"grants": []},
        {"grants": ["password"]}, {"scopes": ["nonsense"]}, {"redirect_uris": ["https://*.example/"]},
        {"redirect_uris": ["http://shop.example/"]}, {"redirect_uris": ["https://shop.example/?a=b"]},
        {"redirect_uris": ["https://shop.example/../x"]}, {"name": ""}, {"tenant_id": "x"},
    ],
)  # fmt: skip
def test_bad_limits_are_refused(cast, admin, change):
    answer = api(cast.acme, "POST", "/initial-access-tokens", admin, {**BODY, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


def test_A6_nobody_lends_machines_what_they_lack(cast):
    developer = access_token(make_member(cast.acme, roles=["developer"]))
    wide = {"name": "x", "grants": ["client_credentials"], "scopes": ["members:write"]}
    answer = api(cast.acme, "POST", "/initial-access-tokens", developer, wide)
    assert answer.status_code == 403


def test_lists_are_narrowed_by_state(cast, admin):
    issue(cast.acme, name="Spent", max_uses=1)
    api(cast.acme, "POST", "/initial-access-tokens", admin, {**BODY, "name": "Fresh one"})
    found = api(cast.acme, "GET", "/initial-access-tokens?status=active&q=Fresh", admin).json()["data"]
    assert [row["name"] for row in found] == ["Fresh one"]
    assert api(cast.acme, "GET", "/initial-access-tokens?status=revoked&q=Fresh", admin).json()["data"] == []


def test_A1_another_tenants_token_reads_as_missing(cast, admin):
    issue(cast.globex)
    from oauth import initial_access_tokens

    with scope.tenant(cast.globex.id):
        theirs = initial_access_tokens.initial_access_tokens().first().public_id
    for method in ("GET", "DELETE"):
        assert api(cast.acme, method, f"/initial-access-tokens/{theirs}", admin).status_code == 404
    stranger = access_token(cast.other_owner)
    assert api(cast.acme, "GET", "/initial-access-tokens", stranger).json()["code"] == "tenant_mismatch"
    assert api(cast.acme, "GET", "/initial-access-tokens", access_token(cast.member)).status_code == 403


def test_an_administrator_vouches_for_a_client_and_takes_it_back(cast, admin):
    client_id = registering(cast.acme, REGISTRATION).json()["client_id"]
    read = api(cast.acme, "GET", f"/applications/{client_id}", admin).json()
    assert (read["is_vetted"], read["registration_source"]) == (False, "dcr")
    assert read["initial_access_token_id"].startswith("iat_")
    path = f"/applications/{client_id}/vetting"
    assert api(cast.acme, "PUT", path, admin).json()["is_vetted"] is True
    assert api(cast.acme, "DELETE", path, admin).status_code == 204
    assert api(cast.acme, "GET", f"/applications/{client_id}", admin).json()["is_vetted"] is False
    assert api(cast.acme, "PUT", path, access_token(cast.member)).status_code == 403
    theirs = register(cast.globex).application.public_id
    assert api(cast.acme, "PUT", f"/applications/{theirs}/vetting", admin).status_code == 404


def test_applications_are_listed_by_where_they_came_from(cast, admin):
    registering(cast.acme, {**REGISTRATION, "client_name": "By itself"})
    register(cast.acme, name="By hand")
    listed = api(cast.acme, "GET", "/applications?registration_source=dcr&limit=100", admin).json()["data"]
    names = {row["name"] for row in listed}
    assert "By itself" in names
    assert "By hand" not in names


# --- pages ------------------------------------------------------------------------------------------------


def test_pages_make_show_list_and_revoke_a_token(cast):
    from tests.dashboard.test_frame import signed_in

    browser, base = signed_in(cast.owner), f"/dashboard/{cast.acme.slug}/initial-access-tokens"
    form = browser.get(f"{base}/new")
    wrong = browser.submit(
        form, {"name": "Set-up", "max_uses": "2", "expires_in": "86400", "grants": "x"}, to=f"{base}/new"
    )
    assert wrong.status_code == 422
    filled = {
        "name": "Set-up <i>", "max_uses": "2", "expires_in": "86400", "grants": "authorization_code",
        "scopes": "openid", "redirect_uris": "https://shop.example/",
    }  # fmt: skip
    shown = browser.submit(form, filled, to=f"{base}/new")
    assert shown.status_code == 200, shown.content
    secret = re.search(r"dcr_[0-9A-Za-z]+", shown.content.decode())
    assert secret
    client = registering(cast.acme, REGISTRATION, secret[0]).json()
    listed = browser.get(f"{base}?status=active").content.decode()
    assert "Set-up &lt;i&gt;" in listed
    assert "1 / 2" in listed
    address = re.search(rf"{base}/iat_\w+", listed)
    assert address
    detail = browser.get(address[0])
    assert secret[0] not in detail.content.decode()
    assert client["client_id"] in detail.content.decode()
    done = browser.submit(detail, {"reason": "over"}, to=f"{address[0]}/revocation")
    assert done.status_code == 303
    assert registering(cast.acme, REGISTRATION, secret[0]).status_code == 401
    assert "No token matches" in browser.get(f"{base}?q=nothing-of-this-name").content.decode()


def test_pages_show_where_a_client_came_from_and_vouch_for_it(cast):
    from tests.dashboard.test_frame import signed_in

    browser = signed_in(cast.owner)
    client_id = registering(cast.acme, REGISTRATION).json()["client_id"]
    path = f"/dashboard/{cast.acme.slug}/applications/{client_id}"
    page = browser.get(path)
    assert "Nobody of this tenant looked at it yet" in page.content.decode()
    browser.submit(page, {}, to=f"{path}/vetting")
    assert "looked at it. A change" in browser.get(path).content.decode()
    listed = browser.get(f"/dashboard/{cast.acme.slug}/applications?source=dcr").content.decode()
    assert client_id in listed
    other = signed_in(cast.other_owner)
    assert other.get(path.replace(cast.acme.slug, cast.globex.slug)).status_code == 404


def test_APP02_one_of_two_live_secrets_is_revoked_never_the_only_one(cast, admin):
    made = register(cast.acme)
    path = f"/applications/{made.application.public_id}/secrets"
    [only] = api(cast.acme, "GET", path, admin).json()["data"]
    assert api(cast.acme, "DELETE", f"{path}/{only['id']}", admin).status_code == 409
    fresh = api(cast.acme, "POST", path, admin, {"overlap_seconds": 3600}).json()
    grant = {"grant_type": "refresh_token", "refresh_token": "x"}
    client_id = made.application.client_id
    for secret in (made.secret, fresh["client_secret"]):
        assert (
            token(cast.acme, grant, Authorization=basic(client_id, secret)).json()["error"] == "invalid_grant"
        )
    assert api(cast.acme, "DELETE", f"{path}/{only['id']}", admin).status_code == 204
    assert token(cast.acme, grant, Authorization=basic(client_id, made.secret)).status_code == 401
    answer = token(cast.acme, grant, Authorization=basic(client_id, fresh["client_secret"]))
    assert answer.json()["error"] == "invalid_grant"
    theirs = register(cast.globex).application.public_id
    assert api(cast.acme, "GET", f"/applications/{theirs}/secrets", admin).status_code == 404


def test_ANC06_a_native_client_returns_to_any_port_of_its_own_device_only(cast):
    from oauth import clients, redirects

    native = register(
        cast.acme, "native", redirect_uris=["http://localhost/cb", "http://127.0.0.1/cb"]
    ).application
    single = register(cast.acme, "spa", redirect_uris=["http://localhost/cb"]).application
    client = clients.find(cast.acme, native.client_id)
    for uri in ("http://localhost:3118/cb", "http://localhost/cb", "http://127.0.0.1:65535/cb"):
        assert redirects.is_registered(client, uri), uri
    for uri in (
        "http://localhost:3118/other", "http://localhost.evil.example:80/cb", "http://localhost:0/cb", "http://[::1]:1/cb",
        "http://localhost:99999/cb", "http://localhost:1@evil.example/cb", "https://localhost:3118/cb", "http://LOCALHOST:1/cb",
    ):  # fmt: skip
        assert not redirects.is_registered(client, uri), uri
    assert not redirects.is_registered(clients.find(cast.acme, single.client_id), "http://localhost:3118/cb")
