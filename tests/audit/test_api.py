"""`/v1/events`, `/v1/audit` and their chain over the API (AUD-01 05, API-04; threats A1, A5)."""

from __future__ import annotations

import pytest

from core import context, scope
from core.principal import Actor
from events.sealing import seal_pending
from events.services import emit
from tests.events.helpers import thing
from tests.factories import Browser, access_token, make_cast, make_organization

ANN = Actor("user", "sub_ann", via="app_1")
PATHS = (
    "/v1/events", "/v1/audit", "/v1/audit/verification", "/v1/event-types",
    "/v1/events/{event}", "/v1/audit/{event}",
)  # fmt: skip


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture(scope="module")
def made(cast):
    with (
        context.use(
            context.RequestContext("req_api", ip="192.0.2.5", user_agent="Agent/1", reason="Because")
        ),
        scope.tenant(cast.acme.id),
    ):
        events = [emit("thing.created", actor=ANN, object=thing(f"n{i}")) for i in range(5)]
        events.append(
            emit(
                "thing.updated",
                actor=ANN,
                object=thing("new", email="new@example.com"),
                previous={"name": "old"},
                on_behalf_of=Actor("user", "sub_bob"),
                delegation="dlg_1",
            )
        )
    seal_pending()
    return events


def get(person, path: str, scopes=("events:read", "audit:read"), **options):
    token = access_token(person, scopes, **options)
    return Browser().api("GET", f"/t/{person.tenant.slug}{path}", token)


def listed(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def test_event_reads_as_its_envelope(cast, made):
    answer = get(cast.owner, f"/v1/events/{made[5].public_id}")
    assert answer.status_code == 200
    whole = answer.json()
    assert whole["id"] == made[5].public_id
    assert whole["sequence"].isdigit()
    assert whole["data"]["object"]["name"] == "new"
    assert whole["data"]["context"]["ip"] == "192.0.2.5"


def test_entry_tells_who_what_before_and_after(cast, made):
    entry = get(cast.owner, f"/v1/audit/{made[5].public_id}").json()
    assert entry["object"] == "audit_entry"
    assert entry["action"] == "thing.updated"
    assert entry["actor"] == {"type": "user", "id": "sub_ann", "via": "app_1"}
    assert entry["on_behalf_of"] == {"type": "user", "id": "sub_bob"}
    assert entry["changes"] == [{"field": "name", "before": "old", "after": "new"}]
    told = {"request_id": "req_api", "ip": "192.0.2.5", "user_agent": "Agent/1", "reason": "Because"}
    assert entry["context"] == told
    assert entry["mode"] == "test"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("type=thing.updated", 1),
        ("type=thing.*", 6),
        ("actor=sub_ann", 6),
        ("request_id=req_api", 6),
        ("ip=192.0.2.5&type=thing.created", 5),
        ("on_behalf_of=sub_bob", 1),
        ("q=req_api", 6),
        ("actor=sub_ann&created_at[lt]=2001-01-01T00:00:00Z", 0),
        ("actor=sub_ann&created_at[gte]=2001-01-01T00:00:00Z", 6),
        ("object=thg_none", 0),
    ],
)
def test_API04_filters(cast, made, query, count):
    assert len(listed(get(cast.owner, f"/v1/events?{query}"))) == count
    audit = query.replace("type=", "action=").replace("object=", "target=")
    assert len(listed(get(cast.owner, f"/v1/audit?{audit}"))) == count


@pytest.mark.parametrize("query", ["type=thing.nothing", "organization=x", "ip=abc", "unknown=1", "limit=0"])
def test_bad_filters_are_named(cast, query):
    answer = get(cast.owner, f"/v1/events?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_API04_pages_by_cursor(cast, made):
    seen, path = [], "/v1/events?actor=sub_ann&limit=4"
    answer = get(cast.owner, path).json()
    seen += [event["id"] for event in answer["data"]]
    assert answer["has_more"]
    answer = get(cast.owner, f"{path}&cursor={answer['next_cursor']}").json()
    seen += [event["id"] for event in answer["data"]]
    assert not answer["has_more"]
    assert seen == [event.public_id for event in reversed(made)]


def test_A5_foreign_cursor_is_refused(cast, made):
    cursor = get(cast.owner, "/v1/events?actor=sub_ann&limit=2").json()["next_cursor"]
    for person, query in ((cast.owner, "actor=sub_bob&limit=2"), (cast.other_owner, "actor=sub_ann&limit=2")):
        answer = get(person, f"/v1/events?{query}&cursor={cursor}")
        assert answer.status_code == 400
        assert answer.json()["code"] == "cursor_mismatch"


def test_A1_other_tenants_see_nothing(cast, made):
    assert listed(get(cast.other_owner, "/v1/events?actor=sub_ann")) == []
    assert listed(get(cast.other_owner, "/v1/audit?ip=192.0.2.5")) == []
    foreign = get(cast.other_owner, f"/v1/audit/{made[0].public_id}").json()
    missing = get(cast.other_owner, "/v1/audit/evt_01kb3v9z6tf8rj4m2q7wxyzabc").json()
    for answer in (foreign, missing):
        assert answer.pop("code") == "not_found"
        answer.pop("request_id")
        answer.pop("instance")
    assert foreign == missing


@pytest.mark.parametrize("path", PATHS)
def test_each_address_needs_its_scope(cast, made, path):
    path = path.format(event=made[0].public_id)
    wrong = "events:read" if "audit" in path else "audit:read"
    answer = get(cast.owner, path, scopes=[wrong])
    assert answer.status_code == 403
    assert answer.json()["code"] == "insufficient_scope"
    assert Browser().api("GET", f"/t/{cast.acme.slug}{path}").status_code == 401
    stranger = Browser().api("GET", f"/t/{cast.globex.slug}{path}", access_token(cast.owner, ["events:read"]))
    assert stranger.status_code in (401, 403)


def test_organization_callers_see_their_organization(cast, made):
    north = make_organization(cast.acme, people=[cast.owner])
    with scope.organization(cast.acme.id, north.id):
        own = emit("thing.created", actor=ANN, object=thing("north"))
    found = listed(get(cast.owner, "/v1/events?actor=sub_ann", organization=north))
    assert [event["id"] for event in found] == [own.public_id]
    assert found[0]["orgid"] == north.public_id
    assert get(cast.owner, f"/v1/events/{made[0].public_id}", organization=north).status_code == 404
    refused = get(cast.owner, "/v1/audit/verification", organization=north)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_role")


def test_AUD05_verification_of_the_chain(cast, made):
    seal_pending()
    whole = get(cast.owner, "/v1/audit/verification").json()
    assert whole["valid"]
    assert whole["complete"]
    assert whole["checked"] == whole["head_sequence"] >= 6
    part = get(cast.owner, "/v1/audit/verification?after=0&limit=2").json()
    assert (part["checked"], part["next_after"], part["complete"]) == (2, 2, False)


def test_catalogue_and_schemas(cast):
    types = {item["name"]: item for item in listed(get(cast.owner, "/v1/event-types"))}
    exported = types["audit.exported"]
    assert exported["example"]["object"] == "audit_export"
    path = exported["dataschema"].removeprefix("http://localhost:8000")
    answer = Browser().get(path)
    assert answer.json() == exported["schema"]
    assert Browser().get("/schemas/events/audit.exported/99").status_code == 404
    assert Browser().get("/schemas/events/no.such/1").status_code == 404
