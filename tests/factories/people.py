"""Tenants, people, organizations and credentials for tests."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection, connections
from django.utils import timezone

from core import livecache, scope
from core.principal import SYSTEM, Principal, SubjectType
from organizations.models import Membership, Organization
from roles import permissions
from roles import services as role_services
from roles.models import Role
from tenants import members, selectors, services, sessions, tokens
from tenants.models import Member, TenantSession
from tenants.selectors import TenantRef

PASSWORD = "correct horse battery staple 42"


def unique(stem: str) -> str:
    return f"{stem}-{secrets.token_hex(5)}"


@dataclass
class Person:
    account_id: uuid.UUID
    email: str
    password: str = PASSWORD
    # Set for members; a stranger has neither, and a test that asks fails loudly.
    member: Member = None  # type: ignore[assignment]
    tenant: TenantRef = None  # type: ignore[assignment]

    @property
    def subject(self) -> str:
        return self.member.subject


@dataclass
class Cast:
    """acme with owner and member, globex with owner and member, and a stranger with an account only.

    globex, its people and the stranger are made when they are first asked for: a tenant costs more than all
    that the median test does, and most tests meet one of them only.
    """

    acme: TenantRef
    owner: Person
    member: Person

    @cached_property
    def globex(self) -> TenantRef:
        return apart(lambda: make_tenant(unique("globex")))

    @cached_property
    def other_owner(self) -> Person:
        globex = self.globex
        return apart(lambda: _owner_of(globex))

    @cached_property
    def other_member(self) -> Person:
        globex = self.globex
        return apart(lambda: make_member(globex))

    @cached_property
    def stranger(self) -> Person:
        return apart(lambda: make_account(name="Stranger"))


def apart(make: Callable[[], Any]) -> Any:
    """Make something outside the scope and the transaction that the test has open, if it has one."""
    if scope.current() is None and not connection.in_atomic_block:
        return make()

    def alone() -> Any:
        try:
            return make()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(alone).result()


def make_account(email: str = "", *, password: str = PASSWORD, name: str = "") -> Person:
    """Create an account with one verified address, through the service that sign-up uses."""
    from identity import services as identity

    email = email or f"{unique('person')}@example.com"
    account = identity.create_account(email=email, password=password, name=name or "Some Body")
    return Person(account.id, email, password)


def make_tenant(
    slug: str = "", *, mode: str = "test", owner: Person | None = None, **options: Any
) -> TenantRef:
    """Create a tenant with an owner; `options` go to create_tenant (policy, name, …)."""
    owner = owner or make_account()
    slug = slug or unique("acme")
    # Its people sign in with a password alone, as the demo's do; whoever tests the demand says so.
    options["policy"] = {"admin_mfa_required": False, **options.get("policy", {})}
    services.create_tenant(
        actor=SYSTEM,
        name=options.pop("name", slug.title()),
        slug=slug,
        mode=mode,
        owner_account_id=owner.account_id,
        owner_email=owner.email,
        owner_name="Olga Owner",
        **options,
    )
    tenant = selectors.by_slug(slug)
    assert tenant is not None
    with scope.tenant(tenant.id):
        owner.member, owner.tenant = selectors.member_by_account(owner.account_id), tenant
    return tenant


def make_member(
    tenant: TenantRef, email: str = "", *, roles: Iterable[str] = (), name: str = "Mia Member"
) -> Person:
    """Create an account and its member, with built-in roles by name."""
    person = make_account(email)
    person.tenant = tenant
    with scope.tenant(tenant.id):
        person.member = members.create_member(
            actor=SYSTEM, email=person.email, name=name, account_id=person.account_id, email_verified=True
        )
        for role in roles:
            give_role(person.member, role)
    return person


def give_role(member: Member, name: str, organization: Organization | None = None) -> None:
    """Assign a role in the open scope as the system, without the rules for administrators."""
    role = Role.objects.get(name=name, organization=None)
    role_services.assign_role_as_system(member=member, role=role, organization=organization)


def make_organization(tenant: TenantRef, name: str = "", *, people: Iterable[Person] = ()) -> Organization:
    name = name or unique("Customer")
    with scope.tenant(tenant.id):
        organization = Organization.objects.create(name=name, name_search=name.casefold(), slug=unique("org"))
        for person in people:
            Membership.objects.create(organization=organization, member=person.member)
            members.bump_authority(person.member.id)
    return organization


def make_principal(
    tenant: TenantRef,
    granted: Iterable[str] = permissions.ALL,
    *,
    organization_id: uuid.UUID | None = None,
    **fields: Any,
) -> Principal:
    """A service principal with these permissions, for calling services directly."""
    words = frozenset(str(word) for word in granted)
    options = {"subject_type": SubjectType.SERVICE, "subject": "sa_test", **fields}
    return Principal(
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        permissions=words,
        scopes=words,
        organization_id=organization_id,
        **options,
    )


def admin_principal(tenant: TenantRef, person: Person) -> Principal:
    """The person as an administrator with every permission, as on a dashboard page."""
    return make_principal(
        tenant,
        subject_type=SubjectType.USER,
        subject=person.subject,
        member_id=person.member.id,
        account_id=person.account_id,
        is_admin_page=True,
    )


def principal_of(person: Person, granted: Iterable[str] = permissions.ALL) -> Principal:
    return make_principal(
        person.tenant,
        granted,
        subject_type=SubjectType.USER,
        subject=person.subject,
        member_id=person.member.id,
        account_id=person.account_id,
    )


def open_session(person: Person, organization: Organization | None = None) -> TenantSession:
    with scope.tenant(person.tenant.id):
        return sessions.open_session(
            member=person.member,
            identity_session_id=None,
            acr="urn:claviger:acr:pwd",
            amr=["pwd"],
            auth_time=timezone.now(),
            organization_id=organization.id if organization else None,
        )


def access_token(
    person: Person,
    scopes: Iterable[str] = permissions.ALL,
    *,
    organization: Organization | None = None,
    lifetime: int = 600,
    **options: Any,
) -> str:
    """A user access token for the tenant's own `/v1`, with a live session behind it."""
    session = open_session(person, organization)
    with scope.tenant(person.tenant.id):
        member = selectors.member_by_account(person.account_id)
        _test_application()
    return tokens.mint_access_token(
        person.tenant,
        subject=person.subject,
        subject_type=SubjectType.USER,
        audience=tokens.control_plane_audience(person.tenant),
        client_id="test",
        scopes=scopes,
        lifetime=lifetime,
        session_id=session.id,
        member=member,
        organization_id=organization.id if organization else None,
        **options,
    ).token


def _test_application() -> None:
    """The application "test", which tokens made here name: those of an unknown application are dead."""
    from oauth.models import Application

    fixed = {
        "name": "Test",
        "type": "web",
        "auth_method": "client_secret_basic",
        "client_type": "confidential",
    }
    if not Application.objects.filter(client_id="test").exists():
        Application.objects.create(client_id="test", **fixed)
        livecache.invalidate("application", f"{scope.require_tenant()}:test")


def make_cast() -> Cast:
    acme = make_tenant()
    return Cast(acme, _owner_of(acme), make_member(acme))


def _owner_of(tenant: TenantRef) -> Person:
    with scope.tenant(tenant.id):
        member = Member.objects.order_by("id").first()
    assert member is not None
    assert member.account_id is not None
    return Person(member.account_id, member.email, PASSWORD, member, tenant)
