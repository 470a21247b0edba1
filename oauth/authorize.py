"""GET and POST /oauth/authorize, and the answer to the consent page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core import scope
from core.principal import Actor
from core.urls import tenant_path
from events.services import emit
from oauth import authorization, catalogue, code_grant, consents, hints, redirects
from oauth.authorization import AuthorizationRequest, Refused, Step, next_step
from oauth.bridge import bound
from oauth.errors import AccessDenied, OAuthError
from oauth.http import tenant_of
from tenants import selectors
from tenants.selectors import TenantRef

ASKED = "asked"  # our own parameter: when this request last sent the person to sign in, signed
ASKED_LONGEST = 3600  # seconds
_asked = signing.TimestampSigner(salt="oauth.asked")
_ticket = signing.Signer(salt="oauth.consent")


@csrf_exempt
def authorize(request: HttpRequest) -> HttpResponse:
    """RFC 6749 §3.1. A POST (OIDC Core §3.1.2.1) is only turned into the same request by GET."""
    tenant = tenant_of(request)
    if request.method == "POST":
        return _address(tenant, "oauth-authorize", request.POST.urlencode())
    query = request.GET.copy()
    marker = query.pop(ASKED, [""])[-1]
    try:
        wanted = authorization.read(tenant, query)
        return _proceed(request, tenant, wanted, marker)
    except Refused as refused:
        return answer_refusal(tenant, refused)


def _proceed(
    request: HttpRequest, tenant: TenantRef, wanted: AuthorizationRequest, marker: str
) -> HttpResponse:
    signed = bound().signed_in(request, tenant)
    step = _step(tenant, wanted, signed, marker)
    if step.name == "sign-in":
        return _sign_in(request, tenant, wanted, step.prompt)
    if step.name == "consent":
        return _consent_page(request, tenant, wanted, signed, step.scopes, marker)
    return _issue(tenant, wanted, signed, status=302)


def _step(tenant: TenantRef, wanted: AuthorizationRequest, signed: Any, marker: str) -> Step:
    try:
        hint = hints.read(tenant, wanted.id_token_hint) if wanted.id_token_hint else {}
        return next_step(
            wanted,
            auth_time=signed.auth_time if signed else None,
            subject=signed.member.subject if signed else "",
            hinted_subject=str(hint.get("sub", "")),
            consented=_consented(tenant, wanted, signed),
            asked_at=_asked_at(marker),
            now=timezone.now(),
        )
    except OAuthError as error:
        raise wanted.refuse(error) from None


def _consented(tenant: TenantRef, wanted: AuthorizationRequest, signed: Any) -> frozenset[str]:
    if signed is None or wanted.client.is_first_party:
        return frozenset()
    with scope.tenant(tenant.id):
        return consents.given(signed.member.id, wanted.client.id)


def _asked_at(marker: str) -> datetime | None:
    """Return when we sent this request to sign in, from our own signed mark; None without a genuine one."""
    try:
        _asked.unsign(marker, max_age=ASKED_LONGEST)
        return datetime.fromtimestamp(int(marker.split(":", 1)[0]), UTC)
    except (signing.BadSignature, ValueError):
        return None


def _sign_in(
    request: HttpRequest, tenant: TenantRef, wanted: AuthorizationRequest, prompt: str
) -> HttpResponse:
    """Send the person to the hosted pages; on the way back the mark shows that they were asked."""
    mark = _asked.sign(str(int(timezone.now().timestamp())))
    back = f"{tenant_path(tenant.slug, 'oauth-authorize')}?{urlencode({**wanted.parameters, ASKED: mark})}"
    answer: HttpResponse = bound().begin(
        request,
        tenant,
        next_url=back,
        prompt=prompt,
        max_age=wanted.max_age,
        login_hint=wanted.login_hint,
        application_name=wanted.client.name,
    )
    return answer


# --- consent ---------------------------------------------------------------------------------------------


def _consent_page(
    request: HttpRequest,
    tenant: TenantRef,
    wanted: AuthorizationRequest,
    signed: Any,
    scopes: tuple[str, ...],
    marker: str,
) -> HttpResponse:
    """Who asks, where it leads, what for: only the new part is asked."""
    with scope.tenant(tenant.id):
        row = selectors.tenant()
    target = redirects.form_target(wanted.redirect_uri)
    context = {
        "tenant": row,
        "branding": row.branding,
        "client": wanted.client,
        "destination": target.partition("://")[2] or target,
        "member": signed.member,
        "scopes": [(word, catalogue.describe(tenant, word)) for word in scopes],
        "known": len(wanted.target.scopes) - len(scopes),
        "ticket": _ticket.sign(_ticket_text(wanted, signed, scopes)),
        "action": _consent_address(tenant, wanted, marker),
    }
    page = render(request, "oauth/consent.html", context)
    page._csp_update = {"form-action": [target]}  # type: ignore[attr-defined]
    return page


def _ticket_text(wanted: AuthorizationRequest, signed: Any, scopes: tuple[str, ...]) -> str:
    """What the person saw: theirs, this client's, these scopes, nothing else."""
    return " ".join([str(signed.session.id), wanted.client.client_id, *scopes])


def _consent_address(tenant: TenantRef, wanted: AuthorizationRequest, marker: str) -> str:
    parameters = {**wanted.parameters, ASKED: marker} if marker else wanted.parameters
    return f"{tenant_path(tenant.slug, 'oauth-consent')}?{urlencode(parameters)}"


@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    """The person's answer. The request is checked again as a whole; the ticket binds it to what was shown."""
    tenant = tenant_of(request)
    query = request.GET.copy()
    marker = query.pop(ASKED, [""])[-1]
    try:
        wanted = authorization.read(tenant, query)
        return _decide(request, tenant, wanted, marker)
    except Refused as refused:
        return answer_refusal(tenant, refused, status=303)


def _decide(
    request: HttpRequest, tenant: TenantRef, wanted: AuthorizationRequest, marker: str
) -> HttpResponse:
    signed = bound().signed_in(request, tenant)
    step = _step(tenant, wanted, signed, marker)
    if step.name == "sign-in":
        return _sign_in(request, tenant, wanted, step.prompt)
    if step.name == "consent":
        if not _is_genuine(request.POST.get("ticket", ""), _ticket_text(wanted, signed, step.scopes)):
            return _consent_page(request, tenant, wanted, signed, step.scopes, marker)
        if request.POST.get("decision") != "allow":
            raise _denied(tenant, wanted, signed)
    return _issue(tenant, wanted, signed, allowed=step.scopes, status=303)


def _is_genuine(ticket: str, text: str) -> bool:
    try:
        return _ticket.unsign(ticket) == text
    except signing.BadSignature:
        return False


def _denied(tenant: TenantRef, wanted: AuthorizationRequest, signed: Any) -> Refused:
    with scope.tenant(tenant.id):
        emit(
            "authorization.denied",
            actor=Actor("user", signed.member.subject, via=wanted.client.client_id),
            object={
                "id": wanted.client.client_id,
                "object": "authorization",
                "client_id": wanted.client.client_id,
                "scope": wanted.target.scope,
                "member": signed.member.subject,
            },
        )
    return wanted.refuse(AccessDenied("The person refused."))


# --- answers ---------------------------------------------------------------------------------------------


def _issue(
    tenant: TenantRef,
    wanted: AuthorizationRequest,
    signed: Any,
    *,
    allowed: tuple[str, ...] = (),
    status: int,
) -> HttpResponse:
    code = code_grant.issue(tenant, wanted, signed, allowed=allowed)
    parameters = {"code": code, "state": wanted.state, "iss": tenant.issuer}
    return redirects.send(wanted.redirect_uri, parameters, status)


def answer_refusal(tenant: TenantRef, refused: Refused, status: int = 302) -> HttpResponse:
    """RFC 6749 §4.1.2.1 with the issuer of RFC 9207."""
    parameters = {
        "error": refused.error.error,
        "error_description": refused.error.detail,
        "state": refused.state,
        "iss": tenant.issuer,
    }
    return redirects.send(refused.redirect_uri, parameters, status)


def _address(tenant: TenantRef, name: str, query: str) -> HttpResponse:
    if len(query) > 16_000:
        raise authorization.BadAuthorizationRequest("The request is too long.")
    response = HttpResponseRedirect(f"{tenant_path(tenant.slug, name)}?{query}")
    response.status_code = 303
    return response
