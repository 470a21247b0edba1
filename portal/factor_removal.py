"""Removing an authenticator, unless a service or the account itself needs it (POR-02, M5).

What services demand is read first, in their scopes; then the account's row is held while what is left is
counted, so that two removals at once cannot each rely on what the other takes.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from core import scope
from identity import assurance, authenticators
from identity.authenticators import Held
from identity.errors import FactorDemanded, FactorNeeded, LastWayIn
from identity.models import Account
from organizations.selectors import organization_ids_of
from roles.assurance import demanded
from tenants.models import Member, Tenant

Place = tuple[Tenant, Member]


def remove(*, account_id: uuid.UUID, public_id: str, places: list[Place]) -> None:
    """Remove one of the person's authenticators; opens its scopes itself.

    Raises NotFound, FactorNeeded where the password is too short to stand alone, FactorDemanded where the rest
    would not do for a service that the person is in, and LastWayIn where neither a password nor another passkey
    is left.
    """
    demands = {place[0].name: _demanded(*place) for place in places if place[1].is_active}
    with scope.account(account_id):
        account = Account.objects.select_for_update().get(id=account_id)
        left = _without(authenticators.held(account_id), public_id)
        if not account.has_usable_password() and not left.passkeys:
            raise LastWayIn
        if account.password_needs_factor and not left.any:
            raise FactorNeeded
        wanting = [
            name for name, level in demands.items() if level and not assurance.satisfies(left.best, level)
        ]
        if wanting:
            raise FactorDemanded(services=wanting)
        authenticators.remove(account_id=account_id, public_id=public_id)


def _demanded(tenant: Tenant, member: Member) -> str:
    """The most that this service asks of the person, in whichever organization they work."""
    with scope.tenant(tenant.id):
        places = [None, *organization_ids_of(member.id)]
        return assurance.strictest(demanded(member.id, place) for place in places)


def _without(held: Held, public_id: str) -> Held:
    totp = held.totp if held.totp and held.totp.public_id != public_id else None
    return replace(
        held, totp=totp, passkeys=tuple(row for row in held.passkeys if row.public_id != public_id)
    )
