"""`/v1/applications`: registering, reading, changing, disabling, deleting (APP-01, APP-02, APP-04)."""

from __future__ import annotations

import pytest

from core import jose, scope
from events.models import Event
from roles import permissions
from tests.factories import Browser, access_token, make_member, make_organization, make_tenant
from tests.oauth.helpers import basic, register, token

READ, WRITE = ["applications:read"], ["applications:read", "applications:write"]
WEB = {"name": "Shop", "type": "web", "redirect_uris": ["https://shop.example/cb"], "scopes": ["openid"]}


@pytest.fixture
def admin(cast):
    """An administrator of their own for each test: writes are limited per person."""
    return access_token(make_member(cast.acme, roles=["admin"]))


def api(tenant, method, path, credential, body=None, **headers):
    return Browser().api(method, f"/t/{tenant.slug}/v1/applications{path}", credential, body, **headers)


def create(tenant, credential, **changes):
    return api(tenant, "POST", "", credential, {**WEB, **changes})


@pytest.mark.parametrize(
    ("kind", "changes", "method"),
    [
        ("web", {}, "client_secret_basic"),
        ("spa", {"origins": ["https://shop.example"]}, "none"),
        ("native", {"redirect_uris": ["com.example.shop:/cb", "http://127.0.0.1/cb"]}, "none"),
        ("machine", {"redirect_uris": [], "scopes": ["members:read"]}, "client_secret_basic"),
        ("device", {"redirect_uris": []}, "none"),
    ],
)
def test_each_type_is_registered_with_a_client_id_and_the_secret_once(cast, admin, kind, changes, method):
    """APP-01."""
    answer = create(cast.acme, admin, type=kind, **changes)
    assert answer.status_code == 201, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["client_id"] == body["id"]
    assert (body["object"], body["auth_method"], body["status"]) == ("application", method, "active")
    assert bool(body["client_secret"]) is (method != "none")
    again = api(cast.acme, "GET", f"/{body['id']}", admin).json()
    assert "client_secret" not in again
    assert again["redirect_uris"] == changes.get("redirect_uris", WEB["redirect_uris"])


def test_registered_machine_gets_a_token(cast, admin):
    body = create(cast.acme, admin, type="machine", redirect_uris=[], scopes=["members:read"]).json()
    proof = basic(body["client_id"], body["client_secret"])
    answer = token(cast.acme, {"grant_type": "client_credentials"}, Authorization=proof)
    assert answer.status_code == 200


BAD = [
    {"redirect_uris": ["http://shop.example/cb"]},
    {"redirect_uris": ["https://*.shop.example/cb"]},
    {"redirect_uris": ["https://shop.example/cb#x"]},
    {"redirect_uris": ["https://user@shop.example/cb"]},
    {"redirect_uris": ["javascript:alert(1)"]},
    {"redirect_uris": ["com.example.shop:/cb"]},
    {"redirect_uris": ["/cb"]},
    {"redirect_uris": ["https://"]},
    {"redirect_uris": ["https://shop.example:x/cb"]},
    {"redirect_uris": ["https://shop.example/a b"]},
    {"redirect_uris": []},
    {"redirect_uris": ["https://shop.example/cb"] * 2},
    {"redirect_uris": [f"https://shop.example/{n}" for n in range(60)]},
    {"redirect_uris": "https://shop.example/cb"},
    {"post_logout_redirect_uris": ["http://shop.example"]},
    {"origins": ["https://shop.example/"]},
    {"origins": ["https://SHOP.example"]},
    {"origins": ["*"]},
    {"origins": ["https://shop.example:443"]},
    {"scopes": ["no-such-scope"]},
    {"resources": ["https://elsewhere.example"]},
    {"introspection_audiences": ["https://elsewhere.example"]},
    {"grants": ["password"]},
    {"grants": ["implicit"]},
    {"grants": []},
    {"auth_method": "none"},
    {"auth_method": "private_key_jwt"},
    {"jwks": {"keys": []}},
    {"access_token_lifetime": 1},
    {"access_token_lifetime": 86_400},
    {"access_token_lifetime": True},
    {"type": "robot"},
    {"name": ""},
    {"name": "x" * 200},
    {"name": "a\u202eb"},
    {"client_id": "chosen"},
    {"tenant_id": "ten_x"},
    {"is_first_party": "yes"},
    {"metadata": {"a": 1}},
]


@pytest.mark.parametrize("changes", BAD)
def test_O10_unfit_settings_are_refused_and_nothing_is_stored(cast, admin, changes):
    name = "Unfit and never stored"
    answer = create(cast.acme, admin, **{"name": name, **changes})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed"), answer.content
    assert answer.json()["errors"]
    assert api(cast.acme, "GET", "?q=Unfit", admin).json()["data"] == []


def test_L10_unknown_field_is_named(cast, admin):
    errors = create(cast.acme, admin, secret="mine").json()["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [("/secret", "unknown_field")]


def test_live_tenant_takes_https_only(admin):
    """OAU-03: https in live, the loopback rule for native applications."""
    from tests.factories import Person

    tenant = make_tenant(mode="live")
    with scope.tenant(tenant.id):
        from tenants.models import Member

        member = Member.objects.first()
    owner = Person(member.account_id, member.email, member=member, tenant=tenant)
    token_ = access_token(owner)
    assert create(tenant, token_, redirect_uris=["http://localhost:8000/cb"]).status_code == 400
    native = create(tenant, token_, type="native", redirect_uris=["http://127.0.0.1/cb"])
    assert native.status_code == 201


def test_private_keys_are_refused(cast, admin):
    from joserfc.jwk import ECKey

    private = ECKey.generate_key("P-256", private=True).as_dict(private=True)
    answer = create(cast.acme, admin, auth_method="private_key_jwt", jwks={"keys": [private]})
    assert answer.status_code == 400
    public = jose.public_jwk(jose.generate_key("ES256"))
    fine = create(cast.acme, admin, auth_method="private_key_jwt", jwks={"keys": [public]})
    assert fine.status_code == 201
    assert fine.json()["client_secret"] is None


def test_change_is_merged_and_audited_with_before_and_after(cast, admin):
    made = create(cast.acme, admin).json()
    read = api(cast.acme, "GET", f"/{made['id']}", admin)
    changed = api(
        cast.acme, "PATCH", f"/{made['id']}", admin, {"name": "Shop 2", "refresh_lifetime": 7200},
        If_Match=read.headers["ETag"],
    )  # fmt: skip
    assert changed.status_code == 200, changed.content
    assert (changed.json()["name"], changed.json()["redirect_uris"]) == ("Shop 2", WEB["redirect_uris"])
    stale = api(cast.acme, "PATCH", f"/{made['id']}", admin, {"name": "x"}, If_Match=read.headers["ETag"])
    assert stale.status_code == 412
    with scope.tenant(cast.acme.id):
        event = Event.objects.get(type="application.updated", object_id=made["id"])
    assert b'"previous":{"name":"Shop","refresh_lifetime":null}' in bytes(event.canonical)
    assert api(cast.acme, "PATCH", f"/{made['id']}", admin, {"type": "spa"}).status_code == 400
    cleared = api(cast.acme, "PATCH", f"/{made['id']}", admin, {"refresh_lifetime": None})
    assert cleared.json()["refresh_lifetime"] is None


def test_secret_rotates_once_shown(cast, admin):
    """APP-02."""
    made = create(cast.acme, admin, type="machine", redirect_uris=[], scopes=["members:read"]).json()
    answer = api(cast.acme, "POST", f"/{made['id']}/secret-rotation", admin, {"overlap_seconds": 0})
    assert answer.status_code == 201, answer.content
    fresh = answer.json()["client_secret"]
    grant = {"grant_type": "client_credentials"}
    assert token(cast.acme, grant, Authorization=basic(made["client_id"], fresh)).status_code == 200
    old = token(cast.acme, grant, Authorization=basic(made["client_id"], made["client_secret"]))
    assert old.status_code == 401
    public = create(cast.acme, admin, type="spa").json()
    assert api(cast.acme, "POST", f"/{public['id']}/secret-rotation", admin, {}).status_code == 409


def test_disable_enable_delete(cast, admin):
    """APP-04."""
    made = create(cast.acme, admin).json()
    path = f"/{made['id']}"
    assert api(cast.acme, "PUT", f"{path}/suspension", admin).json()["status"] == "disabled"
    assert api(cast.acme, "PUT", f"{path}/suspension", admin).status_code == 200
    assert api(cast.acme, "DELETE", f"{path}/suspension", admin).status_code == 204
    assert api(cast.acme, "GET", path, admin).json()["status"] == "active"
    assert api(cast.acme, "DELETE", path, admin).status_code == 204
    assert api(cast.acme, "GET", path, admin).status_code == 404
    with scope.tenant(cast.acme.id):
        types = list(Event.objects.filter(object_id=made["id"]).order_by("id").values_list("type", flat=True))
    assert types == [
        "application.created",
        "application.disabled",
        "application.enabled",
        "application.deleted",
    ]


def test_list_filters_and_pages(cast, admin):
    for name in ("Listed One", "Listed Two"):
        create(cast.acme, admin, name=name, type="spa")
    found = api(cast.acme, "GET", "?type=spa&q=Listed&limit=1", admin).json()
    assert [row["name"] for row in found["data"]] == ["Listed Two"]
    following = api(
        cast.acme, "GET", f"?type=spa&q=Listed&limit=1&cursor={found['next_cursor']}", admin
    ).json()
    assert [row["name"] for row in following["data"]] == ["Listed One"]


def every_route(tenant, application):
    path = f"/{application.public_id}"
    yield "GET", "", None
    yield "POST", "", WEB
    yield "GET", path, None
    yield "PATCH", path, {"name": "Taken"}
    yield "POST", f"{path}/secret-rotation", {}
    yield "PUT", f"{path}/suspension", None
    yield "DELETE", f"{path}/suspension", None
    yield "DELETE", path, None


def test_A1_other_tenants_applications_read_as_missing(cast, admin):
    theirs = register(cast.globex).application
    other_admin = access_token(cast.other_owner)
    for method, path, body in every_route(cast.acme, theirs):
        if path:
            assert api(cast.acme, method, path, admin, body).status_code == 404, (method, path)
    missing = api(cast.acme, "GET", f"/{theirs.public_id}", admin).json()
    nowhere = api(cast.acme, "GET", "/app_" + "0" * 26, admin).json()
    assert {k: v for k, v in missing.items() if k not in ("instance", "request_id")} == {
        k: v for k, v in nowhere.items() if k not in ("instance", "request_id")
    }
    assert api(cast.globex, "GET", f"/{theirs.public_id}", other_admin).json()["name"] == "An App"


def test_anonymous_member_and_narrow_callers_are_refused(cast):
    application = register(cast.acme).application
    plain = access_token(cast.member)
    auditor = access_token(make_member(cast.acme, roles=["auditor"]))
    narrow = access_token(cast.owner, READ)
    stranger = access_token(cast.other_owner)
    for method, path, body in every_route(cast.acme, application):
        assert api(cast.acme, method, path, "", body).status_code == 401
        assert api(cast.acme, method, path, plain, body).status_code == 403
        assert api(cast.acme, method, path, stranger, body).json()["code"] == "tenant_mismatch"
        if method != "GET":
            assert api(cast.acme, method, path, auditor, body).status_code == 403
            assert api(cast.acme, method, path, narrow, body).json()["code"] == "insufficient_scope"
    assert api(cast.acme, "GET", "", auditor).status_code == 200


def test_organizations_callers_see_no_application(cast):
    person = make_member(cast.acme, roles=["admin"])
    organization = make_organization(cast.acme, people=[person])
    confined = access_token(person, organization=organization)
    assert api(cast.acme, "GET", "", confined).status_code in (403, 404)


def test_A6_nobody_lends_a_machine_what_they_lack(cast):
    developer = access_token(make_member(cast.acme, roles=["developer"]), permissions.ALL)
    wide = create(cast.acme, developer, type="machine", redirect_uris=[], scopes=["members:write"])
    assert wide.status_code == 403
    own = create(cast.acme, developer, type="machine", redirect_uris=[], scopes=["applications:read"])
    assert own.status_code == 201
    grown = api(cast.acme, "PATCH", f"/{own.json()['id']}", developer, {"scopes": ["members:write"]})
    assert grown.status_code == 403
