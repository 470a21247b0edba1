"""For every page that needs a signed-in person: who is it, send them to sign in, sign them out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from core import scope
from core.network import current_network
from core.urls import tenant_path, tenant_slug
from identity import assurance, browser
from identity import sessions as identity_sessions
from identity.sessions import SessionRef
from oauth.consents import Allowed
from organizations.policy import idle_limit
from signin import admission, limits
from signin.errors import TooManyAttempts
from signin.interaction import Interaction
from signin.interaction import begin as new_interaction
from tenants import selectors, terms
from tenants import sessions as tenant_sessions
from tenants.models import Member, TenantSession
from tenants.selectors import TenantRef


@dataclass(frozen=True)
class SignedIn:
    """A person in one tenant, checked live. `organization_id` is the active organization, if any."""

    account_id: uuid.UUID
    member: Member
    identity_session_id: uuid.UUID
    session: TenantSession
    auth_time: datetime
    amr: tuple[str, ...]
    acr: str
    organization_id: uuid.UUID | None
    allowed: Allowed  # to the application that asks


def recognise(request: HttpRequest) -> None:
    """Read the browser's session in the person's own scope, for a `signed_in` within the tenant's."""
    browser.current_session(request)


def signed_in(
    request: HttpRequest, tenant: TenantRef, *, application_id: uuid.UUID | None = None
) -> SignedIn | None:
    """Return who is signed in to this tenant in this browser, None where a sign-in is needed.

    Account and member active, neither session ended, idle or past its absolute limit, no fresher proof
    demanded since, no second factor and no terms owed. Opens short scopes itself; call it with none open, or in the
    tenant's after `recognise`.
    """
    known = browser.current_session(request)
    if known is None or not tenant.is_active or not known.is_good_in(tenant.id):
        return None
    with scope.tenant(tenant.id):
        present = admission.present(known, application_id)
        if present is None or not present.member.is_active or present.lacks:
            return None
        member, session = present.member, present.session
        if _has_run_out(known, session, member) or terms.owed(member) or not admission.is_vouched(known):
            return None
        acr = admission.level_of(known, selectors.policy())
        tenant_sessions.touch(session)
        transaction.on_commit(lambda: identity_sessions.touch(known))  # in a scope of its own
    return SignedIn(
        known.account_id,
        member,
        known.id,
        session,
        known.auth_time,
        known.amr,
        acr,
        session.organization_id,
        present.allowed,
    )


def _has_run_out(known: SessionRef, session: TenantSession, member: Member) -> bool:
    policy = selectors.policy()
    idle = idle_limit(policy, session.organization_id)
    if tenant_sessions.is_idle(session, idle):
        return True
    since = member.reauthenticate_after
    return since is not None and known.auth_time <= since


def begin(
    request: HttpRequest,
    tenant: TenantRef | None,
    *,
    next_url: str,
    prompt: str = "",
    max_age: int | None = None,
    login_hint: str = "",
    organization: uuid.UUID | None = None,
    application_name: str = "",
    acr_values: str = "",
    ui_locales: str = "",
) -> HttpResponse:
    """Send the person to the hosted pages; they come back to `next_url`, a path on our own origin.

    With no tenant the sign-in is for the account itself (portal, dashboard). `prompt=login` and `max_age`
    are satisfied by an authentication after this call; whoever asked compares `auth_time` on the way back,
    and the session's `acr` with `acr_values`, which are in order of preference (OIDC Core §3.1.2.1).
    """
    interaction = new_interaction(
        next_url=next_url,
        prompt=prompt,
        max_age=max_age,
        login_hint=login_hint,
        organization=organization,
        application=application_name,
        acr_values=acr_values,
        ui_locales=ui_locales,
    )
    return HttpResponseRedirect(address("sign_in", tenant, interaction))


def offered_acrs(tenant: TenantRef) -> tuple[str, ...]:
    """Return the acr values that people of this tenant can reach on the hosted pages."""
    return assurance.OFFERED


def address(page: str, tenant: TenantRef | None, interaction: Interaction | None = None, **query: str) -> str:
    """Return the path of a hosted page of this tenant, or of the bare origin."""
    path = tenant_path(tenant.slug, page) if tenant else reverse(page)
    if interaction is not None:
        query = {"interaction": interaction.dump(tenant.slug if tenant else ""), **query}
    return f"{path}?{urlencode(query, safe=':')}" if query else path  # a colon stands in each signed value


def count_device_guess(tenant: TenantRef, member_id: uuid.UUID) -> int:
    """Count a try at a device's user code; returns the seconds to wait when there were too many, else 0.

    A right code clears nothing: whoever guesses could type codes of their own in between.
    """
    tries = [
        limits.Attempt(limits.DEVICE_MEMBER, f"{tenant.id}:{member_id}"),
        limits.Attempt(limits.DEVICE_NETWORK, current_network()),
    ]
    try:
        limits.take(tries)
    except TooManyAttempts as refused:
        return refused.seconds
    return 0


def sign_out(request: HttpRequest, response: HttpResponse, *, everywhere: bool = False) -> None:
    """End this browser's session in the tenant of the address; `everywhere` ends the identity session too.

    At the bare origin it is always everywhere. Call it with no scope open.
    """
    known = browser.current_session(request)
    if known is None:
        return
    slug = tenant_slug(request)
    tenant = selectors.by_slug(slug) if slug else None
    if tenant is not None:
        end_tenant_session(known, tenant)
    if everywhere or tenant is None:
        with scope.account(known.account_id):
            identity_sessions.end(account_id=known.account_id, session_ids=[known.id], reason="signed_out")
        browser.forget(request, response)


def end_tenant_session(known: SessionRef, tenant: TenantRef) -> None:
    with scope.tenant(tenant.id):
        member = selectors.member_by_account(known.account_id)
        session = admission.live_session(known, member) if member else None
        if session is not None and member is not None:
            from core.principal import Actor

            tenant_sessions.end_session(session, "signed_out", actor=Actor("user", member.subject))
