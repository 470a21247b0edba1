"""OAuth 2.0 Dynamic Client Registration Management (RFC 7592): a client reads, replaces, deletes itself."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from core import scope
from core.ratelimit import clear_local
from oauth import applications
from oauth.models import Application
from tests.factories import Browser, make_principal
from tests.oauth.helpers import basic, form, register
from tests.oauth.registering import REGISTRATION, issue, registering, send

SENT_BACK = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


@pytest.fixture(autouse=True)
def _roomy():
    clear_local()


@pytest.fixture
def client(cast):
    return registering(cast.acme, {**REGISTRATION, "client_uri": "https://shop.example/"}).json()


def manage(method, client, body=None, token=None, path=""):
    path = path or urlsplit(client["registration_client_uri"]).path
    data = json.dumps(body) if body is not None else b""
    return send(method, path, client["registration_access_token"] if token is None else token, data)


def metadata_of(client):
    return {name: value for name, value in client.items() if name not in SENT_BACK}


def row_of(cast, client):
    with scope.tenant(cast.acme.id):
        return Application.objects.filter(client_id=client["client_id"]).first()


def test_2_1_the_client_reads_its_registration(cast, client):
    answer = manage("GET", client)
    assert answer.status_code == 200, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    expected = {name: value for name, value in client.items() if not name.startswith("client_secret")}
    assert answer.json() == expected


def test_2_2_an_update_replaces_the_whole_and_rotates_the_token(cast, client):
    changed = {**metadata_of(client), "client_name": "Shop 2", "redirect_uris": ["https://shop.example/two"]}
    del changed["client_uri"]
    answer = manage("PUT", client, changed)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["client_name"], body["redirect_uris"]) == ("Shop 2", ["https://shop.example/two"])
    assert "client_uri" not in body
    assert "client_secret" not in body
    assert body["client_id"] == client["client_id"]
    assert body["registration_access_token"] != client["registration_access_token"]
    assert manage("GET", client).status_code == 401
    assert manage("GET", body).status_code == 200
    proof = basic(client["client_id"], client["client_secret"])
    asked = form(cast.acme, "/oauth/introspect", {"token": "x"}, Authorization=proof)
    assert asked.status_code == 200, "the secret stays what it was"


def test_2_2_an_update_holds_to_the_rules_and_limits(cast):
    held = issue(cast.acme, redirect_uris=["https://shop.example/"], grants=["authorization_code"])
    client = registering(cast.acme, REGISTRATION, held).json()
    base = metadata_of(client)
    for change, error in (
        ({"redirect_uris": ["https://evil.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://shop.example/"]}, "invalid_redirect_uri"),
        ({"grant_types": ["authorization_code", "client_credentials"]}, "invalid_client_metadata"),
        ({"scope": "members:write"}, "invalid_client_metadata"),
        ({"application_type": "native"}, "invalid_client_metadata"),
        ({"client_id": "app_other"}, "invalid_request"),
        ({"client_id": None}, "invalid_request"),
        ({"client_secret": "chosen by me"}, "invalid_client_metadata"),
        *(({name: "x"}, "invalid_request") for name in SENT_BACK),
    ):
        answer = manage("PUT", client, {**base, **change})
        assert (answer.status_code, answer.json()["error"]) == (400, error), (change, answer.content)
    assert manage("GET", client).json()["redirect_uris"] == REGISTRATION["redirect_uris"]


def test_2_2_the_client_may_repeat_its_secret(cast, client):
    assert manage("PUT", client, metadata_of(client)).status_code == 200


def test_O10_a_change_of_what_people_see_takes_the_vetting_back(cast, client):
    with scope.tenant(cast.acme.id):
        row = applications.applications().get(client_id=client["client_id"])
        applications.vet_application(actor=make_principal(cast.acme), application=row, vetted=True)
    same = manage("PUT", client, {**metadata_of(client), "contacts": ["ops@shop.example"]}).json()
    assert row_of(cast, client).is_vetted
    manage("PUT", same, {**metadata_of(same), "redirect_uris": ["https://evil.example/cb"]})
    assert not row_of(cast, client).is_vetted


def test_2_2_a_client_that_needs_a_secret_for_the_first_time_gets_one(cast):
    native = {**REGISTRATION, "application_type": "native", "token_endpoint_auth_method": "none"}
    client = registering(cast.acme, native).json()
    assert "client_secret" not in client
    answer = manage(
        "PUT", client, {**metadata_of(client), "token_endpoint_auth_method": "client_secret_basic"}
    )
    assert answer.json()["client_secret"].startswith("cs_")


def test_2_3_a_client_deletes_itself_with_all_it_has(cast, client):
    answer = manage("DELETE", client)
    assert (answer.status_code, answer.content) == (204, b"")
    assert row_of(cast, client) is None
    assert manage("GET", client).status_code == 401


def test_2_tokens_of_others_are_refused_and_change_nothing(cast, client):
    other = registering(cast.acme, REGISTRATION).json()
    foreign = registering(cast.globex, REGISTRATION).json()
    manual = register(cast.acme).application
    path = urlsplit(client["registration_client_uri"]).path
    for token in (
        other["registration_access_token"], foreign["registration_access_token"], issue(cast.acme),
        client["client_secret"], "rat_" + "0" * 49, "", "x" * 3000,
    ):  # fmt: skip
        for method in ("GET", "PUT", "DELETE"):
            answer = manage(method, client, metadata_of(client) if method == "PUT" else None, token)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    for address in (
        path.replace(cast.acme.slug, cast.globex.slug),
        path.replace(client["client_id"], manual.client_id),
        path.replace(client["client_id"], foreign["client_id"]),
        path + "x",
    ):
        assert manage("GET", client, path=address).status_code == 401
    assert row_of(cast, client) is not None


def test_2_a_disabled_client_manages_nothing(cast, client):
    with scope.tenant(cast.acme.id):
        row = applications.applications().get(client_id=client["client_id"])
        applications.disable_application(actor=make_principal(cast.acme), application=row)
    for method in ("GET", "PUT", "DELETE"):
        assert manage(method, client, metadata_of(client) if method == "PUT" else None).status_code == 401
    assert row_of(cast, client) is not None


def test_2_other_methods_are_refused(cast, client):
    assert manage("POST", client, {}).status_code == 405


def test_T5_the_registration_access_token_is_a_digest_at_rest(cast, client):
    held = client["registration_access_token"]
    assert held not in str(vars(row_of(cast, client)))
    shown = Browser().api("GET", f"/t/{cast.acme.slug}/v1/applications/{client['client_id']}")
    assert shown.status_code == 401
