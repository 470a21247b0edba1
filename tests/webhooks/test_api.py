"""`/v1/webhook-endpoints` through the front door (WH-01, WH-03, WH-05, WH-06, C10, C11)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.factories import Browser, Cast, access_token, make_organization
from tests.webhooks.receiver import happen, make_due, receiving
from webhooks import pump

URL = "https://hooks.example.invalid/claviger"


class Api:
    def __init__(self, tenant: Any, token: str) -> None:
        self.base, self.token, self.browser = f"/t/{tenant.slug}/v1", token, Browser()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.browser.api(method, self.base + path, self.token, body, **headers)

    def create(self, **changes: Any) -> Any:
        return self("POST", "/webhook-endpoints", {"url": URL, "events": ["organization.*"], **changes})


@pytest.fixture
def api(cast: Cast) -> Api:
    return Api(cast.acme, access_token(cast.owner))


def test_WH01_an_endpoint_is_registered_read_changed_and_deleted(api: Api) -> None:
    made = api.create(description="Our CRM")
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    whole = made.json()
    assert whole["id"].startswith("whe_")
    assert whole["secret"].startswith("whsec_")
    assert (whole["object"], whole["mode"], whole["status"]) == ("webhook_endpoint", "test", "active")
    path = f"/webhook-endpoints/{whole['id']}"
    read = api("GET", path)
    assert "secret" not in read.json()
    assert "whsec" not in read.content.decode()
    stale = api("PATCH", path, {"description": "x"}, If_Match='"no"')
    assert stale.status_code == 412
    changed = api("PATCH", path, {"events": ["*"]}, If_Match=read.headers["ETag"])
    assert changed.json()["events"] == ["*"]
    assert changed.json()["description"] == "Our CRM"
    assert api("PATCH", path, {"description": None}).json()["description"] == ""
    assert api("GET", "/webhook-endpoints").json()["data"][0]["id"] == whole["id"]
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.invalid/x",
        "https://10.1.2.3/x",
        "https://localhost/x",
        "https://x:y@example.com",
    ],
)
def test_WH01_http_and_private_addresses_are_refused(api: Api, url: str) -> None:
    refused = api.create(url=url)
    assert (refused.status_code, refused.json()["code"]) == (400, "address_unusable")


@pytest.mark.parametrize(
    "changes",
    [
        {"events": ["no.such.event"]},
        {"events": []},
        {"events": "user.*"},
        {"payload": "huge"},
        {"max_in_flight": 51},
        {"max_in_flight": "5"},
        {"url": 5},
        {"tenant_id": "ten_x"},
        {"status": "disabled"},
        {"metadata": {"a": 1}},
    ],
)
def test_bad_input_is_a_problem_and_stores_nothing(api: Api, changes: dict[str, Any]) -> None:
    refused = api.create(**changes)
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_failed")
    assert api("GET", "/webhook-endpoints").json()["data"] == []


def test_C10_a_rotation_shows_the_new_secret_once(api: Api) -> None:
    made = api.create().json()
    rotated = api("POST", f"/webhook-endpoints/{made['id']}/secret-rotation", {"grace_seconds": 0})
    assert rotated.status_code == 201
    assert rotated.json()["secret"] not in ("", made["secret"])
    too_long = api("POST", f"/webhook-endpoints/{made['id']}/secret-rotation", {"grace_seconds": 604801})
    assert too_long.status_code == 400


def test_states_are_resources(api: Api) -> None:
    path = f"/webhook-endpoints/{api.create().json()['id']}"
    assert api("PUT", f"{path}/suspension", {"reason": "maintenance"}).json()["status"] == "paused"
    assert api("GET", f"{path}").json()["status_reason"] == "maintenance"
    assert api("DELETE", f"{path}/suspension").status_code == 204
    assert api("GET", path).json()["status"] == "active"
    assert api("PUT", f"{path}/activation").json()["status"] == "active"


def test_WH05_WH06_test_deliveries_attempts_and_redelivery(cast: Cast, api: Api) -> None:
    answers = iter([500, 200, 200])
    with receiving(lambda _: (next(answers), {})) as receiver:
        made = api.create(url=receiver.url, events=["webhook.endpoint.deleted"]).json()
        path = f"/webhook-endpoints/{made['id']}"
        assert api("POST", f"{path}/test").json()["code"] == "idempotency_key_missing"
        sent = api("POST", f"{path}/test", Idempotency_Key="once")
        assert sent.status_code == 202
        assert api("POST", f"{path}/test", Idempotency_Key="once").json() == sent.json()
        happen(cast.acme, 0)
        pump.deliver_due()
        make_due(cast.acme)
        pump.deliver_due()
        [delivery] = api("GET", f"{path}/deliveries?status=delivered&type=webhook.test").json()["data"]
        assert api("GET", f"{path}/deliveries?status=exhausted").json()["data"] == []
        assert delivery["event_id"] == sent.json()["event_id"]
        whole = api("GET", f"/webhook-deliveries/{delivery['id']}").json()
        assert [one["status"] for one in whole["attempts"]] == [500, 200]
        assert whole["attempts_made"] == 2
        again = api("POST", f"/webhook-deliveries/{delivery['id']}/redelivery")
        assert (again.status_code, again.json()["status"]) == (202, "pending")
        pump.deliver_due()
    assert len(receiver.received) == 3
    assert len(set(receiver.ids())) == 1
    for got in receiver.received:
        Webhook(made["secret"]).verify(got.body, got.headers)
    assert made["secret"].removeprefix("whsec_") not in str(whole)


def test_recovery_and_replay_take_a_moment_with_offset(api: Api) -> None:
    path = f"/webhook-endpoints/{api.create().json()['id']}"
    for verb in ("recovery", "replay"):
        bad = api("POST", f"{path}/{verb}", {"since": "yesterday"}, Idempotency_Key=verb)
        assert bad.status_code == 400
        assert (
            api(
                "POST", f"{path}/{verb}", {"since": "2020-01-01T00:00:00Z"}, Idempotency_Key=verb + "2"
            ).status_code
            == 400
        )


def test_W4_other_tenants_ids_read_as_missing_byte_for_byte(cast: Cast, api: Api) -> None:
    happen(cast.acme)
    made = api.create().json()
    foreign = Api(cast.globex, access_token(cast.other_owner))
    missing = f"whe_{'0' * 26}"
    for method, tail in (
        ("GET", ""),
        ("DELETE", ""),
        ("PUT", "/suspension"),
        ("POST", "/secret-rotation"),
        ("GET", "/deliveries"),
    ):
        texts = set()
        for one in (made["id"], missing):
            answer = foreign(
                method, f"/webhook-endpoints/{one}{tail}", {} if method in ("PUT", "POST") else None
            )
            assert answer.status_code == 404
            texts.add(re.sub(r"req_\w+|whe_\w+", "", answer.content.decode()))
        assert len(texts) == 1


def test_refused_without_credential_scope_or_role(cast: Cast, api: Api) -> None:
    made = api.create().json()
    path = f"/t/{cast.acme.slug}/v1/webhook-endpoints/{made['id']}"
    browser = Browser()
    assert browser.api("GET", path).json()["code"] == "token_missing"
    reader = access_token(cast.owner, ["webhooks:read"])
    assert browser.api("GET", path, reader).status_code == 200
    assert browser.api("DELETE", path, reader).json()["code"] == "insufficient_scope"
    member = access_token(cast.member)
    assert browser.api("GET", path, member).status_code == 403
    other = access_token(cast.other_owner)
    assert browser.api("GET", path, other).status_code in (401, 403)


def test_an_endpoint_of_an_organization_names_it(cast: Cast, api: Api) -> None:
    ours, theirs = make_organization(cast.acme), make_organization(cast.globex)
    assert api.create(organization_id=ours.public_id).json()["organization_id"] == ours.public_id
    assert api.create(organization_id=theirs.public_id).status_code == 404
