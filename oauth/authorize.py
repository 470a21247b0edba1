"""GET and POST /oauth/authorize, and the answer to the consent page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from core import scope
from core.urls import tenant_path
from oauth import (
    authorization,
    code_grant,
    consent_pages,
    consents,
    hints,
    marks,
    not_assigned,
    organization_switch,
    responses,
)
from oauth.authorization import AuthorizationRequest, BadAuthorizationRequest, Refused
from oauth.bridge import bound
from oauth.consents import Allowed
from oauth.decisions import Decision
from oauth.errors import AccessDenied, InvalidRequestUri, OAuthError
from oauth.http import tenant_of
from oauth.next_step import Asking, Present, Step, next_step
from oauth.visits import Visit
from tenants.selectors import TenantRef

LONGEST = 5500  # characters of a query, which travels through the hosted pages and back


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """RFC 6749 §3.1. A POST (OIDC Core §3.1.2.1) is only turned into the same request by GET."""
    if request.method == "POST":
        return _by_get(tenant_of(request), request.POST.urlencode())
    return _answer(request, _proceed, status=302)


@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    """The person's answer. The request is checked again as a whole; the ticket binds it to what was shown."""
    return _answer(request, _decide, status=303)


def _answer(request: HttpRequest, act: Callable[[Visit], HttpResponse], *, status: int) -> HttpResponse:
    tenant = tenant_of(request)
    try:
        return act(_visit(request, tenant, status))
    except Refused as refused:
        return responses.refuse(request, tenant, refused, status)


def _visit(request: HttpRequest, tenant: TenantRef, status: int) -> Visit:
    text = request.GET.get(marks.NAME, "")
    if len(request.META["QUERY_STRING"]) - len(text) > LONGEST:
        raise BadAuthorizationRequest("The request is too long for an address: push it (RFC 9126).")
    values, fault = authorization.fold(request.GET, but=marks.NAME)
    mark = marks.read(text, values)
    wanted = authorization.read(tenant, values, fault, is_started=mark is not None)
    return Visit(request, tenant, wanted, mark or marks.read(text, wanted.front) or marks.Mark(), status)


def _by_get(tenant: TenantRef, query: str) -> HttpResponse:
    if len(query) > LONGEST:
        raise BadAuthorizationRequest("The request is too long for an address: push it (RFC 9126).")
    response = HttpResponseRedirect(f"{tenant_path(tenant.slug, 'oauth-authorize')}?{query}")
    response.status_code = 303
    return response


def _proceed(visit: Visit) -> HttpResponse:
    bound().recognise(visit.request)
    with scope.tenant(visit.tenant.id):  # one transaction for what mostly needs no page
        signed, must_prove = _signed_in(visit)
        allowed = _allowed(visit, signed)
        step = _step(visit, signed, allowed, must_prove)
        is_admitted = step.name != "sign-in" and not_assigned.may_use(visit, signed)
        if step.name == "issue" and is_admitted:
            return _issue(visit, signed, allowed)
    if step.name == "sign-in":
        return _sign_in(visit, step)
    if not is_admitted:
        return not_assigned.refuse(visit, signed)
    return consent_pages.show(visit, signed, step, allowed)


def _decide(visit: Visit) -> HttpResponse:
    signed, must_prove = _signed_in(visit)
    allowed = _allowed(visit, signed)
    step = _step(visit, signed, allowed, must_prove)
    if step.name == "sign-in":
        return _sign_in(visit, step)
    if not not_assigned.may_use(visit, signed):
        raise visit.wanted.refuse(AccessDenied("This application is not assigned to the person."))
    if step.name == "consent":
        decision = consent_pages.read(visit, signed, step)
        if decision is None:
            return consent_pages.show(visit, signed, step, allowed)
        if not decision.is_given:
            raise _denied(visit, signed)
        return _issue(visit, signed, allowed, decision)
    return _issue(visit, signed, allowed)


def _signed_in(visit: Visit) -> tuple[Any, bool]:
    """Return who is signed in, in the organization that the request names, and whether that asks for more."""
    signed = bound().signed_in(visit.request, visit.tenant, application_id=visit.wanted.client.id)
    try:
        return organization_switch.at_authorize(visit.tenant, visit.wanted.organization, signed)
    except OAuthError as error:
        raise visit.wanted.refuse(error) from None


def _allowed(visit: Visit, signed: Any) -> Allowed:
    """Return what the person allowed before; the tenant's own applications need no asking."""
    wanted = visit.wanted
    if wanted.client.is_first_party:
        return Allowed(frozenset(wanted.target.scopes), frozenset(wanted.claims.names))
    if signed is None:
        return consents.NONE
    allowed: Allowed = signed.allowed
    return allowed


def _step(visit: Visit, signed: Any, allowed: Allowed, must_prove: bool) -> Step:
    wanted = visit.wanted
    present = Present(signed.member.subject, signed.auth_time, signed.acr) if signed else None
    try:
        asking = Asking(
            now=timezone.now(),
            subjects=_subjects(visit.tenant, wanted),
            allowed=allowed,
            asked_at=visit.mark.asked_at,
            offered=bound().offered_acrs(visit.tenant),
            must_prove=must_prove,
        )
        return next_step(wanted, present, asking)
    except OAuthError as error:
        raise wanted.refuse(error) from None


def _subjects(tenant: TenantRef, wanted: AuthorizationRequest) -> tuple[str, ...]:
    """Return the subjects that the request's hints name."""
    hint = hints.read(tenant, wanted.id_token_hint) if wanted.id_token_hint else {}
    return tuple(subject for subject in (str(hint.get("sub", "")), wanted.claims.subject) if subject)


def _sign_in(visit: Visit, step: Step) -> HttpResponse:
    """Send the person to the hosted pages; on the way back the mark shows that they were asked."""
    wanted = visit.wanted
    try:
        organization = organization_switch.read(wanted.organization) if wanted.organization else None
    except OAuthError as error:
        raise wanted.refuse(error) from None
    answer: HttpResponse = bound().begin(
        visit.request,
        visit.tenant,
        next_url=marks.address(visit.tenant, "oauth-authorize", wanted.front, timezone.now()),
        prompt=step.prompt,
        max_age=wanted.max_age,
        acr_values=" ".join(step.acr_values),
        login_hint=wanted.login_hint,
        ui_locales=wanted.ui_locales,
        organization=organization,
        application_name=wanted.client.name,
    )
    return answer


def _issue(visit: Visit, signed: Any, allowed: Allowed, decision: Decision | None = None) -> HttpResponse:
    wanted = visit.wanted
    try:
        code = code_grant.issue(visit.tenant, wanted, signed, allowed=allowed, decision=decision)
    except InvalidRequestUri as error:  # spent by another answer meanwhile: this one must not be given
        raise BadAuthorizationRequest(error.detail) from None
    except OAuthError as error:
        raise wanted.refuse(error) from None
    return responses.grant(visit.request, visit.tenant, wanted, code, visit.status)


def _denied(visit: Visit, signed: Any) -> Refused:
    try:
        code_grant.deny(visit.tenant, visit.wanted, signed)
    except InvalidRequestUri as error:
        raise BadAuthorizationRequest(error.detail) from None
    return visit.wanted.refuse(AccessDenied("The person refused."))
