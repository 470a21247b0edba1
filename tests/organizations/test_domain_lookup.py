"""Whose a domain is, and which domains are nobody's own (ORG-04, threats S1 and L6)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from core import scope
from core.errors import ValidationFailed
from organizations import domain_rules
from organizations.domains import organization_of
from organizations.models import DomainState, Organization, OrganizationDomain, OrganizationStatus
from tests.factories import Cast, make_cast, make_organization, unique


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def claim(organization: Organization, domain: str, state: str = DomainState.VERIFIED) -> OrganizationDomain:
    with scope.tenant(organization.tenant_id):
        return OrganizationDomain.objects.create(
            organization=organization,
            domain=domain,
            state=state,
            challenge=uuid.uuid4().hex,
            expires_at=timezone.now() + timedelta(days=7),
        )


def test_S1_a_domain_is_whose_who_proved_it_in_this_tenant_only(cast: Cast):
    ours, theirs = make_organization(cast.acme), make_organization(cast.globex)
    shared, waiting = f"{unique('d')}.example", f"{unique('d')}.example"
    claim(ours, shared)
    claim(theirs, shared)
    claim(ours, waiting, DomainState.PENDING)
    with scope.tenant(cast.acme.id):
        assert organization_of(shared) == ours.id
        assert [organization_of(d) for d in (waiting, f"mail.{shared}", "never.example", "")] == [None] * 4
        Organization.objects.filter(id=ours.id).update(status=OrganizationStatus.SUSPENDED)
        assert organization_of(shared) is None
    with scope.tenant(cast.globex.id):
        assert organization_of(shared) == theirs.id


def test_S1_only_one_organization_of_a_tenant_has_a_domain_verified(cast: Cast):
    domain = f"{unique('d')}.example"
    claim(make_organization(cast.acme), domain)
    with pytest.raises(IntegrityError):
        claim(make_organization(cast.acme), domain)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        (" Example.COM. ", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("ｅｘａｍｐｌｅ.com", "example.com"),
        ("customer.github.io", "customer.github.io"),
    ],
)
def test_L6_a_domain_has_one_form(typed: str, canonical: str):
    assert domain_rules.read(typed) == canonical


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("gmail.com", "public_mail"),
        ("GMX.de", "public_mail"),
        ("mailinator.com", "public_mail"),
        ("co.uk", "public_suffix"),
        ("github.io", "public_suffix"),
        ("example", "invalid"),
        ("", "invalid"),
        ("*.example.com", "invalid"),
        ("192.0.2.1", "invalid"),
        ("exa mple.com", "invalid"),
        ("https://example.com", "invalid"),
        ("a" * 64 + ".example", "invalid"),
        (".".join(["a" * 60] * 5), "invalid"),
        ("exаmple.com", "invalid"),  # a Cyrillic letter among Latin ones
    ],
)
def test_S1_L6_what_nobody_owns_alone_or_looks_like_another_is_refused(typed: str, code: str):
    with pytest.raises(ValidationFailed) as refused:
        domain_rules.read(typed)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/domain", code)]
