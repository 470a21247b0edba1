"""API-05 at the token endpoint: counted per client and network, refused in OAuth's own form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from oauth import token_limits
from tests.api.test_idempotency import together
from tests.factories import Cast, make_cast
from tests.oauth.helpers import basic, form, register

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each class admit five requests a minute."""
    for name in ("CONFIDENTIAL", "PUBLIC", "FAILED"):
        monkeypatch.setattr(token_limits, name, replace(getattr(token_limits, name), quota=5))


def ask(tenant: Any, app: Any, ip: str = "192.0.2.1", **headers: str) -> Any:
    return form(tenant, "/oauth/token", GRANT, app=app, **headers | {"X_Forwarded_For": ip})


@pytest.fixture(autouse=True)
def behind_a_proxy(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1


def test_API05_a_client_over_its_limit_gets_an_oauth_429(cast: Cast) -> None:
    app = register(cast.acme, "machine")
    answers = [ask(cast.acme, app) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    refused = answers[5]
    assert set(refused.json()) == {"error", "error_description"}
    assert refused.json()["error"] == "temporarily_unavailable"
    assert 1 <= int(refused.headers["Retry-After"]) <= 120
    assert refused.headers["Cache-Control"] == "no-store"
    assert '"token";q=5;w=60' in refused.headers["RateLimit-Policy"]


def test_API05_another_client_network_or_tenant_is_untouched(cast: Cast) -> None:
    app, other, foreign = (
        register(cast.acme, "machine"),
        register(cast.acme, "machine"),
        register(cast.globex, "machine"),
    )
    for _ in range(6):
        ask(cast.acme, app)
    assert ask(cast.acme, app).status_code == 429
    assert ask(cast.acme, app, "192.0.2.2").status_code == 200
    assert ask(cast.acme, other).status_code == 200
    assert ask(cast.globex, foreign).status_code == 200


def test_API05_a_stranger_cannot_use_up_a_clients_share(cast: Cast) -> None:
    app = register(cast.acme, "machine")
    wrong = basic(app.application.client_id, "wrong")
    answers = [ask(cast.acme, app, "192.0.2.66", Authorization=wrong) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert ask(cast.acme, app, "192.0.2.66").status_code == 200
    assert ask(cast.acme, app).status_code == 200


def test_API05_one_network_of_IPv6_is_one_network(cast: Cast) -> None:
    app = register(cast.acme, "machine")
    codes = [ask(cast.acme, app, f"2001:db8::{number}").status_code for number in range(1, 8)]
    assert codes == [200] * 5 + [429] * 2


def test_R14_parallel_requests_never_exceed_the_limit(cast: Cast) -> None:
    app = register(cast.acme, "machine")
    codes = together(30, lambda _: ask(cast.acme, app).status_code)
    assert codes.count(200) <= 5
    assert set(codes) <= {200, 429, 503}


def test_API05_a_browser_may_read_the_refusal_of_its_own_application(cast: Cast) -> None:
    app = register(cast.acme, "spa", origins=["https://spa.example"])
    parameters = {"grant_type": "refresh_token", "refresh_token": "x"}
    for _ in range(6):
        answer = form(
            cast.acme, "/oauth/token", parameters, app=app, Origin="https://spa.example",
            X_Forwarded_For="192.0.2.9",
        )  # fmt: skip
    assert answer.status_code == 429
    assert answer.headers["Access-Control-Allow-Origin"] == "https://spa.example"
