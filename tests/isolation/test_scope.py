"""Scopes: one kind a transaction, nothing outside one, the earlier value restored (design §5)."""

from __future__ import annotations

import pytest
from django.db import connection

from core import scope
from tenants.models import Member, Tenant
from tests.factories import Cast, make_organization


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [f"app.{name}"])
        return cursor.fetchone()[0] or ""  # type: ignore[index]


def test_a_scoped_model_without_a_scope_raises(cast: Cast) -> None:
    with pytest.raises(scope.ScopeError):
        Member.objects.count()


def test_a_lazy_queryset_that_leaves_its_scope_raises(cast: Cast) -> None:
    with scope.tenant(cast.acme.id):
        lazy = Member.objects.all()
    with pytest.raises(scope.ScopeError):
        list(lazy.all())


def test_a_setting_outside_a_transaction_raises(cast: Cast) -> None:
    with pytest.raises(scope.ScopeError):
        scope.apply(scope.Scope(scope.Kind.TENANT, cast.acme.id, "all"))


def test_mixing_kinds_or_tenants_raises(cast: Cast) -> None:
    globex = cast.globex
    with scope.tenant(cast.acme.id):
        for other in (
            scope.account(cast.member.account_id),
            scope.tenant(globex.id),
            scope.operator(),
            scope.relay(),
        ):
            with pytest.raises(scope.ScopeError), other:
                pass
        assert Member.objects.count() == 2


def test_narrowing_to_an_organization_restores_the_whole_tenant(cast: Cast) -> None:
    organization = make_organization(cast.acme, people=[cast.member])
    with scope.tenant(cast.acme.id):
        with scope.organization(cast.acme.id, organization.id):
            assert Member.objects.count() == 1
        assert setting("organization_id") == "all"
        assert Member.objects.count() == 2


def test_an_organization_scope_cannot_widen(cast: Cast) -> None:
    organization = make_organization(cast.acme)
    with (
        scope.organization(cast.acme.id, organization.id),
        pytest.raises(scope.ScopeError),
        scope.tenant(cast.acme.id),
    ):
        pass


def test_an_error_inside_rolls_back_and_leaves_nothing_set(cast: Cast) -> None:
    with pytest.raises(RuntimeError), scope.tenant(cast.acme.id):
        Tenant.objects.update(name="Never")
        raise RuntimeError
    assert scope.current() is None
    assert setting("tenant_id") == ""
    with scope.tenant(cast.acme.id):
        assert Tenant.objects.get().name != "Never"
