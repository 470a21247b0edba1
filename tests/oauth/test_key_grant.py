"""The extension grant: an API key becomes a token at the token endpoint (KEY-05, RFC 6749 §4.5)."""

from __future__ import annotations

import pytest

from apikeys import services
from core import scope
from roles import resources
from tests.factories import Browser, make_member, make_principal, principal_of
from tests.oauth.helpers import claims, token

GRANT = "urn:claviger:params:oauth:grant-type:api_key"


def issue(tenant):
    maker = make_member(tenant, roles=["owner"])
    with scope.tenant(tenant.id):
        return services.issue_key(
            actor=principal_of(maker),
            name="Import",
            scopes=["members:read", "tenant:read"],
            resource=resources.control_plane(),
        )


def ask(tenant, **parameters):
    return token(tenant, {"grant_type": GRANT, **parameters})


def test_key_becomes_a_service_token_of_the_key(cast):
    issued = issue(cast.acme)
    answer = ask(cast.acme, api_key=issued.secret, scope="members:read")
    assert answer.status_code == 200, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    found = claims(body["access_token"])
    assert (found["subject_type"], found["scope"]) == ("service", "members:read")
    assert found["key_id"] == issued.key.public_id
    assert Browser().api("GET", f"/t/{cast.acme.slug}/v1/members", body["access_token"]).status_code == 200


def test_K2_revoked_key_ends_its_tokens_at_once(cast):
    issued = issue(cast.acme)
    access = ask(cast.acme, api_key=issued.secret).json()["access_token"]
    with scope.tenant(cast.acme.id):
        services.revoke_key(actor=make_principal(cast.acme), key=issued.key, reason="leaked")
    assert Browser().api("GET", f"/t/{cast.acme.slug}/v1/members", access).status_code == 401
    assert ask(cast.acme, api_key=issued.secret).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"api_key": ""}, "invalid_request"),
        ({"api_key": "sk_test_" + "x" * 61}, "invalid_grant"),
        ({"scope": "members:write"}, "invalid_scope"),
        ({"audience": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_refusals_have_the_standards_shape(cast, changes, error):
    issued = issue(cast.acme)
    answer = ask(cast.acme, **{"api_key": issued.secret, **changes})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_A1_key_of_another_tenant_is_refused(cast):
    assert ask(cast.acme, api_key=issue(cast.globex).secret).json()["error"] == "invalid_grant"
