"""Tokens of a person for automated tests, in test tenants only (AUT-22).

There is no direct password grant. What tests used it for is this: an administrator asks for the tokens that an
application would get for a member, without browser and consent. Live tenants never give them, nobody gets more
through them than they may do themselves (threat A6), and each is in the audit log with who asked.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import ports, scope
from core.errors import Conflict, FieldError, PolicyDenied, ValidationFailed
from core.principal import Principal
from events.services import emit_many
from identity import assurance
from oauth import catalogue, clients, issuing, standing
from oauth.catalogue import OFFLINE
from oauth.clients import Client
from oauth.errors import OAuthError
from oauth.standing import SignIn
from organizations.models import Organization
from roles import authority, guards
from roles.permissions import Permission
from tenants import selectors
from tenants.models import Member, Mode
from tenants.selectors import TenantRef

GRANT = "rehearsal"  # what the audit log names as the grant
AMR = ("test",)


@dataclass(frozen=True)
class Rehearsed:
    """Tokens of a member for an application; `expires_in` in seconds, no refresh token."""

    access_token: str
    expires_in: int
    scope: str
    id_token: str = ""


@transaction.atomic
def issue_test_tokens(
    *,
    actor: Principal,
    member: Member,
    client_id: str,
    scopes: Iterable[str],
    resource: str = "",
    organization: Organization | None = None,
    nonce: str = "",
) -> Rehearsed:
    """Return the tokens as after a sign-in with a password, in the open scope of a test tenant.

    Raises PolicyDenied in a live tenant, GrantExceedsOwn, OwnerRequired, ValidationFailed (application, scopes,
    resource) and Conflict (the member may not sign in so, or the tokens would have to be bound to a key).
    """
    ports.authority.require(actor, Permission.MEMBERS_WRITE, member)
    tenant = selectors.by_id(scope.require_tenant())
    assert tenant is not None
    if tenant.mode != Mode.TEST:
        raise PolicyDenied("Tokens for tests are issued in test tenants only. Use a sign-in.")
    organization_id = organization.id if organization else None
    for place in {None, organization_id}:
        guards.may_grant(actor, authority.permissions_of(member.id, place))
        if guards.owns(member.id, place):
            guards.decides_about_owners(actor, place)
    client = _client(tenant, client_id)
    try:
        return _issue(actor, tenant, client, member, tuple(scopes), resource, organization_id, nonce)
    except OAuthError as error:
        raise ValidationFailed(error.detail) from None


def _client(tenant: TenantRef, client_id: str) -> Client:
    client = clients.live(tenant, client_id)
    if client is None or client.is_machine:
        detail = "Name a live application that signs people in."
        raise ValidationFailed(errors=[FieldError("/client_id", "unknown", detail)])
    if client.dpop_bound or client.certificate_bound:
        raise Conflict("Tokens of this application are bound to a key that only the application has.")
    return client


def _issue(
    actor: Principal,
    tenant: TenantRef,
    client: Client,
    member: Member,
    scopes: tuple[str, ...],
    resource: str,
    organization_id: uuid.UUID | None,
    nonce: str,
) -> Rehearsed:
    wanted = tuple(word for word in scopes if word != OFFLINE)
    target = catalogue.target(tenant, client, wanted, resource)
    seen = SignIn(assurance.PASSWORD, AMR, timezone.now())
    now = standing.load(member.id, None, organization_id, seen, ends_with_session=False)
    if now is None:
        raise Conflict("The member is not active here, or has to sign in with more than a password.")
    minted = issuing.access_token_of_member(tenant, client, now, target)
    more: dict[str, Any] = {"member": member.subject}
    emit_many(
        [
            issuing.issue_of(
                "token.issued", minted, client=client, grant_type=GRANT, actor=actor.actor, more=more
            )
        ]
    )
    identity = ""
    if issuing.wants_id_token(target):
        identity = issuing.id_token(tenant, client, now, target.scopes, minted.token, nonce).token
    return Rehearsed(minted.token, minted.expires_in, target.scope, identity)
