"""The demo's groups: departments that give their people a role, and one that is only a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.demo.people import Person
from core.principal import Principal
from organizations.models import Organization
from roles import selectors, services
from roles.models import Group
from tenants.models import Member


@dataclass(frozen=True)
class Department:
    """`role` is a built-in one, or empty; `organization` the name of a customer, or empty."""

    name: str
    description: str
    role: str
    people: tuple[Person, ...]
    organization: str = ""


def build(actor: Principal, wanted: Iterable[Department], rows: Mapping[Person, Member]) -> None:
    """Create the groups that are missing, in the open tenant scope; those that are there stay as they are."""
    for one in wanted:
        where = Organization.objects.filter(name=one.organization, status="active").first()
        if Group.objects.filter(name=one.name, organization=where).exists():
            continue
        group = services.create_group(
            actor=actor, name=one.name, description=one.description, organization=where
        )
        if one.role:
            services.add_group_role(actor=actor, group=group, role=selectors.built_in(one.role))
        for person in one.people:
            services.add_to_group(actor=actor, group=group, member=rows[person])
