"""One tenant of the demo is the provider of a customer of the other: who types an address of its domain goes there."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from config.demo import domains, outbound, people
from config.demo.people import Person
from config.demo.record import Record
from core import scope
from core.principal import Principal
from core.urls import issuer
from federation import services
from federation.models import Connection
from oauth import applications
from organizations.models import Organization
from tenants import selectors
from tenants.selectors import TenantRef


def build(
    here: TenantRef, there: TenantRef, owners: tuple[Person, Person], who: Person, customer: str
) -> Record:
    """Connect a customer of `here` to `there`, where `who` has an account, and return the record of it.

    Without development's own file of answers no domain can be proved: then there is none.
    """
    if settings.DOMAIN_ANSWERS_FILE is None:
        return {}
    mine, theirs = (_actor(*pair) for pair in zip((here, there), owners, strict=True))
    account_id = people.account_of(who)
    with scope.tenant(there.id):
        people.member_of(there, who, account_id)
    domains.prove(here, mine, customer, who.email.partition("@")[2])
    outbound.allow([settings.ORIGIN])
    with scope.tenant(here.id):
        row = Connection.objects.filter(issuer=issuer(there.slug)).first()
    row = row or _connect(here, there, mine, theirs, customer)
    return {"connection": row.public_id, "organization": customer, **who.sign_in}


def _actor(tenant: TenantRef, owner: Person) -> Principal:
    with scope.tenant(tenant.id):
        member = selectors.member_by_account(people.account_of(owner))
    assert member is not None
    return people.principal(tenant, member)


def _connect(
    here: TenantRef, there: TenantRef, mine: Principal, theirs: Principal, customer: str
) -> Connection:
    """Register us there, and set the connection up here with what that gave."""
    with scope.tenant(there.id):
        made = applications.create_application(
            actor=theirs,
            name="Acme Cloud",
            type="web",
            redirect_uris=[f"{here.issuer}/sso/callback"],
            scopes=["openid", "email", "profile"],
            is_first_party=True,
        )
    with scope.tenant(here.id):
        row = services.create_connection(
            actor=mine,
            name=f"{customer} sign-in",
            issuer=there.issuer,
            organization=Organization.objects.get(name=customer, status="active"),
            client_id=made.application.client_id,
            client_secret=made.secret or "",
        )
        Connection.objects.filter(id=row.id).update(tested_at=timezone.now())
        row.refresh_from_db()
        return services.activate(actor=mine, connection=row)
