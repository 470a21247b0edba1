"""Credentials and assertions that the tests of the API's door share."""

from __future__ import annotations

from typing import Any

from apikeys.services import keys
from core import scope
from organizations.models import Organization
from roles import resources
from roles.permissions import ALL, ORGANIZATION
from tenants.selectors import TenantRef
from tests.factories import Person, admin_principal

MEMBERS = {"type", "title", "status", "code", "detail", "instance", "request_id"}


def api_key(
    tenant: TenantRef, owner: Person, organization: Organization | None = None, *, scopes: Any = ()
) -> str:
    """Issue a key with every permission, or every one of an organization, as the owner on a page would."""
    words = scopes or (ORGANIZATION if organization else ALL)
    with scope.tenant(tenant.id):
        return keys.issue_key(
            actor=admin_principal(tenant, owner),
            name="k",
            scopes=[str(word) for word in sorted(words)],
            resource=resources.control_plane(),
            organization=organization,
        ).secret


def problem(answer: Any, status: int, code: str = "") -> dict[str, Any]:
    """Assert that the answer is a whole problem document (RFC 9457) and return it."""
    said = (
        answer.request["REQUEST_METHOD"],
        answer.request["PATH_INFO"],
        answer.status_code,
        answer.content[:300],
    )
    assert answer.status_code == status, said
    assert answer.headers["Content-Type"] == "application/problem+json", said
    body: dict[str, Any] = answer.json()
    assert body.keys() >= MEMBERS, said
    assert body["status"] == status
    assert body["type"].endswith(f"/errors/{body['code']}")
    assert body["request_id"] == answer.headers["Request-Id"]
    assert not code or body["code"] == code, said
    return body
