"""`/v1/sso-connections`: set up, tested, switched, read and refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from core import scope
from federation.models import Connection
from tests.factories import Browser, access_token, make_member, make_organization, make_principal
from tests.federation.upstream import CLIENT, SECRET
from tests.federation.world import sign_in

SSO = ["organizations:read", "organizations:write", "policies:read", "policies:write"]


@pytest.fixture(scope="module")
def token(cast):
    return access_token(cast.owner)


def call(token: str, method: str, path: str = "", body: Any = None, status: int = 200, **headers: str) -> Any:
    answer = Browser().api(method, f"/v1/sso-connections{path}", token, body, **headers)
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def body(upstream: Any, **more: Any) -> dict[str, Any]:
    return {
        "name": "Theirs", "issuer": upstream.issuer, "client_id": CLIENT, "client_secret": SECRET, **more,
    }  # fmt: skip


def test_ORG06_a_connection_is_set_up_tested_switched_on_changed_and_deleted(cast, upstream, token):
    organization = make_organization(cast.acme)
    made = call(token, "POST", "", body(upstream, organization=organization.public_id), 201)
    assert (made["status"], made["organization"], made["tested_at"]) == (
        "draft",
        organization.public_id,
        None,
    )
    assert made["redirect_uri"] == f"{cast.acme.issuer}/sso/callback"
    path = f"/{made['id']}"
    assert "client_secret" not in made
    assert SECRET not in str(call(token, "GET", path))
    found = call(token, "POST", f"{path}/discovery")
    assert (found["usable"], found["algorithms"]) == (True, ["ES256", "RS256"])
    assert call(token, "PUT", f"{path}/activation", status=409)["code"] == "connection_not_tested"
    test = call(token, "POST", f"{path}/test-sign-ins", status=201)
    assert test["url"].startswith(f"{cast.acme.issuer}/sso/test?ticket=")
    with scope.tenant(cast.acme.id):
        Connection.objects.filter(organization=organization).update(tested_at=timezone.now())
    assert call(token, "PUT", f"{path}/activation")["status"] == "active"
    assert call(token, "PUT", f"{path}/enforcement", {"reason": "policy"})["enforced"] is True
    call(token, "DELETE", f"{path}/enforcement", status=204)
    changed = call(token, "PATCH", path, {"scopes": ["openid"], "client_secret": "another"})
    assert (changed["scopes"], changed["tested_at"], changed["status"]) == (["openid"], None, "active")
    listed = call(token, "GET", f"?organization={organization.public_id}&status=active&q=the")
    assert [row["id"] for row in listed["data"]] == [made["id"]]
    call(token, "DELETE", f"{path}/activation", status=204)
    call(token, "DELETE", path, status=204)
    call(token, "GET", path, status=404)


def test_ORG17_attempts_identities_and_exemptions_are_read_and_undone(cast, upstream, token):
    made = call(token, "POST", "", body(upstream), 201)
    path = f"/{made['id']}"
    with scope.tenant(cast.acme.id):
        Connection.objects.filter(issuer=upstream.issuer).update(tested_at=timezone.now(), status="active")
        row = Connection.objects.order_by("-id").first()
        from federation import doors

        doors.forget(cast.acme.id)
    sign_in(cast.acme, upstream, row, "api-person", email="api@where.example")
    upstream.spoil = lambda claims: {**claims, "nonce": "other"}
    sign_in(cast.acme, upstream, row, "api-person")
    tried = call(token, "GET", f"{path}/attempts")["data"]
    assert [one["failed"] for one in tried] == ["nonce", None]
    assert [one["failed"] for one in call(token, "GET", f"{path}/attempts?failed=nonce")["data"]] == ["nonce"]
    assert SECRET not in str(tried)
    linked = call(token, "GET", f"{path}/identities")["data"][0]
    assert (linked["subject"], linked["made_member"]) == ("api-person", True)
    call(token, "DELETE", f"{path}/identities/{linked['id']}", status=204)
    person = make_member(cast.acme)
    exempt = call(
        token, "POST", f"{path}/exemptions", {"member": person.subject, "reason": "break glass"}, 201
    )
    assert call(token, "GET", f"{path}/exemptions")["data"][0]["member"] == person.subject
    call(token, "DELETE", f"{path}/exemptions/{exempt['id']}", status=204)


def test_what_cannot_work_is_refused_with_every_fault(cast, upstream, token):
    for changes, pointer in [
        ({"issuer": "http://10.0.0.1"}, "/issuer"),
        ({"issuer": cast.acme.issuer}, "/issuer"),
        ({"issuer": "nonsense"}, "/issuer"),
        ({"client_secret": None}, "/client_secret"),
        ({"endpoints": {"token_endpoint": "https://169.254.169.254/x"}}, "/endpoints/token_endpoint"),
        ({"endpoints": {"jwks": "https://x.example"}}, "/endpoints/jwks"),
        ({"algorithms": ["HS256"]}, "/algorithms"),
        ({"algorithms": ["none"]}, "/algorithms"),
        ({"scopes": ["email"]}, "/scopes"),
        ({"attributes": {"sub": "upn"}}, "/attributes/sub"),
        ({"default_role": "role_00000000000000000000000000"}, "/default_role"),
    ]:
        sent = {name: value for name, value in body(upstream, **changes).items() if value is not None}
        answer = call(token, "POST", "", sent, 400)
        assert answer["errors"][0]["pointer"] == pointer, changes


def test_V1_A6_strangers_and_those_who_may_less_see_and_change_nothing(cast, upstream, token):
    theirs = call(token, "POST", "", body(upstream), 201)
    path = f"/{theirs['id']}"
    call(access_token(cast.other_owner), "GET", path, status=404)
    reader = access_token(cast.owner, ["organizations:read", "organizations:write"])
    call(reader, "GET", path, status=404)  # one of the tenant is a matter of policies
    assert theirs["id"] not in str(call(reader, "GET"))
    call(reader, "POST", "", body(upstream), 403)
    call(access_token(cast.member, SSO), "POST", "", body(upstream), 403)
    organization = make_organization(cast.acme)
    inside = make_principal(cast.acme, organization_id=organization.id)
    with scope.principal(inside):
        from core.errors import OrgMismatch, ValidationFailed
        from federation import selectors, services

        assert not selectors.connections().exists()
        fields = {"name": "x", "issuer": upstream.issuer, "client_id": "c", "client_secret": "s"}
        with pytest.raises(OrgMismatch):
            services.create_connection(actor=inside, **fields)
        with pytest.raises(ValidationFailed):
            services.create_connection(actor=inside, organization=organization, trust_mfa=True, **fields)
        made = services.create_connection(actor=inside, organization=organization, **fields)
        assert made.status == "draft"
