"""The demo's people: accounts that sign in with e-mail and password alone."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django_otp.oath import hotp

from core import scope
from core.principal import SYSTEM, Principal, SubjectType
from identity import authenticators, emails, totp
from identity import selectors as accounts
from identity import services as identity
from identity.authenticator_models import STEP
from organizations import services as organizations
from organizations.models import Membership, Organization
from roles import authority
from roles import services as roles
from roles.models import Role, RoleAssignment
from tenants import members, selectors
from tenants.models import Member
from tenants.selectors import TenantRef


@dataclass(frozen=True)
class Person:
    name: str
    email: str

    @property
    def password(self) -> str:
        """A long pass phrase that is plainly a demo's."""
        return f"demo pass phrase for {self.name.split()[0].lower()}"

    @property
    def sign_in(self) -> dict[str, str]:
        return {"email": self.email, "password": self.password}


def account_of(person: Person) -> uuid.UUID:
    """Return the person's account, created when it is missing."""
    found = accounts.account_id_by_address(emails.read(person.email))
    if found is not None:
        return found
    return identity.create_account(email=person.email, password=person.password, name=person.name).id


def with_app(person: Person, known: str) -> str:
    """Give the person an authenticator app; returns its key in base32, made anew where the record lost it."""
    account_id = account_of(person)
    with scope.account(account_id):
        device = authenticators.held(account_id).totp
        if device is not None and base64.b32encode(device.key).decode() == known:
            return known
        if device is not None:
            authenticators.remove(account_id=account_id, public_id=device.public_id)
        offer = totp.offer(account_id=account_id, label=person.email)
        code = f"{hotp(offer.key, int(time.time()) // STEP - 1):06d}"  # leaves the present one to be used
        totp.enrol(account_id=account_id, sealed=offer.sealed, code=code, name="Authenticator app")
    return base64.b32encode(offer.key).decode()


def member_of(
    tenant: TenantRef, person: Person, account_id: uuid.UUID, assigned: Iterable[str] = ()
) -> Member:
    """Return the person's member in the open tenant scope, with these built-in roles."""
    member = selectors.member_by_account(account_id)
    if member is None:
        member = members.create_member(
            actor=SYSTEM, email=person.email, name=person.name, account_id=account_id, email_verified=True
        )
    for name in assigned:
        assign(member, name)
    return member


def assign(member: Member, name: str, organization: Organization | None = None) -> None:
    role = Role.objects.get(name=name, organization=None, is_built_in=True)
    if not RoleAssignment.objects.filter(member=member, role=role, organization=organization).exists():
        roles.assign_role_as_system(member=member, role=role, organization=organization)


def join(organization: Organization, member: Member) -> None:
    if not Membership.objects.filter(organization=organization, member=member).exists():
        organizations.add_member_as_system(organization=organization, member=member)


def principal(tenant: TenantRef, member: Member, organization: Organization | None = None) -> Principal:
    """Return the member as a principal with all that their roles allow, as on a dashboard page."""
    with scope.tenant(tenant.id):
        permissions = authority.permissions_of(member.id, organization.id if organization else None)
    return Principal(
        subject_type=SubjectType.USER,
        subject=member.subject,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        permissions=permissions,
        scopes=permissions,
        organization_id=organization.id if organization else None,
        member_id=member.id,
        account_id=member.account_id,
        is_admin_page=True,
    )
