"""`/v1/members`: finding, adding, changing, suspending, removing people; and what is refused."""

from __future__ import annotations

import pytest

from core import scope
from core.principal import SYSTEM
from roles import authority
from roles import selectors as role_selectors
from tenants import members, selectors
from tenants.models import Member
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_cast,
    make_member,
    make_organization,
    make_tenant,
    unique,
)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def admin(cast: Cast) -> str:
    return access_token(make_member(cast.acme, roles=["admin"]))


@pytest.fixture(scope="module")
def foreign(cast: Cast) -> str:
    return access_token(cast.other_owner)


def call(cast: Cast, method: str, path: str, token: str, body: object = None, **headers: str):
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", token, body, **headers)


def stored(cast: Cast, member: Member | None) -> Member:
    assert member is not None
    with scope.tenant(cast.acme.id):
        return Member.objects.get(id=member.id)


def subjects(answer) -> set[str]:
    assert answer.status_code == 200, answer.content
    return {item["id"] for item in answer.json()["data"]}


# --- lists -----------------------------------------------------------------------------------------------


def test_USR01_lists_and_reads_members(cast: Cast, admin: str):
    person = make_member(cast.acme, name="Ada Moreno")
    listed = call(cast, "GET", "members?limit=100", admin)
    assert person.subject in subjects(listed)
    one = call(cast, "GET", f"members/{person.subject}", admin)
    assert one.status_code == 200
    body = one.json()
    assert (body["object"], body["name"], body["email"], body["status"]) == (
        "member",
        "Ada Moreno",
        person.email,
        "active",
    )
    assert body["mode"] == "test"
    assert str(person.account_id) not in one.content.decode()
    assert one.headers["ETag"]


def test_USR01_finds_by_the_beginning_of_name_or_address(cast: Cast, admin: str):
    stem = unique("zoë")
    person = make_member(cast.acme, f"{unique('quentin')}@example.com", name=f"{stem.title()} Quark")
    other = make_member(cast.acme, name=f"Not {stem}")
    for text in (stem[:6].upper(), stem, person.email[:12]):
        found = subjects(call(cast, "GET", f"members?limit=100&q={text}", admin))
        assert person.subject in found
        assert other.subject not in found
    assert subjects(call(cast, "GET", "members?q=%25", admin)) == set()


def test_USR01_filters_by_status_role_and_organization(cast: Cast, admin: str):
    person, plain = make_member(cast.acme, roles=["auditor"]), make_member(cast.acme)
    organization = make_organization(cast.acme, people=[person])
    with scope.tenant(cast.acme.id):
        auditor = role_selectors.built_in("auditor").public_id
    for query in (
        f"organization={organization.public_id}",
        f"organization={organization.public_id}&role=auditor",
    ):
        assert subjects(call(cast, "GET", f"members?{query}", admin)) == {person.subject}
    for query in ("role=auditor", f"role={auditor}"):
        found = subjects(call(cast, "GET", f"members?limit=100&{query}", admin))
        assert person.subject in found
        assert plain.subject not in found
    assert person.subject not in subjects(
        call(cast, "GET", "members?limit=100&status=suspended,pending", admin)
    )
    assert subjects(call(cast, "GET", "members?organization=org_00000000000000000000000000", admin)) == set()
    assert call(cast, "GET", "members?status=removed", admin).status_code == 400
    assert call(cast, "GET", "members?colour=red", admin).status_code == 400


def test_API04_include_adds_organizations_and_roles(cast: Cast):
    person = make_member(cast.acme, roles=["viewer"])
    organization = make_organization(cast.acme, people=[person])
    reader = access_token(cast.owner, ["members:read", "organizations:read", "roles:read"])
    for path in (f"members/{person.subject}?", f"members?q={person.email}&fields=id&"):
        body = call(cast, "GET", f"{path}include=organizations,roles", reader).json()
        shown = body["data"][0] if "data" in body else body
        assert [(one["object"], one["id"]) for one in shown["organizations"]] == [
            ("organization", organization.public_id)
        ]
        assert [(one["object"], one["name"], one["organization"]) for one in shown["roles"]] == [
            ("role", "viewer", None)
        ]
    unknown = call(cast, "GET", "members?include=passwords", reader)
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (400, "/include")


def test_AZ09_include_shows_nothing_that_the_caller_may_not_read_by_itself(cast: Cast):
    members_only = access_token(cast.owner, ["members:read", "organizations:read"])
    assert call(cast, "GET", "members?include=organizations", members_only).status_code == 200
    refused = call(cast, "GET", "members?include=roles", members_only)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert refused.json()["required"] == {"scopes": ["roles:read"]}
    plain = call(cast, "GET", "members", members_only).json()["data"][0]
    assert not {"roles", "organizations"} & plain.keys()


def test_USR01_filters_by_time_of_joining(cast: Cast, admin: str):
    person = make_member(cast.acme)
    joined = call(cast, "GET", f"members/{person.subject}", admin).json()["created_at"]
    later = call(cast, "GET", f"members?limit=100&created_at[gt]={joined}&q={person.email}", admin)
    since = call(cast, "GET", "members?limit=100&created_at[gte]=2020-01-01T00:00:00Z", admin)
    until = call(cast, "GET", "members?limit=100&created_at[lt]=2020-01-01T00:00:00Z", admin)
    assert later.status_code == 200
    assert person.subject in subjects(since)
    assert subjects(until) == set()
    assert call(cast, "GET", "members?created_at[gte]=yesterday", admin).status_code == 400


def test_USR01_pages_through_all_by_cursor(cast: Cast):
    tenant = make_tenant()
    with scope.tenant(tenant.id):
        owner = Member.objects.get()
    person = Person(owner.account_id, owner.email, member=owner, tenant=tenant)
    made = {owner.subject} | {make_member(tenant).subject for _ in range(5)}
    token, seen, cursor = access_token(person), [], ""
    while True:
        answer = Browser().api("GET", f"/t/{tenant.slug}/v1/members?limit=2{cursor}", token).json()
        seen += [item["id"] for item in answer["data"]]
        if not answer["has_more"]:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert len(seen) == len(made)
    assert set(seen) == made


def test_A5_a_cursor_serves_nobody_else_and_no_other_list(cast: Cast, admin: str, foreign: str):
    make_member(cast.acme), make_member(cast.acme)
    cursor = call(cast, "GET", "members?limit=1", admin).json()["next_cursor"]
    assert call(cast, "GET", f"members?limit=1&cursor={cursor}", admin).status_code == 200
    misuses = [
        (cast.acme.slug, f"members?limit=1&cursor={cursor}", access_token(cast.owner)),
        (cast.acme.slug, f"members?limit=1&status=active&cursor={cursor}", admin),
        (cast.acme.slug, f"members?limit=1&order=asc&cursor={cursor}", admin),
        (cast.acme.slug, f"organizations?limit=1&cursor={cursor}", admin),
        (cast.globex.slug, f"members?limit=1&cursor={cursor}", foreign),
        (cast.acme.slug, f"members?cursor={cursor[:-4]}AAAA", admin),
    ]
    for slug, path, token in misuses:
        answer = Browser().api("GET", f"/t/{slug}/v1/{path}", token)
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_mismatch"), path


# --- changes ---------------------------------------------------------------------------------------------


def test_adds_a_member_who_has_no_account_yet(cast: Cast, admin: str):
    email = f"{unique('new')}@example.com"
    answer = call(
        cast, "POST", "members", admin, {"email": email, "name": "New Person", "metadata": {"plan": "a"}}
    )
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["status"], body["email_verified"], body["metadata"]) == ("pending", False, {"plan": "a"})
    again = call(cast, "POST", "members", admin, {"email": email.upper()})
    assert again.status_code == 409


def test_changes_the_tenants_own_copy(cast: Cast, admin: str):
    person = make_member(cast.acme)
    answer = call(
        cast, "PATCH", f"members/{person.subject}", admin, {"name": "Renamed", "metadata": {"a": "b"}}
    )
    assert answer.status_code == 200, answer.content
    assert stored(cast, person.member).name == "Renamed"
    cleared = call(cast, "PATCH", f"members/{person.subject}", admin, {"metadata": None})
    assert cleared.json()["metadata"] == {}


def test_a_patch_merges_metadata_and_null_takes_away(cast: Cast, admin: str):
    """RFC 7396: members that the patch does not name stay; null removes one, or all."""
    path = f"members/{make_member(cast.acme, name='Ann').subject}"
    call(cast, "PATCH", path, admin, {"metadata": {"a": "1", "b": "2"}})
    merged = call(cast, "PATCH", path, admin, {"metadata": {"b": None, "c": "3"}})
    assert (merged.status_code, merged.json()["metadata"]) == (200, {"a": "1", "c": "3"})
    too_many = call(cast, "PATCH", path, admin, {"metadata": {f"k{i}": "x" for i in range(49)}})
    assert (too_many.status_code, too_many.json()["errors"][0]["code"]) == (400, "too_many")
    emptied = call(cast, "PATCH", path, admin, {"name": None, "profile": {"nickname": "A"}})
    assert (emptied.json()["name"], emptied.json()["profile"]) == ("", {"nickname": "A"})
    assert call(cast, "PATCH", path, admin, {"profile": None}).json()["profile"] == {}
    created = call(
        cast, "POST", "members", admin, {"email": f"{unique('n')}@example.com", "metadata": {"a": None}}
    )
    assert created.status_code == 400


def test_AUD01_a_change_of_name_is_recorded_with_before_and_after(cast: Cast, admin: str):
    person = make_member(cast.acme, name="Before")
    for name in ("After", ""):
        call(cast, "PATCH", f"members/{person.subject}", admin, {"name": name})
    call(cast, "PUT", f"members/{person.subject}/suspension", admin, {"reason": "Left the company"})
    auditor = access_token(cast.owner, ["audit:read"])
    listed = call(cast, "GET", f"audit?target={person.subject}&order=asc&action=user.*", auditor).json()[
        "data"
    ]
    changes = [entry["changes"] for entry in listed if entry["action"] == "user.updated"]
    assert changes[-2:] == [
        [{"field": "name", "before": "Before", "after": "After"}],
        [{"field": "name", "before": "After", "after": None}],
    ]
    assert (listed[-1]["action"], listed[-1]["reason"]) == ("user.suspended", "Left the company")


@pytest.mark.parametrize(
    "extra",
    [
        {"email_verified": True},
        {"email": "other@example.com"},
        {"status": "active"},
        {"subject": "sub_mine"},
        {"account_id": "00000000-0000-0000-0000-000000000000"},
        {"authority_version": 9},
        {"tenant_id": "ten_1"},
        {"roles": ["owner"]},
    ],
)
def test_L10_only_listed_fields_can_be_written(cast: Cast, admin: str, extra: dict[str, object]):
    person = make_member(cast.acme)
    before = vars(stored(cast, person.member))
    answer = call(cast, "PATCH", f"members/{person.subject}", admin, {"name": "Changed", **extra})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    after = vars(stored(cast, person.member))
    assert {k: v for k, v in after.items() if k != "_state"} == {
        k: v for k, v in before.items() if k != "_state"
    }
    if "email" not in extra:
        made = call(cast, "POST", "members", admin, {"email": f"{unique('x')}@example.com", **extra})
        assert made.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"name": 7},
        {"name": "a\u202eb"},
        {"locale": ["en"]},
        {"metadata": {"a": 1}},
        {"metadata": []},
        [],
        "x",
        {"name": "y" * 201},
    ],
)
def test_P1_bad_input_is_refused(cast: Cast, admin: str, body: object):
    answer = call(cast, "PATCH", f"members/{cast.member.subject}", admin, body)
    assert answer.status_code == 400, answer.content


def test_if_match_keeps_a_change_from_overwriting_another(cast: Cast, admin: str):
    person = make_member(cast.acme)
    tag = call(cast, "GET", f"members/{person.subject}", admin).headers["ETag"]
    path = f"members/{person.subject}"
    assert call(cast, "PATCH", path, admin, {"name": "One"}, If_Match=tag).status_code == 200
    assert call(cast, "PATCH", path, admin, {"name": "Two"}, If_Match=tag).status_code == 412
    assert stored(cast, person.member).name == "One"


def test_USR04_suspension_blocks_the_next_request_and_reactivation_frees(cast: Cast, admin: str):
    person = make_member(cast.acme, roles=["viewer"])
    token, path = access_token(person), f"members/{person.subject}/suspension"
    assert call(cast, "GET", "members", token).status_code == 200
    answer = call(cast, "PUT", path, admin, {"reason": "left the company"})
    assert (answer.status_code, answer.json()["status"]) == (200, "suspended")
    refused = call(cast, "GET", "members", token)
    assert refused.status_code in (401, 403)
    assert call(cast, "DELETE", path, admin).status_code == 204
    assert call(cast, "GET", "members", access_token(person)).status_code == 200


def test_USR04_removal_keeps_history_and_never_the_address(cast: Cast, admin: str):
    person = make_member(cast.acme)
    token = access_token(person)
    assert call(cast, "DELETE", f"members/{person.subject}", admin).status_code == 204
    assert call(cast, "GET", f"members/{person.subject}", admin).status_code == 404
    assert call(cast, "GET", "members", token).status_code == 401
    assert stored(cast, person.member).status == "removed"


def test_S6_somebody_who_comes_back_inherits_nothing(cast: Cast, admin: str):
    person = make_member(cast.acme, roles=["admin"])
    assert call(cast, "DELETE", f"members/{person.subject}", admin).status_code == 204
    with scope.tenant(cast.acme.id):
        back = members.create_member(actor=SYSTEM, email=person.email, account_id=person.account_id)
        assert back.subject != person.subject
        assert authority.permissions_of(back.id) == frozenset()


def test_SES05_force_logout_ends_sessions_of_this_tenant(cast: Cast, admin: str):
    person = make_member(cast.acme, roles=["viewer"])
    token = access_token(person)
    assert call(cast, "GET", "members", token).status_code == 200
    answer = call(cast, "POST", f"members/{person.subject}/logout", admin, {"reason": "lost laptop"})
    assert answer.status_code == 200
    assert answer.json()["sessions_ended"] == 1
    refused = call(cast, "GET", "members", token)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
    with scope.tenant(cast.acme.id):
        assert selectors.member(person.member.id).reauthenticate_after is not None


def test_nobody_suspends_or_removes_themselves(cast: Cast):
    person = make_member(cast.acme, roles=["admin"])
    token = access_token(person)
    assert call(cast, "PUT", f"members/{person.subject}/suspension", token, {}).status_code == 409
    assert call(cast, "DELETE", f"members/{person.subject}", token).status_code == 409


# --- refusals --------------------------------------------------------------------------------------------

OPERATIONS = [
    ("GET", "members", None, "members:read"),
    ("POST", "members", {"email": "a@example.com"}, "members:write"),
    ("GET", "members/{id}", None, "members:read"),
    ("PATCH", "members/{id}", {"name": "x"}, "members:write"),
    ("DELETE", "members/{id}", None, "members:write"),
    ("PUT", "members/{id}/suspension", {}, "members:write"),
    ("DELETE", "members/{id}/suspension", None, "members:write"),
    ("POST", "members/{id}/logout", {}, "members:write"),
    ("GET", "members/{id}/roles", None, "roles:read"),
    ("GET", "tenant", None, "tenant:read"),
    ("PATCH", "tenant", {"name": "x"}, "tenant:write"),
    ("GET", "tenant/policy", None, "policies:read"),
    ("PATCH", "tenant/policy", {"session_idle": 600}, "policies:write"),
]


@pytest.mark.parametrize(("method", "path", "body", "needed"), OPERATIONS)
def test_each_operation_refuses_who_may_not(cast: Cast, method: str, path: str, body: object, needed: str):
    path = path.format(id=cast.member.subject)
    tag = {"If_Match": "*"} if "policy" in path and method == "PATCH" else {}
    anonymous = call(cast, method, path, "", body, **tag)
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "token_missing")
    assert anonymous.headers["WWW-Authenticate"].startswith("Bearer")
    other = next(word for word in ("audit:read", "events:read") if word != needed)
    narrow = call(cast, method, path, access_token(cast.owner, [other]), body, **tag)
    assert (narrow.status_code, narrow.json()["code"]) == (403, "insufficient_scope")
    assert needed in narrow.headers["WWW-Authenticate"]
    stranger = call(cast, method, path, access_token(cast.other_owner), body, **tag)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "tenant_mismatch")
    powerless = call(cast, method, path, access_token(make_member(cast.acme)), body, **tag)
    assert (powerless.status_code, powerless.json()["code"]) == (403, "insufficient_role")


def test_A1_a_foreign_member_answers_as_a_missing_one(cast: Cast, admin: str):
    def answer(subject: str) -> tuple[int, dict[str, object]]:
        got = call(cast, "GET", f"members/{subject}", admin)
        body = got.json()
        return got.status_code, {k: v for k, v in body.items() if k not in ("request_id", "instance")}

    missing = answer("sub_00000000000000000000000000")
    assert missing[0] == 404
    assert answer(cast.other_member.subject) == missing
    assert answer("nonsense") == missing


def test_A2_a_tenant_named_by_the_caller_has_no_effect(cast: Cast, foreign: str):
    spoofed = Browser().api("GET", "/v1/members", foreign, None, X_Tenant_Id=cast.acme.public_id)
    assert spoofed.status_code == 200
    found = {item["id"] for item in spoofed.json()["data"]}
    assert cast.member.subject not in found
    body = {"email": f"{unique('x')}@example.com", "tenant": cast.acme.public_id}
    assert Browser().api("POST", "/v1/members", foreign, body).status_code == 400


@pytest.mark.parametrize(
    "subject", ["%00", "%00sub_x", "%ED%A0%80", "sub_%F0%9F%98%80", "..%2f..", "a" * 500]
)
def test_P1_hostile_ids_are_missing_ones(cast: Cast, admin: str, subject: str):
    organization = make_organization(cast.acme).public_id
    for path in (
        "members/{}",
        "members/{}/roles",
        f"organizations/{organization}/members/{{}}",
        "organizations/{}",
    ):
        answer = call(cast, "GET", path.format(subject), admin)
        assert answer.status_code in (400, 404), (path, answer.status_code)


@pytest.mark.parametrize("text", ["%00", "%F4%8F%BF%BF", "%E2%80%AE", "'%20OR%201=1--", "%25", "_"])
def test_P1_hostile_searches_find_nothing(cast: Cast, admin: str, text: str):
    for path in (
        "members?q=",
        "organizations?q=",
        "roles?q=",
        "invitations?q=",
        "api-resources?q=",
        "members?role=",
    ):
        answer = call(cast, "GET", path + text, admin)
        assert answer.status_code in (200, 400), (path, answer.status_code)
        assert not answer.json().get("data")


# --- the tenant ------------------------------------------------------------------------------------------


def test_TEN01_the_tenants_settings_are_read_and_changed(cast: Cast, admin: str):
    read = call(cast, "GET", "tenant", admin)
    assert read.json()["issuer"].endswith(f"/t/{cast.acme.slug}")
    changed = call(
        cast, "PATCH", "tenant", admin, {"support_email": "help@example.com"}, If_Match=read.headers["ETag"]
    )
    assert changed.status_code == 200, changed.content
    assert changed.json()["support_email"] == "help@example.com"
    stale = call(cast, "PATCH", "tenant", admin, {"name": "Late"}, If_Match=read.headers["ETag"])
    assert stale.status_code == 412


@pytest.mark.parametrize("field", ["slug", "mode", "status", "data_key", "workspace_id"])
def test_TEN01_what_defines_a_tenant_never_changes(cast: Cast, admin: str, field: str):
    assert call(cast, "PATCH", "tenant", admin, {field: "live"}).status_code == 400


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", 7])
def test_B3_links_of_a_tenant_are_web_addresses(cast: Cast, admin: str, url: object):
    assert call(cast, "PATCH", "tenant", admin, {"support_url": url}).status_code == 400


def test_the_policy_is_changed_with_if_match_only(cast: Cast, admin: str):
    assert call(cast, "PATCH", "tenant/policy", admin, {"session_idle": 900}).status_code == 428
    tag = call(cast, "GET", "tenant/policy", admin).headers["ETag"]
    changed = call(cast, "PATCH", "tenant/policy", admin, {"session_idle": 900}, If_Match=tag)
    assert (changed.status_code, changed.json()["session_idle"]) == (200, 900)
    assert call(cast, "PATCH", "tenant/policy", admin, {"session_idle": 5}, If_Match="*").status_code == 400
    assert call(cast, "PATCH", "tenant/policy", admin, {"odd": 5}, If_Match="*").status_code == 400
