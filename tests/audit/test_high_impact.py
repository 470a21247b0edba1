"""AUD-02: each kind of act that matters writes one audit row and one event, who did it and from where included.

Kinds that the product does not have yet (agents and anchors, vault, wallets, billing) come with their apps.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Browser, Cast, access_token, make_cast, make_member, unique

AGENT = "Administration/1"


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


class Acts:
    """An administrator at the API; every act is named with the event that it must leave."""

    def __init__(self, cast: Cast) -> None:
        self.token, self.told = access_token(cast.owner), {}
        self.subject = make_member(cast.acme).subject

    def do(
        self, kind: str, event: str, method: str, path: str, body: Any = None, **headers: str
    ) -> dict[str, Any]:
        answer = Browser().api(method, f"/v1/{path}", self.token, body, User_Agent=AGENT, **headers)
        assert answer.status_code in (200, 201, 204), (kind, event, answer.content)
        self.told[kind, event] = answer.headers["Request-Id"]
        return answer.json() if answer.content else {}

    def role(self, name: str) -> str:
        rows = Browser().api("GET", "/v1/roles?limit=100", self.token).json()["data"]
        return next(row["id"] for row in rows if row["name"] == name)


def user_access(acts: Acts) -> None:
    member = f"members/{acts.subject}"
    acts.do("user access", "user.suspended", "PUT", f"{member}/suspension", {"reason": "left"})
    acts.do("user access", "user.reactivated", "DELETE", f"{member}/suspension")
    given = acts.do(
        "user access", "role.assigned", "POST", f"{member}/roles", {"role": acts.role("developer")}
    )
    acts.do("user access", "role.unassigned", "DELETE", f"{member}/roles/{given['id']}")


def administrators(acts: Acts) -> None:
    path = f"members/{acts.subject}/roles"
    given = acts.do("administrators", "tenant.admin.added", "POST", path, {"role": acts.role("admin")})
    acts.do("administrators", "tenant.admin.removed", "DELETE", f"{path}/{given['id']}")


def keys(acts: Acts) -> None:
    made = acts.do("keys", "api_key.created", "POST", "api-keys", {"name": "k", "scopes": ["members:read"]})
    turned = acts.do("keys", "api_key.rotated", "POST", f"api-keys/{made['id']}/rotation", {})
    acts.do("keys", "api_key.revoked", "DELETE", f"api-keys/{turned['id']}")
    rows = Browser().api("GET", "/v1/signing-keys", acts.token).json()["data"]
    coming = next(row["id"] for row in rows if row["state"] == "next")
    acts.do(
        "keys", "tenant.signing_key.revoked", "PUT", f"signing-keys/{coming}/revocation", {"reason": "leak"}
    )


def webhooks(acts: Acts) -> None:
    body = {"url": "https://hooks.example.com/x", "events": ["user.*"]}
    path = "webhook-endpoints"
    made = acts.do("webhooks", "webhook.endpoint.created", "POST", path, body)
    path = f"{path}/{made['id']}"
    acts.do("secrets", "webhook.endpoint.secret_rotated", "POST", f"{path}/secret-rotation", {})
    acts.do("webhooks", "webhook.endpoint.deleted", "DELETE", path)


def applications(acts: Acts) -> None:
    wanted = {"name": "A", "type": "web", "redirect_uris": ["https://a.example/cb"], "scopes": ["openid"]}
    made = acts.do("applications", "application.created", "POST", "applications", wanted)
    path = f"applications/{made['id']}"
    changed = {"redirect_uris": ["https://b.example/cb"]}
    acts.do("applications", "application.updated", "PATCH", path, changed)
    acts.do("secrets", "application.secret.rotated", "POST", f"{path}/secret-rotation", {})
    acts.do("applications", "application.disabled", "PUT", f"{path}/suspension")
    acts.do("applications", "application.deleted", "DELETE", path)
    access = acts.do(
        "secrets", "initial_access_token.created", "POST", "initial-access-tokens", {"name": "t"}
    )
    acts.do("secrets", "initial_access_token.revoked", "DELETE", f"initial-access-tokens/{access['id']}")


def policy(acts: Acts) -> None:
    tag = Browser().api("GET", "/v1/tenant/policy", acts.token).headers["ETag"]
    acts.do("policy", "tenant.updated", "PATCH", "tenant/policy", {"session_idle": 1800}, If_Match=tag)
    role = acts.do(
        "policy", "role.created", "POST", "roles", {"name": unique("r"), "permissions": ["members:read"]}
    )
    assert role["id"]


def sign_on(acts: Acts) -> None:
    body = {"name": "Theirs", "issuer": f"https://{unique('i')}.example", "audiences": ["them"]}
    made = acts.do("sign-on", "trusted_issuer.created", "POST", "trusted-issuers", body)
    acts.do("sign-on", "trusted_issuer.deleted", "DELETE", f"trusted-issuers/{made['id']}")
    theirs = {
        "name": "Theirs", "issuer": f"https://{unique('i')}.example", "client_id": "c", "client_secret": "s",
    }  # fmt: skip
    path = f"sso-connections/{acts.do('sign-on', 'sso.connection.created', 'POST', 'sso-connections', theirs)['id']}"
    acts.do("sign-on", "sso.connection.updated", "PATCH", path, {"trust_email": True})
    acts.do(
        "sign-on",
        "sso.exemption.added",
        "POST",
        f"{path}/exemptions",
        {"member": acts.subject, "reason": "x"},
    )
    acts.do("sign-on", "sso.connection.deleted", "DELETE", path)


@pytest.mark.parametrize(
    "kind",
    [user_access, administrators, keys, webhooks, applications, policy, sign_on],
    ids=lambda one: one.__name__,
)
def test_AUD02_every_high_impact_act_is_in_audit_log_and_events(cast: Cast, kind: Any) -> None:
    acts = Acts(cast)
    kind(acts)
    for (name, event), request_id in acts.told.items():
        for path, filtered in (("audit", "action"), ("events", "type")):
            rows = Browser().api("GET", f"/v1/{path}?{filtered}={event}&limit=100", acts.token).json()["data"]
            found = [row for row in rows if request_id in str(row)]
            assert len(found) == 1, (name, event, path, len(rows))
            assert cast.owner.subject in str(found[0]) and AGENT in str(found[0]), (name, event)
        foreign = (
            Browser().api("GET", f"/v1/audit?action={event}&limit=100", access_token(cast.other_owner)).json()
        )
        assert request_id not in str(foreign), (name, event)
