"""AUD-07, threats T5 and U2: after a whole run no secret stands in a log, in the database or in a refusal.

The product runs in processes of its own and writes its logs as `./bin/dev` does; a person, an application and an
administrator do all that makes or sends a secret, rightly and wrongly, and every value is then looked for.
"""

from __future__ import annotations

import secrets as random
import time
from typing import Any

import httpx
import pytest
from django.db import connections

from core import scope
from core.principal import SYSTEM
from tenants import members
from tests.api.callers import api_key
from tests.factories import Cast, Person, make_account, make_cast
from tests.oauth.helpers import register
from tests.protocol.hosted_pages import HostedPages
from tests.protocol.relying_party import RelyingParty

pytestmark = pytest.mark.slow
CALLBACK = "http://localhost:8999/callback"


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


class Run:
    """What was done, every secret that was seen on the way, and all answers that were refusals."""

    def __init__(self, cast: Cast, served: Any) -> None:
        self.cast, self.issuer = cast, served.issuer(cast.acme)
        self.seen: dict[str, str] = {}
        self.refusals: list[str] = []
        self.admin = {"Authorization": f"Bearer {self.keep('admin key', api_key(cast.acme, cast.owner))}"}

    def keep(self, name: str, value: str) -> str:
        assert len(value) > 12, name
        self.seen[name] = value
        return value

    def refused(self, answer: httpx.Response) -> None:
        assert 400 <= answer.status_code < 500, answer.text
        self.refusals.append(answer.text + str(answer.headers))

    def person_signs_in(self) -> None:
        """With a wrong password first, through consent, to tokens that are refreshed and replayed."""
        password = self.keep("password", f"quiet otters fold {random.token_hex(6)} maps")
        guess = self.keep("wrong password", f"loud otters fold {random.token_hex(6)} maps")
        person = make_account(password=password)
        with scope.tenant(self.cast.acme.id):
            members.create_member(
                actor=SYSTEM, email=person.email, account_id=person.account_id, email_verified=True
            )
        party = RelyingParty(self.issuer, register(self.cast.acme, redirect_uris=[CALLBACK]))
        self.keep("client secret", party.app.secret)
        visitor = HostedPages(Person(person.account_id, person.email, guess), CALLBACK)
        with pytest.raises(AssertionError):
            visitor.go(party.request(scope="openid email offline_access"))
        visitor = HostedPages(person, CALLBACK)
        code = party.code_of(visitor.go(party.request(scope="openid email offline_access")))
        self.keep("code", code)
        self.keep("code verifier", party.verifier)
        for cookie in visitor.http.cookies.jar:
            if len(cookie.value or "") > 30 and cookie.name != "language":
                self.keep(f"cookie {cookie.name}", cookie.value or "")
        self.refused(party.redeem(code, code_verifier=self.keep("wrong verifier", random.token_urlsafe(48))))
        self.tokens_of(party, party.checked(party.redeem(code)), code)

    def tokens_of(self, party: RelyingParty, body: dict[str, Any], code: str) -> None:
        self.keep("refresh token", body["refresh_token"])
        for name in ("access_token", "id_token"):
            self.keep(f"signature of {name}", body[name].rpartition(".")[2])
        again = party.checked(party.refresh(body["refresh_token"]))
        self.keep("second refresh token", again["refresh_token"])
        self.keep("signature of second access token", again["access_token"].rpartition(".")[2])
        self.refused(
            httpx.get(f"{self.issuer}/oauth/userinfo", params={"access_token": again["access_token"]})
        )
        self.refused(
            httpx.get(f"{self.issuer}/v1/me", headers={"Authorization": f"Bearer {body['id_token']}"})
        )
        self.refused(party.redeem(code))
        self.refused(party.refresh(body["refresh_token"]))

    def administrator_makes_secrets(self) -> None:
        """Those of the API, each with an idempotency key, so that the stored answer is looked at as well."""
        made = self.call("POST", "api-keys", {"name": "k", "scopes": ["members:read"]})
        key = self.keep("api key", made["secret"])
        hook = self.call("POST", "webhook-endpoints", {"url": "https://hooks.example/x", "events": ["*"]})
        self.keep("webhook secret", hook["secret"].removeprefix("whsec_"))
        app = self.call("POST", "applications", {"name": "M", "type": "machine", "scopes": ["members:read"]})
        self.keep("machine's secret", app["client_secret"])
        turned = self.call("POST", f"applications/{app['id']}/secret-rotation", {})
        self.keep("rotated secret", turned["client_secret"])
        access = self.call("POST", "initial-access-tokens", {"name": "t"})
        self.keep(
            "initial access token",
            next(value for name, value in access.items() if name in ("token", "secret")),
        )
        self.wrong_places(key, app["client_id"])

    def wrong_places(self, key: str, client_id: str) -> None:
        """Where people put credentials by mistake: addresses, other headers, other fields."""
        self.refused(httpx.get(f"{self.issuer}/v1/members", params={"api_key": key, "access_token": key}))
        self.refused(httpx.get(f"{self.issuer}/v1/members/{key}", headers={"X-API-Key": key + "x"}))
        self.refused(httpx.get(f"{self.issuer}/v1/members", headers={"Authorization": f"Basic {key}"}))
        self.refused(
            httpx.post(f"{self.issuer}/v1/organizations", headers=self.admin, json={"name": 5, key: key})
        )
        self.refused(
            httpx.get(f"{self.issuer}/v1/members", headers=self.admin, params={key: "1", "cursor": key})
        )
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": key,
            "scope": key,
        }
        self.refused(httpx.post(f"{self.issuer}/oauth/token", data=form))
        self.refused(httpx.post(f"{self.issuer}/oauth/token", params=form, data={"x": key}))

    def call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {**self.admin, "Idempotency-Key": random.token_hex(8)}
        answer = httpx.request(method, f"{self.issuer}/v1/{path}", json=body, headers=headers)
        assert answer.status_code in (200, 201), (path, answer.text)
        again = httpx.request(method, f"{self.issuer}/v1/{path}", json=body, headers=headers)
        assert again.headers["Idempotent-Replayed"] == "true", path
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="module")
def run(cast: Cast, served: Any) -> Run:
    done = Run(cast, served)
    done.person_signs_in()
    done.administrator_makes_secrets()
    assert len(done.seen) >= 14, sorted(done.seen)
    return done


def test_AUD07_U2_no_secret_is_in_any_log(run: Run, served: Any) -> None:
    time.sleep(1)  # lines are written together every 0.2 s
    log = served.log.read_text(errors="replace")
    assert "/oauth/token" in log and "/v1/api-keys" in log, "the log was written"
    assert [name for name, value in run.seen.items() if value in log] == []


def test_T5_no_secret_is_in_any_table(run: Run) -> None:
    found = []
    spelled = {name: (value, value.encode().hex()) for name, value in run.seen.items()}
    with connections["owner"].cursor() as cursor:
        for table in connections["owner"].introspection.table_names(cursor):
            for name, spellings in spelled.items():
                cursor.execute(
                    f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE ANY(%s)',
                    [[f"%{text}%" for text in spellings]],
                )
                found += [(name, table)] if cursor.fetchone()[0] else []
    assert found == []


def test_U2_no_refusal_repeats_what_it_was_sent(run: Run) -> None:
    assert len(run.refusals) >= 10
    assert [name for name, value in run.seen.items() if any(value in text for text in run.refusals)] == []
