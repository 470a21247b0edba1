"""What the tests of API keys share: two tenants with people, two organizations, a stranger, and calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from apikeys import services
from apikeys.models import ApiKey
from apikeys.services import IssuedKey
from core import scope
from organizations.models import Organization
from roles import authority
from roles import selectors as roles
from roles.models import ApiResource, Scope
from tenants.selectors import TenantRef
from tests import factories
from tests.factories import Browser, Cast, Person

OWN, ORDERS = ["members:read"], ["orders:read", "orders:write"]


@dataclass
class World:
    """acme with its owner, a developer and two organizations; globex beside it, and somebody of neither."""

    cast: Cast
    developer: Person
    one: Organization
    two: Organization
    org_admin: Person
    orders: ApiResource
    browser: Browser = field(default_factory=Browser)

    @property
    def acme(self) -> TenantRef:
        return self.cast.acme

    def issue(self, scopes: Any = OWN, *, maker: Person | None = None, **options: Any) -> IssuedKey:
        """Issue a key of acme as its owner, or as `maker` with what their roles allow."""
        actor = self.actor(maker or self.cast.owner, options.get("organization") if maker else None)
        with scope.tenant(self.acme.id):
            resource = options.pop("resource", None) or roles.api_resources().get(is_control_plane=True)
            return services.issue_key(actor=actor, name="Test", scopes=scopes, resource=resource, **options)

    def actor(self, person: Person, organization: Organization | None = None) -> Any:
        """The person with exactly what their roles allow now."""
        tenant = person.tenant
        assert tenant is not None
        assert person.member is not None
        where = organization.id if organization else None
        with scope.tenant(tenant.id):
            granted = authority.permissions_of(person.member.id, where)
        principal = factories.principal_of(person, granted)
        return principal if where is None else _within(principal, where)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.browser.api(method, path, body=body, **headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def bearer(self, secret: str, path: str = "/v1/api-keys", method: str = "GET", body: Any = None) -> Any:
        return self.browser.api(method, path, secret, body)

    def exchange(self, secret: str, *, at: str = "", **more: Any) -> Any:
        body = {"grant_type": "api_key", "api_key": secret, **more}
        return self.call("POST", f"{at}/v1/auth/token", body)

    def row(self, key: ApiKey) -> ApiKey:
        with scope.tenant(key.tenant_id):
            return ApiKey.objects.get(id=key.id)


def _within(principal: Any, organization_id: Any) -> Any:
    from dataclasses import replace

    return replace(principal, organization_id=organization_id)


def make_world(*, mode: str = "test", policy: dict[str, Any] | None = None) -> World:
    """Make two tenants and their people; `mode` and `policy` are acme's."""
    owner = factories.make_account()
    acme = factories.make_tenant(owner=owner, mode=mode, policy=policy or {})
    cast = Cast(acme, owner, factories.make_member(acme))
    developer = factories.make_member(cast.acme, roles=["developer"])
    org_admin = factories.make_member(cast.acme)
    one = factories.make_organization(cast.acme, people=[org_admin])
    two = factories.make_organization(cast.acme)
    with scope.tenant(cast.acme.id):
        from tests.factories.people import give_role

        assert org_admin.member is not None
        give_role(org_admin.member, "admin", one)
        orders = ApiResource.objects.create(audience="https://orders.example.com", name="Orders")
        for word in ORDERS:
            Scope.objects.create(resource=orders, value=word)
    return World(cast, developer, one, two, org_admin, orders)


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def events(tenant: TenantRef, kind: str, object_id: str) -> list[dict[str, Any]]:
    """Return the data of the tenant's events of a kind about an object, oldest first."""
    import json

    with scope.tenant(tenant.id), connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT canonical FROM events_event WHERE type = %s AND object_id = %s ORDER BY id",
            [kind, object_id],
        )
        return [json.loads(bytes(row[0])) for row in cursor.fetchall()]
