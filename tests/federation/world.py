"""Connections, domains and sign-ins by them, for tests."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from core import jobs, scope
from federation import services
from federation.models import Attempt, Connection
from organizations.models import Organization, OrganizationDomain
from tenants.models import Member
from tenants.selectors import TenantRef
from tests.factories import Browser, make_organization, make_principal, unique
from tests.factories.hosted import elsewhere, prefix
from tests.federation.upstream import CLIENT, SECRET, Upstream


def connect(
    tenant: TenantRef, upstream: Upstream, organization: Organization | None = None, **more: Any
) -> Any:
    """Return an active connection that counts as tested."""
    with scope.tenant(tenant.id):
        actor = make_principal(tenant)
        more.setdefault("client_secret", SECRET)
        more.setdefault("name", "Their provider")
        row = services.create_connection(
            actor=actor, issuer=upstream.issuer, organization=organization, client_id=CLIENT, **more
        )
        Connection.objects.filter(id=row.id).update(tested_at=timezone.now())
        row.refresh_from_db()
        return services.activate(actor=actor, connection=row)


def own_domain(tenant: TenantRef, organization: Organization, domain: str = "") -> str:
    """Return a domain that the organization has proved."""
    domain = domain or f"{unique('corp')}.example"
    with scope.tenant(tenant.id):
        OrganizationDomain.objects.create(
            organization=organization,
            domain=domain,
            state="verified",
            challenge="x",
            verified_at=timezone.now(),
            expires_at=timezone.now(),
        )
    return domain


def customer(tenant: TenantRef, upstream: Upstream, **more: Any) -> tuple[Organization, str, Connection]:
    """Return an organization with a proved domain and a connection."""
    organization = make_organization(tenant)
    return organization, own_domain(tenant, organization), connect(tenant, upstream, organization, **more)


def leave(
    tenant: TenantRef, email: str, browser: Browser | None = None, query: str = ""
) -> tuple[Browser, Any]:
    """Type an address on the sign-in page; returns the browser and the answer, not followed."""
    browser = browser or elsewhere()
    page = browser.get(f"{prefix(tenant)}/sign-in{query}")
    return browser, browser.submit(page, {"email": email})


def start(tenant: TenantRef, row: Connection, browser: Browser | None = None) -> tuple[Browser, str]:
    """Press a connection's button; returns the browser and the provider's address."""
    browser = browser or elsewhere()
    answer = browser.get(f"{prefix(tenant)}/sso/start?connection={row.public_id}")
    assert answer.status_code == 303, answer.content
    return browser, answer.headers["Location"]


def sign_in(
    tenant: TenantRef,
    upstream: Upstream,
    row: Connection,
    subject: str = "person-1",
    *,
    browser: Browser | None = None,
    **claims: Any,
) -> tuple[Browser, Any]:
    """Go through the provider; returns the browser and our callback's answer, not followed."""
    browser, address = start(tenant, row, browser)
    return browser, browser.get(upstream.answer(address, subject, **claims))


def inside(tenant: TenantRef, browser: Browser) -> bool:
    """Whether the browser is signed in to the tenant: the hosted page sends it on to where it came from."""
    answer = browser.get(f"{prefix(tenant)}/sign-in/continue?next=/t/x/there")
    return answer.status_code == 303 and answer.headers["Location"] == "/t/x/there"


def newest(tenant: TenantRef, row: Connection) -> Attempt:
    with scope.tenant(tenant.id):
        found = Attempt.objects.filter(connection_id=row.id).order_by("-id").first()
    assert found is not None
    return found


def member_named(tenant: TenantRef, email: str) -> Member:
    with scope.tenant(tenant.id):
        return Member.objects.get(email=email)


def work() -> None:
    """Let promised work be done."""
    while jobs.run_due():
        pass
