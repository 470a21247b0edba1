"""The tenant's own `/v1` speaks its refusals in the dialect that the tenant chose (API-03, api-conventions §4)."""

from __future__ import annotations

from typing import Any

import pytest

from core import scope
from roles import resources, selectors
from tests.api.callers import api_key, problem
from tests.factories import Browser, Cast, access_token, make_cast, make_principal, unique
from tests.factories.hosted import at_home

ADDRESS = "/v1/organizations"
SIMPLE = {
    "token_missing": "unauthorized", "token_invalid": "unauthorized", "not_found": "not_found",
    "validation_failed": "invalid_request", "tenant_mismatch": "org_mismatch", "method_not_allowed": "invalid_request",
    "insufficient_scope": "forbidden",
}  # fmt: skip


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def speak(cast: Cast, dialect: str) -> None:
    with scope.tenant(cast.acme.id):
        row = selectors.api_resources().get(is_control_plane=True)
        resources.update_resource(
            actor=make_principal(cast.acme), resource=row, changes={"error_dialect": dialect}
        )


def refusals(cast: Cast) -> list[tuple[str, Any]]:
    """Return refusals of every stage of the door, each with the code that is the contract."""
    token, beneath = access_token(cast.owner), f"/t/{cast.acme.slug}{ADDRESS}"
    weak = access_token(cast.owner, scopes=["members:read"])
    return [
        ("token_missing", Browser().get(beneath)),
        ("token_invalid", Browser().api("GET", beneath, "nonsense")),
        ("tenant_mismatch", Browser().api("GET", beneath, access_token(cast.other_owner))),
        ("insufficient_scope", Browser().api("GET", ADDRESS, weak)),
        ("method_not_allowed", Browser().api("DELETE", beneath, token)),
        ("not_found", Browser().api("GET", f"{ADDRESS}/org_nothing", token)),
        ("not_found", Browser().api("GET", f"/t/{cast.acme.slug}/v1/no-such-thing", token)),
        ("validation_failed", Browser().api("POST", ADDRESS, token, {"name": ""})),
    ]


def test_API03_upper(cast: Cast) -> None:
    usual = refusals(cast)
    speak(cast, "upper")
    for (code, before), (_, after) in zip(usual, refusals(cast), strict=True):
        told = problem(before, before.status_code, code)
        assert after.json() == {"error": {"code": code.upper(), "message": told["detail"]}}
        assert after.status_code == before.status_code
        assert after.headers["Content-Type"] == "application/json"
        assert after.headers.get("WWW-Authenticate") == before.headers.get("WWW-Authenticate")


def test_API03_simple(cast: Cast) -> None:
    speak(cast, "simple")
    for code, after in refusals(cast):
        assert (after.json()["code"], set(after.json())) == (SIMPLE[code], {"code", "message"})


def test_API03_it_is_set_by_page_and_api_and_changes_nothing_for_the_neighbour(cast: Cast) -> None:
    token = access_token(cast.owner)
    rows = Browser().api("GET", "/v1/api-resources", token).json()["data"]
    own = next(row for row in rows if row["is_control_plane"])
    browser, page = at_home(cast.owner), f"/dashboard/{cast.acme.slug}/api-resources/{own['id']}/settings"
    assert browser.submit(browser.get(page), {"error_dialect": "simple"}, to=page).status_code == 303
    assert Browser().get(f"/t/{cast.acme.slug}{ADDRESS}").json()["code"] == "unauthorized"
    problem(Browser().get(f"/t/{cast.globex.slug}{ADDRESS}"), 401, "token_missing")
    problem(Browser().get(ADDRESS), 401, "token_missing")
    back = Browser().api("PATCH", f"/v1/api-resources/{own['id']}", token, {"error_dialect": "problem"})
    assert back.status_code == 200, back.content
    problem(Browser().get(f"/t/{cast.acme.slug}{ADDRESS}"), 401, "token_missing")
    refused = Browser().api("PATCH", f"/v1/api-resources/{own['id']}", token, {"error_dialect": "klingon"})
    problem(refused, 400, "validation_failed")


def test_API03_a_keys_caller_hears_its_tenants_dialect_at_the_bare_origin(cast: Cast) -> None:
    key = api_key(cast.acme, cast.owner, scopes=["members:read"])
    speak(cast, "simple")
    assert Browser().api("GET", ADDRESS, key).json()["code"] == "forbidden"
    assert Browser().api("GET", f"/t/{cast.globex.slug}{ADDRESS}", key).json()["code"] == "tenant_mismatch"
    exchange = {"grant_type": "api_key", "api_key": unique("sk_test_")}
    refused = Browser().api("POST", f"/t/{cast.acme.slug}/v1/auth/token", body=exchange)
    assert refused.json()["code"] == "unauthorized"


def test_an_unknown_tenant_and_other_addresses_speak_as_usual(cast: Cast) -> None:
    speak(cast, "simple")
    problem(Browser().get(f"/t/{unique('nobody')}{ADDRESS}"), 401, "token_missing")
    assert "error" in Browser().post(f"/t/{cast.acme.slug}/oauth/token").json()
