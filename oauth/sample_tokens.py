"""Tokens of a member for the tests of an application: what a password grant was good for, in test mode only (AUT-22).

OAuth 2.1 has no password grant (RFC 9700 §2.4), and a suite without a browser cannot walk the hosted pages. An
administrator of a tenant in test mode gets the tokens of a sign-in that nobody made, in a session of their own that
says so: `amr` is `test`. They hold no scope of our own API, refresh nothing, and are there for nobody who administers
anything, so nobody gains authority by them; where more than a password is demanded there are none.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from core import ports
from core.errors import FieldError, Problem, ValidationFailed
from core.principal import Principal
from identity import assurance
from oauth import catalogue, clients, issuing, standing
from oauth.catalogue import OFFLINE, Target
from oauth.clients import Client
from oauth.errors import OAuthError
from oauth.grants import AUTHORIZATION_CODE
from oauth.issuing import Standing
from oauth.models import Application
from oauth.standing import SignIn
from roles import authority
from roles.permissions import Permission
from tenants import selectors, sessions
from tenants.models import Member
from tenants.selectors import TenantRef

TEST = "test"  # as mode, `amr` and grant type
LONGEST = 3600  # seconds


class TestModeOnly(Problem):
    code, status, simple = "test_mode_only", 403, "forbidden"
    title = "This works in test mode only"
    fix = "Use a tenant in test mode; in live mode people sign in at the hosted pages."


class NoSampleToken(Problem):
    code, status, simple = "no_sample_token", 409, "conflict"
    title = "There is no token of this member for tests"
    fix = "Choose an active member without roles that administer, of whom no second factor is demanded."


def issue(
    *,
    actor: Principal,
    application: Application,
    member: Member,
    scope: str = "",
    resource: str = "",
    organization_id: uuid.UUID | None = None,
) -> dict[str, Any]:
    """Return the body of a token answer (RFC 6749 §5.1), with an ID token where `openid` is among the scopes.

    In the open tenant scope. Raises TestModeOnly, NoSampleToken, ValidationFailed, what `authority.require` raises.
    """
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE)
    ports.authority.require(actor, Permission.MEMBERS_WRITE)
    tenant = selectors.by_id(application.tenant_id)
    if tenant is None or tenant.mode != TEST:
        raise TestModeOnly
    try:
        client = _client(tenant, application)
        target = _target(tenant, client, scope, resource)
        return _tokens(actor, tenant, client, target, _signed_in(member, organization_id))
    except OAuthError as refused:
        raise ValidationFailed(refused.detail) from None


def _client(tenant: TenantRef, application: Application) -> Client:
    client = clients.live(tenant, application.client_id)
    if client is None or not client.allows_grant(AUTHORIZATION_CODE):
        raise NoSampleToken("The application is disabled or signs nobody in.")
    if client.is_fapi or client.dpop_bound or client.certificate_bound:
        raise NoSampleToken("The application's tokens are bound to a key that only it has.")
    return client


def _target(tenant: TenantRef, client: Client, scope: str, resource: str) -> Target:
    """Resolve the scopes as an authorization request would; without any, all that the client may ask for."""
    own = frozenset(str(word) for word in Permission)
    asked = catalogue.parse_scope(scope)
    if ours := sorted(own.intersection(asked)):
        raise ValidationFailed(errors=[FieldError("/scope", "not_offered", f"{ours[0]} is of our own API.")])
    words = asked or tuple(word for word in client.scopes if word not in own)
    return catalogue.target(tenant, client, tuple(word for word in words if word != OFFLINE), resource)


def _signed_in(member: Member, organization_id: uuid.UUID | None) -> Standing:
    """Open a session that nobody's proof stands behind, if the member may be signed in by so little."""
    if authority.permissions_of(member.id) or authority.permissions_of(member.id, organization_id):
        raise NoSampleToken("The member's roles administer something.")
    now = timezone.now()
    opened = sessions.open_session(
        member=member,
        identity_session_id=None,
        acr=assurance.PASSWORD,
        amr=[TEST],
        auth_time=now,
        organization_id=organization_id,
        expires_at=now + timedelta(seconds=LONGEST),
    )
    sign_in = SignIn(assurance.PASSWORD, (TEST,), now)
    found = standing.load(member.id, opened.id, organization_id, sign_in)
    if found is None:
        raise NoSampleToken("The member is not active here, or more is demanded of their sign-in.")
    return found


def _tokens(
    actor: Principal, tenant: TenantRef, client: Client, target: Target, signed_in: Standing
) -> dict[str, Any]:
    minted = issuing.access_token_of_member(tenant, client, signed_in, target, most=LONGEST)
    more = {"member": signed_in.subject}
    issuing.record("token.issued", minted, client=client, grant_type=TEST, actor=actor.actor, more=more)
    identity = ""
    if issuing.wants_id_token(target):
        identity = issuing.id_token(tenant, client, signed_in, target.scopes, minted.token).token
    return issuing.answer(minted, target, id_token=identity)
