"""`manage.py demo`: two tenants, a record for outside programs, and nothing changed by a second run."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from apikeys.models import ApiKey
from core import scope
from tenants import selectors
from tests.factories import Browser
from tests.factories.factors import code_of
from tests.factories.hosted import sign_in
from tests.oauth.registering import registering

SHAPE = {
    "id", "issuer", "dashboard", "portal", "api", "owner", "member", "suspended", "organizations",
    "applications", "api_resource", "api_keys", "webhook", "initial_access_token",
}  # fmt: skip


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def run(var: Path, *arguments: str) -> dict[str, Any]:
    allowed = ["localhost:8000", "127.0.0.1:9911"]
    with override_settings(VAR_DIR=var, OUTBOUND_ALLOW=allowed), open(os.devnull, "w") as nowhere:  # noqa: PTH123
        call_command("demo", *arguments, stdout=nowhere)
    return json.loads((var / "demo.json").read_text())


def test_the_record_has_the_promised_shape_and_is_private(var: Path) -> None:
    made = run(var)
    assert set(made) == {"origin", "mailbox", "database_app_url", "tenants"}
    assert set(made["tenants"]) == {"acme", "globex"}
    assert set(made["tenants"]["acme"]) >= SHAPE
    assert {"spa", "web", "native", "device", "machine", "machine_jwt"} <= set(
        made["tenants"]["acme"]["applications"]
    )
    assert stat.S_IMODE((var / "demo.json").stat().st_mode) == 0o600


def test_its_keys_work_and_keep_to_their_tenant(var: Path) -> None:
    made = run(var)["tenants"]
    reader = made["acme"]["api_keys"]["reader"]
    assert Browser().api("GET", "/t/acme/v1/members", reader).status_code == 200
    assert Browser().api("GET", "/t/globex/v1/members", reader).json()["code"] == "tenant_mismatch"
    customer = made["acme"]["organizations"][0]
    listed = Browser().api("GET", "/t/acme/v1/organizations", customer["api_key"]).json()["data"]
    assert [row["id"] for row in listed] == [customer["id"]]


def test_one_owner_has_an_app_and_one_member_a_passkey(var: Path) -> None:
    acme = run(var)["tenants"]["acme"]
    browser, secured = Browser(), acme["secured"]
    asked = browser.follow(sign_in(browser, None, secured["email"], secured["password"]))
    key = base64.b32decode(secured["totp_secret"])
    assert browser.follow(browser.submit(asked, {"code": code_of(key)})).status_code == 200
    assert browser.get("/dashboard/acme/").status_code == 200
    assert {"credential_id", "user_handle", "rp_id", "private_key"} == set(acme["passkeyed"]["passkey"])


def test_its_initial_access_token_registers_clients_of_its_tenant_only(var: Path) -> None:
    held = run(var)["tenants"]["acme"]["initial_access_token"]
    wanted = {"client_name": "Demo", "redirect_uris": ["https://demo.example/cb"]}
    assert registering(selectors.by_slug("acme"), wanted, held).status_code == 201
    assert registering(selectors.by_slug("globex"), wanted, held).status_code == 401


def test_its_applications_get_tokens_for_the_api_of_the_tenant_too(var: Path) -> None:
    acme = run(var)["tenants"]["acme"]
    machine, api = acme["applications"]["machine"], acme["api_resource"]
    pair = base64.b64encode(f"{machine['client_id']}:{machine['client_secret']}".encode()).decode()

    def granted(**asked: str) -> dict[str, Any]:
        answer = Browser().post(
            "/t/acme/oauth/token",
            urlencode({"grant_type": "client_credentials", **asked}),
            content_type="application/x-www-form-urlencoded",
            headers={"Authorization": f"Basic {pair}"},
        )
        assert answer.status_code == 200, answer.content
        return answer.json()

    assert granted()["scope"].split() == machine["scopes"]
    assert granted(resource=api["audience"])["scope"].split() == api["scopes"]
    assert granted(scope=api["scopes"][0], resource=api["audience"])["scope"] == api["scopes"][0]


def test_USR12_its_groups_give_their_people_roles(var: Path) -> None:
    acme = run(var)["tenants"]["acme"]
    key = acme["api_keys"]["admin"]
    listed = Browser().api("GET", "/v1/groups", key).json()["data"]
    assert {row["name"]: row["role_count"] for row in listed} == {
        "Buyers": 1,
        "Customer care": 1,
        "Engineering": 1,
        "Pilot": 0,
    }
    people = Browser().api("GET", "/v1/members?q=priya&include=groups,roles", key).json()["data"]
    assert {row["name"] for row in people[0]["groups"]} == {"Engineering", "Pilot"}
    assert [row["name"] for row in people[0]["roles"]] == ["developer"]


def test_a_second_run_changes_nothing(var: Path) -> None:
    first = run(var)
    acme = selectors.by_slug("acme")
    assert acme is not None
    with scope.tenant(acme.id):
        keys = ApiKey.objects.count()
    assert run(var) == first
    with scope.tenant(acme.id):
        assert ApiKey.objects.count() == keys


def test_more_addresses_and_a_receiver_are_registered_once(var: Path) -> None:
    more = ("--redirect-uri=http://localhost:9000/cb", "--origin=http://localhost:9000")
    hook = "--webhook-url=http://127.0.0.1:9911/hook"
    run(var, *more, hook)
    acme = run(var, *more, hook)["tenants"]["acme"]
    assert acme["applications"]["web"]["redirect_uris"].count("http://localhost:9000/cb") == 1
    assert [entry["url"] for entry in acme["webhooks"]] == ["http://127.0.0.1:9911/hook"]
    assert acme["webhooks"][0]["secret"].startswith("whsec_")


def test_P3_it_never_runs_in_production(var: Path) -> None:
    with override_settings(PRODUCTION=True), pytest.raises(CommandError):
        call_command("demo")
