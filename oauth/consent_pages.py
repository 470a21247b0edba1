"""The consent page: who asks, where it leads, what for, and for how long (OAU-06, NEW-12, threat O9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.core import signing
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import translation

from core import languages, scope
from identity.details import Details
from oauth import catalogue, claims_request, consent_details, decisions, hosts, marks, redirects
from oauth.consents import Allowed
from oauth.decisions import NO_EMAIL, Decision
from oauth.next_step import Step
from oauth.visits import Visit
from organizations.selectors import name_of
from tenants.face import face_of

_ticket = signing.Signer(salt="oauth.consent")


def show(visit: Visit, signed: Any, step: Step, allowed: Allowed) -> HttpResponse:
    """Only the new part is asked, unless the client wants all of it shown or nobody has vetted it."""
    with translation.override(_language(visit)):
        page = languages.named(
            render(visit.request, "oauth/consent.html", _context(visit, signed, step, allowed))
        )
    target = redirects.form_target(visit.wanted.redirect_uri)
    page._csp_update = {"form-action": [target]}  # type: ignore[attr-defined]
    return page


def _context(visit: Visit, signed: Any, step: Step, allowed: Allowed) -> dict[str, Any]:
    wanted, client = visit.wanted, visit.wanted.client
    offer = consent_details.offered(signed.account_id, (*step.scopes, *step.claims))
    return {
        **_place(visit, signed),
        "client": client,
        "destination": _destination(wanted.redirect_uri),
        "is_local": not hosts.host_of(wanted.redirect_uri),
        "member": signed.member,
        "emails": _emails(signed, step, offer),
        "offer": offer,
        "parts": consent_details.rows(offer),
        "asked": [*_scopes(visit, step.scopes, allowed), *_claims(step.claims, allowed)],
        "known": len(wanted.target.scopes) - len(step.scopes),
        "ticket": _ticket.sign(_ticket_text(visit, signed, step)),
        "action": marks.address(visit.tenant, "oauth-consent", wanted.front, visit.mark.asked_at),
    }


def _language(visit: Visit) -> str | None:
    """Return what the client asked for, unless the person chose a language here (OIDC Core §3.1.2.1)."""
    return languages.asked_for(visit.request, visit.wanted.ui_locales) or translation.get_language()


def read(visit: Visit, signed: Any, step: Step) -> Decision | None:
    """Return the person's decision, None when the form is not an answer to this very page."""
    form = visit.request.POST
    if not _is_genuine(form.get("ticket", ""), _ticket_text(visit, signed, step)):
        return None
    if form.get("decision") != "allow":
        return decisions.REFUSED
    email = form.get("give_email", "")
    offer = consent_details.offered(signed.account_id, (*step.scopes, *step.claims))
    decision = decisions.decide(
        visit.wanted.client,
        step.scopes,
        step.claims,
        dropped=form.getlist("drop"),
        life=form.get("life", ""),
        session_id=signed.session.id,
        email=email if email in _emails(signed, step, offer) else "",
    )
    allowed = (*decision.scopes, *decision.claims)
    return replace(decision, given=consent_details.read(signed.account_id, offer, allowed, form))


def _ticket_text(visit: Visit, signed: Any, step: Step) -> str:
    """What the person saw: theirs, this client's, where it leads, these scopes and claims, nothing else."""
    client = visit.wanted.client
    return " ".join(
        [str(signed.session.id), client.client_id, visit.wanted.redirect_uri, *step.scopes, "+", *step.claims]
    )


def _is_genuine(ticket: str, text: str) -> bool:
    try:
        return _ticket.unsign(ticket) == text
    except signing.BadSignature:
        return False


def _place(visit: Visit, signed: Any) -> dict[str, Any]:
    face = face_of(visit.tenant.id, signed.organization_id)
    with scope.tenant(visit.tenant.id):
        return {
            "tenant": face,
            "branding": face.branding,
            "organization": name_of(signed.organization_id) if signed.organization_id else "",
            "known_since": hosts.known_since(visit.wanted.redirect_uri),
        }


def _destination(uri: str) -> str:
    target = redirects.form_target(uri)
    return target.partition("://")[2] or target


def _emails(signed: Any, step: Step, offer: Details) -> list[str]:
    """The addresses to choose from, the tenant's present one first; none where there is no choice."""
    if "email" not in (*step.scopes, *step.claims):
        return []
    present = signed.member.email
    others = [address for address in offer.addresses if address.casefold() != present.casefold()]
    if signed.member.withholds_email:
        return [NO_EMAIL, *others]
    return [present, *others, NO_EMAIL] if present else [*others, NO_EMAIL] if others else []


def _scopes(visit: Visit, scopes: Iterable[str], allowed: Allowed) -> list[dict[str, Any]]:
    client = visit.wanted.client
    return [
        {
            "word": word,
            "sentence": catalogue.describe(visit.tenant, word),
            "is_fixed": decisions.is_required(client, word),
            "is_dropped": word in allowed.declined,
        }
        for word in scopes
    ]


def _claims(claims: Iterable[str], allowed: Allowed) -> list[dict[str, Any]]:
    return [
        {"word": claim, "sentence": claims_request.describe(claim), "is_dropped": claim in allowed.declined}
        for claim in claims
    ]
