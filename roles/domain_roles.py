"""What roles know for the domains of organizations: which role may come with an address, and who runs one."""

from __future__ import annotations

import uuid

from core.errors import FieldError, ValidationFailed
from core.principal import Principal
from organizations import domain_roles
from organizations.models import Organization
from roles import guards, selectors, services
from roles.models import Role, RoleAssignment
from roles.permissions import Permission
from tenants.models import Member

POINTER = "/auto_join_role"


class DomainRoles:
    """A role that runs an organization comes from a person, never from an address alone."""

    def offered(self, actor: Principal, organization: Organization) -> list[tuple[str, str]]:
        fitting = [role for role in self._held_there(organization) if not runs(role, organization)]
        return [
            (role.public_id, role.name)
            for role in fitting
            if all(actor.may(word) for word in selectors.granted(role, organization.id))
        ]

    def check(self, actor: Principal, organization: Organization, role_id: uuid.UUID) -> None:
        role = next((one for one in self._held_there(organization) if one.id == role_id), None)
        if role is None:
            raise _refused("unknown", "No role of the tenant or of this organization has this id.")
        if runs(role, organization):
            raise _refused("administers", "A role that runs the organization is given by people only.")
        guards.may_grant(actor, selectors.granted(role, organization.id))

    def give(self, member: Member, organization: Organization, role_id: uuid.UUID) -> None:
        role = next((one for one in self._held_there(organization) if one.id == role_id), None)
        if role is not None and not runs(role, organization):
            services.assign_role_as_system(member=member, role=role, organization=organization)

    def administrators(self, organization: Organization) -> list[Member]:
        found = selectors.who_may(Permission.ORGANIZATIONS_WRITE, organization.id)
        inside = RoleAssignment.objects.filter(organization=organization, member__in=found)
        own = set(inside.values_list("member_id", flat=True))
        return [member for member in found if member.id in own] or found

    def _held_there(self, organization: Organization) -> list[Role]:
        rows = selectors.roles().order_by("-is_built_in", "name")
        return [role for role in rows if role.organization_id in (None, organization.id)]


def runs(role: Role, organization: Organization) -> bool:
    return Permission.ORGANIZATIONS_WRITE in selectors.granted(role, organization.id)


def _refused(code: str, detail: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError(POINTER, code, detail)])


domain_roles.keep(DomainRoles())
