"""API resources: settings, bundles, wildcards, features, import of a catalogue (OAU-22, OAU-25, AZ-01, AZ-02)."""

from __future__ import annotations

import json

import pytest

from core import scope
from events.models import Event
from tests.factories import Browser, Cast, access_token, make_cast, make_member, unique
from tests.oauth.helpers import claims, form, register, service_token, token


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def admin(cast: Cast) -> str:
    """An administrator of their own for each test: writes are limited per person."""
    return access_token(make_member(cast.acme, roles=["owner"]))


def call(cast: Cast, method: str, path: str, credential: str, body: object = None, **headers: str):
    if path.endswith("scope-imports"):
        headers.setdefault("Idempotency_Key", unique("import"))
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", credential, body, **headers)


def make(cast: Cast, admin: str, **settings: object) -> dict:
    body = {"audience": f"https://{unique('api')}.example", "name": "Campaigns", **settings}
    answer = call(cast, "POST", "api-resources", admin, body)
    assert answer.status_code == 201, answer.content
    return answer.json()


ELEVEN = [
    "read:campaigns", "write:campaigns", "read:creatives", "write:creatives", "read:reports",
    "write:reports", "read:audiences", "write:audiences", "read:users", "write:users", "admin",
]  # fmt: skip
STACKFLOW = ["stackflow/api.read", "stackflow/api.write"]
FILES = {
    "lines": "# the catalogue\n" + "\n".join(f"{word}   May {word}" for word in ELEVEN + STACKFLOW),
    "csv": "scope,description,features\n"
    + "\n".join(f'{w},"May {w}",export import' for w in ELEVEN + STACKFLOW),
    "json": json.dumps({"scopes": [{"name": w, "description": f"May {w}"} for w in ELEVEN + STACKFLOW]}),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("named", [True, False])
def test_AZ01_a_catalogue_is_imported_from_a_file(cast: Cast, admin: str, kind: str, named: bool):
    path = f"api-resources/{make(cast, admin)['id']}"
    body = {"content": FILES[kind], **({"format": kind} if named else {})}
    tried = call(cast, "POST", f"{path}/scope-imports", admin, {**body, "dry_run": True})
    assert call(cast, "GET", f"{path}/scopes", admin).json()["data"] == []
    done = call(cast, "POST", f"{path}/scope-imports", admin, body)
    assert done.status_code == 200, done.content
    assert tried.json()["created"] == done.json()["created"] == ELEVEN + STACKFLOW
    rows = call(cast, "GET", f"{path}/scopes?limit=100", admin).json()["data"]
    assert {row["value"]: row["description"] for row in rows} == {w: f"May {w}" for w in ELEVEN + STACKFLOW}
    again = call(cast, "POST", f"{path}/scope-imports", admin, body).json()
    assert (again["created"], again["updated"]) == ([], [])
    assert set(again["unchanged"]) == set(ELEVEN + STACKFLOW)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "#",
        "[1]",
        "{",
        '{"scopes": 7}',
        '[{"value": ["x"]}]',
        '["two words"]',
        '["a", "a"]',
        '["a:*"]',
        '[{"value": "b", "bundles": ["missing"]}]',
        '[{"value": "a", "bundles": ["b"]}, {"value": "b", "bundles": ["a"]}]',
        "[" * 5000,
        'scope,description\n"quo""te",x',
        "ümlaut",
        r'[{"value": "a", "features": ["\u0000"]}]',
        "\n".join(f"s{n}" for n in range(1001)),
        json.dumps([{"value": "a", "description": "x" * 301}]),
    ],
)
def test_AZ01_a_file_with_a_fault_changes_nothing(cast: Cast, admin: str, content: str):
    path = f"api-resources/{make(cast, admin)['id']}"
    answer = call(cast, "POST", f"{path}/scope-imports", admin, {"content": content})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed"), answer.content
    assert call(cast, "GET", f"{path}/scopes", admin).json()["data"] == []


def world(cast: Cast, admin: str) -> dict:
    made = make(cast, admin)
    path = f"api-resources/{made['id']}"
    native = ["workflow:read", "workflow:run", "ticket:read", "ticket:write"]
    bundles = [
        {"value": "read-only", "bundles": ["workflow:read", "ticket:read"], "description": "Reads"},
        {"value": "itsm-write", "bundles": ["ticket:*"], "features": ["Service desk"]},
    ]
    content = json.dumps([*native, *bundles])
    answer = call(cast, "POST", f"{path}/scope-imports", admin, {"content": content})
    assert answer.status_code == 200, answer.content
    return made


def machine(cast: Cast, made: dict, scopes: list[str]):
    return register(cast.acme, "machine", scopes=scopes, resources=[made["audience"]])


def test_AZ01_bundles_are_expanded_when_a_key_is_made(cast: Cast, admin: str):
    made = world(cast, admin)
    body = {"name": "Key", "resource_id": made["id"], "scopes": ["read-only", "itsm-write"]}
    answer = call(cast, "POST", "api-keys", admin, body)
    assert answer.status_code == 201, answer.content
    assert answer.json()["scopes"] == ["ticket:read", "ticket:write", "workflow:read"]


def test_AZ01_tokens_carry_native_scopes_only(cast: Cast, admin: str):
    made = world(cast, admin)
    app = machine(cast, made, ["read-only", "workflow:*"])
    assert app.application.scopes == ["workflow:read", "ticket:read", "workflow:run"]
    assert claims(service_token(cast.acme, app, scope="read-only"))["scope"] == "workflow:read ticket:read"
    assert claims(service_token(cast.acme, app, scope="workflow:*"))["scope"] == "workflow:read workflow:run"


def test_O5_a_wildcard_gives_no_more_than_the_client_has(cast: Cast, admin: str):
    made = world(cast, admin)
    app = machine(cast, made, ["workflow:read"])
    for word in ("workflow:*", "read-only", "ticket:*", "*", ":*", "w*", "workflow:r*", "nothing:*"):
        answer = token(cast.acme, {"grant_type": "client_credentials", "scope": word}, app=app)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope"), word


def test_AZ02_a_wildcard_reaches_no_other_resource_and_no_bundle(cast: Cast, admin: str):
    made, other = world(cast, admin), make(cast, admin)
    for value in ("ticket:delete", "ticket:all"):
        body = {"value": value, **({"bundles": ["ticket:delete"]} if value.endswith("all") else {})}
        answer = call(cast, "POST", f"api-resources/{other['id']}/scopes", admin, body)
        assert answer.status_code == 201, answer.content
    app = machine(cast, made, ["ticket:*"])
    assert app.application.scopes == ["ticket:read", "ticket:write"]
    assert machine(cast, other, ["ticket:delete"]).application.scopes == ["ticket:delete"]


def test_AZ01_what_uses_a_scope_is_listed_and_found(cast: Cast, admin: str):
    path = f"api-resources/{world(cast, admin)['id']}/scopes"
    found = call(cast, "GET", f"{path}?feature=Service desk", admin).json()["data"]
    assert [(row["value"], row["features"]) for row in found] == [("itsm-write", ["Service desk"])]
    changed = call(cast, "PATCH", f"{path}/{found[0]['id']}", admin, {"features": ["Desk", "Chat"]})
    assert changed.json()["features"] == ["Desk", "Chat"]
    assert call(cast, "PATCH", f"{path}/{found[0]['id']}", admin, {"bundles": []}).status_code == 400


def test_scopes_in_use_stay(cast: Cast, admin: str):
    made = world(cast, admin)
    path = f"api-resources/{made['id']}"
    ids = {row["value"]: row["id"] for row in call(cast, "GET", f"{path}/scopes", admin).json()["data"]}
    app = machine(cast, made, ["workflow:run"])
    call(
        cast, "POST", "api-keys", admin, {"name": "K", "resource_id": made["id"], "scopes": ["ticket:write"]}
    )
    for word in ("workflow:run", "ticket:write", "ticket:read"):
        answer = call(cast, "DELETE", f"{path}/scopes/{ids[word]}", admin)
        assert (answer.status_code, answer.json()["code"]) == (409, "in_use"), word
    assert call(cast, "DELETE", path, admin).json()["code"] == "in_use"
    assert call(cast, "DELETE", f"{path}/scopes/{ids['read-only']}", admin).status_code == 204
    assert service_token(cast.acme, app)


BAD = [
    {"token_lifetime": 10},
    {"token_lifetime": 3601},
    {"signing_alg": "HS256"},
    {"signing_alg": "none"},
    {"error_dialect": "klingon"},
    {"accepted_token_types": {"robot": ["access_token"]}},
    {"accepted_token_types": {"service": ["id_token"]}, "id_token_clients": ["x"]},
    {"accepted_token_types": {"user": ["id_token"]}},
    {"accepted_token_types": {"user": []}},
    {"accepted_token_types": {"user": ["refresh_token"]}},
    {"id_token_clients": ["a\nb"]},
    {"acr_values": ["two words"]},
    {"acr_values": ['a"b']},
    {"max_age": -1},
    {"documentation_url": "javascript:alert(1)"},
    {"claim_mapping": [{"claim": "sub", "source": "constant", "value": "x"}]},
    {"claim_mapping": [{"claim": "permissions"}]},
]


@pytest.mark.parametrize("settings", BAD)
def test_OAU22_unfit_settings_are_refused(cast: Cast, admin: str, settings: dict):
    body = {"audience": f"https://{unique('api')}.example", "name": "Bad", **settings}
    answer = call(cast, "POST", "api-resources", admin, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed"), answer.content


def test_OAU25_the_tenants_policy_bounds_token_life(cast: Cast, admin: str):
    made = make(cast, admin, token_lifetime=3600)
    tag = call(cast, "GET", "tenant/policy", admin).headers["ETag"]
    changed = {"access_token_lifetime_max": 900}
    assert call(cast, "PATCH", "tenant/policy", admin, changed, If_Match=tag).status_code == 200
    path = f"api-resources/{made['id']}"
    call(cast, "POST", f"{path}/scopes", admin, {"value": "x:read"})
    short = claims(service_token(cast.acme, machine(cast, made, ["x:read"])))
    assert short["exp"] - short["iat"] == 900  # chosen before, and bounded now
    assert call(cast, "PATCH", path, admin, {"token_lifetime": 901}).status_code == 400
    assert call(cast, "PATCH", path, admin, {"token_lifetime": 900}).status_code == 200
    body = {"name": "M", "type": "machine", "scopes": ["members:read"], "access_token_lifetime": 901}
    assert call(cast, "POST", "applications", admin, body).status_code == 400
    tag = call(cast, "GET", "tenant/policy", admin).headers["ETag"]
    call(cast, "PATCH", "tenant/policy", admin, {"access_token_lifetime_max": 3600}, If_Match=tag)


def test_resources_are_filtered_and_events_tell_what_changed(cast: Cast, admin: str):
    made = make(cast, admin, signing_alg="EdDSA", error_dialect="upper")
    found = call(cast, "GET", "api-resources?signing_alg=EdDSA&error_dialect=upper", admin).json()["data"]
    assert [row["id"] for row in found] == [made["id"]]
    call(cast, "PATCH", f"api-resources/{made['id']}", admin, {"error_dialect": "simple", "max_age": 60})
    with scope.tenant(cast.acme.id):
        event = Event.objects.filter(type="resource_server.updated", object_id=made["id"]).latest(
            "created_at"
        )
    told = json.loads(bytes(event.canonical))["data"]
    assert told["previous"] == {"error_dialect": "upper", "max_age": None}
    assert told["object"]["error_dialect"] == "simple"


def test_a_stranger_sees_and_changes_nothing(cast: Cast, admin: str):
    made = world(cast, admin)
    foreign = access_token(cast.other_owner)
    path = f"/t/{cast.globex.slug}/v1/api-resources/{made['id']}"
    assert Browser().api("GET", path, foreign).status_code == 404
    assert Browser().api("PATCH", path, foreign, {"name": "Mine"}).status_code == 404
    headers = {"Idempotency_Key": unique("i")}
    assert (
        Browser().api("POST", f"{path}/scope-imports", foreign, {"content": "x"}, **headers).status_code
        == 404
    )
    plain = access_token(make_member(cast.acme, roles=["viewer"]))
    answer = call(cast, "POST", f"api-resources/{made['id']}/scope-imports", plain, {"content": "x"})
    assert answer.status_code == 403


def test_T2_a_token_for_one_api_is_refused_by_anothers_validator(cast: Cast, admin: str):
    """OAU-22: one audience per token."""
    mine, other = world(cast, admin), world(cast, admin)
    access = service_token(cast.acme, machine(cast, mine, ["ticket:read"]))
    assert claims(access)["aud"] == mine["audience"]
    for made, active in ((mine, True), (other, False)):
        server = register(cast.acme, "machine", introspection_audiences=[made["audience"]])
        answer = form(cast.acme, "/oauth/introspect", {"token": access}, app=server).json()
        assert answer["active"] is active


def test_OAU22_a_shared_scope_without_resource_is_ambiguous(cast: Cast, admin: str):
    mine, other = world(cast, admin), world(cast, admin)
    audiences = [mine["audience"], other["audience"]]
    app = register(cast.acme, "machine", scopes=["ticket:read"], resources=audiences)
    wanted = {"grant_type": "client_credentials", "scope": "ticket:read"}
    answer = token(cast.acme, wanted, app=app)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    for audience in audiences:
        found = token(cast.acme, {**wanted, "resource": audience}, app=app).json()["access_token"]
        assert claims(found)["aud"] == audience


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
def test_OAU22_each_api_has_its_signing_algorithm(cast: Cast, admin: str, alg: str):
    from core import jose

    made = make(cast, admin, signing_alg=alg)
    call(cast, "POST", f"api-resources/{made['id']}/scopes", admin, {"value": "x:read"})
    access = service_token(cast.acme, machine(cast, made, ["x:read"]))
    assert jose.unverified_header(access)["alg"] == alg
    published = Browser().get(f"/t/{cast.acme.slug}/.well-known/jwks.json").json()["keys"]
    known = [jose.verifying_key(key, key["alg"]) for key in published]
    assert jose.verify(access, known, typ="at+jwt")["aud"] == made["audience"]
