"""The authority engine: what roles allow, where, until when; and what it refuses."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.utils import timezone

from core import ports, scope
from core.errors import InsufficientRole, InsufficientScope, NotFound, OrgMismatch, PolicyDenied
from core.principal import SYSTEM
from roles import authority, selectors, services
from roles.permissions import ALL, BUILT_IN, ORGANIZATION, Permission
from tests.factories import Cast, make_cast, make_member, make_organization, make_principal, principal_of

CELLS = [(name, str(word)) for name in BUILT_IN for word in Permission]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def holders(cast: Cast) -> dict[str, uuid.UUID]:
    people = {name: make_member(cast.acme, roles=[name]) for name in BUILT_IN}
    return {name: person.member.id for name, person in people.items() if person.member}


# What each built-in role is promised to do, written out once more so that a slip in the code shows.
MATRIX = {
    "owner": "all",
    "admin": "all",
    "security_admin": "reads policies:write api-keys:write members:write webhooks:write roles:write groups:write",
    "developer": "applications:read applications:write api-keys:read api-keys:write webhooks:read"
    " webhooks:write events:read roles:read tenant:read",
    "billing_manager": "tenant:read",
    "support": "members:read members:write groups:read invitations:read invitations:write organizations:read"
    " tenant:read",
    "auditor": "reads",
    "viewer": "applications:read groups:read invitations:read members:read organizations:read policies:read"
    " roles:read tenant:read webhooks:read",
}


def promised(role: str, permission: str) -> bool:
    words = MATRIX[role].split()
    return "all" in words or permission in words or ("reads" in words and permission.endswith(":read"))


@pytest.mark.parametrize(("role", "permission"), CELLS)
def test_AZ03_built_in_role_matrix(cast: Cast, holders: dict[str, uuid.UUID], role: str, permission: str):
    with scope.tenant(cast.acme.id):
        allowed = permission in authority.permissions_of(holders[role])
    assert allowed is promised(role, permission)


def test_every_tenant_has_every_built_in_role(cast: Cast):
    for tenant in (cast.acme, cast.globex):
        with scope.tenant(tenant.id):
            assert set(selectors.roles().values_list("name", flat=True)) == set(BUILT_IN)


def test_C16_a_new_tenant_has_an_owner_who_may_do_everything(cast: Cast):
    with scope.tenant(cast.acme.id):
        assert authority.roles_of(cast.owner.member.id) == ("owner",)
        assert authority.permissions_of(cast.owner.member.id) == ALL


def test_AZ11_a_member_without_roles_may_do_nothing(cast: Cast):
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(cast.member.member.id) == frozenset()


def test_a_role_in_one_organization_counts_in_that_one_only(cast: Cast):
    person = make_member(cast.acme)
    ours, theirs = (make_organization(cast.acme, people=[person]) for _ in range(2))
    with scope.tenant(cast.acme.id):
        services.assign_role_as_system(
            member=person.member, role=selectors.built_in("admin"), organization=ours
        )
        assert authority.permissions_of(person.member.id) == frozenset()
        assert authority.permissions_of(person.member.id, theirs.id) == frozenset()
        assert authority.permissions_of(person.member.id, ours.id) == ORGANIZATION
        assert authority.roles_of(person.member.id, ours.id) == ("admin",)


def test_an_active_organization_caps_roles_of_the_tenant_too(cast: Cast):
    organization = make_organization(cast.acme, people=[cast.owner])
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(cast.owner.member.id, organization.id) == ORGANIZATION


def test_R20_an_expired_assignment_grants_nothing_though_it_is_remembered(cast: Cast):
    person = make_member(cast.acme)
    end = timezone.now() + timedelta(hours=1)
    with scope.tenant(cast.acme.id):
        services.assign_role_as_system(
            member=person.member, role=selectors.built_in("viewer"), expires_at=end
        )
        assert "members:read" in authority.permissions_of(person.member.id)
        with time_machine.travel(end + timedelta(seconds=1)):
            assert authority.permissions_of(person.member.id) == frozenset()
            assert authority.roles_of(person.member.id) == ()


def test_A7_a_role_taken_away_stops_at_once(cast: Cast):
    person = make_member(cast.acme, roles=["admin"])
    with scope.tenant(cast.acme.id):
        assert "members:write" in authority.permissions_of(person.member.id)
    with scope.tenant(cast.acme.id):
        row = selectors.assignments(person.member.id).get()
        services.unassign_role(actor=principal_of(cast.owner), assignment=row)
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(person.member.id) == frozenset()


def test_A4_what_another_tenant_remembers_is_not_believed(cast: Cast):
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(cast.owner.member.id) == ALL
    with scope.tenant(cast.globex.id):
        assert authority.permissions_of(cast.owner.member.id) == frozenset()
    stray = make_member(cast.acme, roles=["admin"])
    with scope.tenant(cast.globex.id):
        assert authority.permissions_of(stray.member.id) == frozenset()
    with scope.tenant(cast.acme.id):
        assert authority.permissions_of(stray.member.id) == ALL


# --- require -------------------------------------------------------------------------------------------


def test_require_allows_what_the_principal_holds(cast: Cast):
    ports.authority.require(make_principal(cast.acme, ["members:read"]), "members:read")


def test_require_names_the_missing_scope(cast: Cast):
    with pytest.raises(InsufficientScope) as refused:
        authority.require(make_principal(cast.acme, ["members:read"]), "members:write")
    assert refused.value.extra["required"] == {"scopes": ["members:write"]}


def test_require_names_the_missing_role(cast: Cast):
    caller = replace(make_principal(cast.acme, []), scopes=frozenset({"members:write"}))
    with pytest.raises(InsufficientRole) as refused:
        authority.require(caller, "members:write")
    assert refused.value.extra["required"] == {"permissions": ["members:write"]}


def test_A1_a_row_of_another_tenant_is_not_found(cast: Cast):
    row = SimpleNamespace(tenant_id=cast.globex.id)
    with pytest.raises(NotFound):
        authority.require(make_principal(cast.acme), "members:read", row)


def test_A2_authority_of_one_tenant_is_none_in_the_scope_of_another(cast: Cast):
    with scope.tenant(cast.globex.id), pytest.raises(NotFound):
        authority.require(make_principal(cast.acme), "members:read")


def test_C14_another_organization_is_a_mismatch_and_its_rows_are_not_found(cast: Cast):
    ours, theirs = make_organization(cast.acme), make_organization(cast.acme)
    caller = make_principal(cast.acme, ORGANIZATION, organization_id=ours.id)
    authority.require(caller, "organizations:write", ours)
    with pytest.raises(OrgMismatch):
        authority.require(caller, "organizations:write", theirs)
    row = SimpleNamespace(tenant_id=cast.acme.id, organization_id=theirs.id)
    with pytest.raises(NotFound):
        authority.require(caller, "api-keys:read", row)


def test_TEN05_rows_of_the_tenant_are_read_not_written_from_an_organization(cast: Cast):
    ours = make_organization(cast.acme)
    caller = make_principal(cast.acme, ORGANIZATION, organization_id=ours.id)
    row = SimpleNamespace(tenant_id=cast.acme.id, organization_id=None)
    authority.require(caller, "roles:read", row)
    with pytest.raises(OrgMismatch):
        authority.require(caller, "organizations:write", row)


def test_A6_an_error_inside_the_engine_is_a_refusal(cast: Cast):
    class Broken:
        @property
        def tenant_id(self) -> uuid.UUID:
            raise RuntimeError("out of order")

    with pytest.raises(PolicyDenied):
        authority.require(make_principal(cast.acme), "members:read", Broken())


def test_an_unknown_permission_is_refused(cast: Cast):
    with pytest.raises(InsufficientScope):
        authority.require(make_principal(cast.acme), "everything:at-all")


def test_system_is_no_principal_and_gets_nothing():
    with pytest.raises(PolicyDenied):
        authority.require(SYSTEM, "members:read")  # type: ignore[arg-type]
