"""The tab of an organization's domains, for the tenant's administrators and its own; `ROUTES` lists the pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import ids
from core.lookups import id_or_missing
from identity import emails
from organizations import domain_proofs, domain_roles, domains
from organizations import domain_services as services
from organizations.models import DomainState, Finding, Organization, OrganizationDomain
from organizations.pages import READ, WRITE, read, surroundings
from tenants.pagekit import (
    Explained,
    Viewer,
    act,
    asked,
    list_context,
    listing,
    posted,
    see_other,
    select,
    show,
    unconfirmed,
)

DNS_WORDS = {
    Finding.FOUND: gettext_lazy("The record is there."),
    Finding.MISSING: gettext_lazy(
        "There is no such record. New ones may take an hour to be seen everywhere."
    ),
    Finding.OTHER_VALUE: gettext_lazy("There is a record of this name, but it has another value."),
    Finding.TIMEOUT: gettext_lazy("The name servers of the domain did not answer in time."),
    Finding.UNREACHABLE: gettext_lazy("The name servers of the domain could not be asked."),
    Finding.TAKEN: gettext_lazy(
        "The record is right, but another organization has proved this domain. Ask whoever runs the tenant."
    ),
}
HTTP_WORDS = {
    Finding.FOUND: gettext_lazy("The file is there."),
    Finding.MISSING: gettext_lazy("The web server has no such file, or leads elsewhere."),
    Finding.OTHER_VALUE: gettext_lazy("The file says something else."),
    Finding.UNREACHABLE: gettext_lazy("The web server could not be reached at a public address by https."),
    Finding.TAKEN: DNS_WORDS[Finding.TAKEN],
}
NOT_LOOKED = gettext_lazy("Not looked for yet.")
NOT_NEEDED = gettext_lazy("Not looked for: the record is enough.")


def state_label(state: str) -> str:
    labels = {
        DomainState.PENDING: _("Waiting for proof"),
        DomainState.VERIFIED: _("Verified"),
        DomainState.FAILED: _("Proof lost"),
        DomainState.EXPIRED: _("Expired"),
    }
    return labels[DomainState(state)]


class DomainForm(Explained):
    domain = forms.CharField(
        label=gettext_lazy("Domain"),
        max_length=253,
        help_text=gettext_lazy("Such as example.com: what stands behind the @ of your people's addresses."),
    )


class JoiningForm(Explained):
    """Who joins by the domain, and with which role."""

    auto_join = forms.BooleanField(
        label=gettext_lazy("Whoever signs in with a proved address in this domain joins the organization"),
        required=False,
    )
    auto_join_role = forms.ChoiceField(
        label=gettext_lazy("With the role"),
        required=False,
        help_text=gettext_lazy("Only roles that you hold the permissions of. None runs the organization."),
    )

    def __init__(self, data: Any, *, claim: OrganizationDomain, viewer: Viewer) -> None:
        present = services.role_word(claim) or ""
        super().__init__(data, initial={"auto_join": claim.auto_join, "auto_join_role": present})
        offered = domain_roles.roles().offered(viewer.principal, claim.organization)
        if present and present not in dict(offered):
            offered = [(present, _("The present one, which you could not give")), *offered]
        self.offer("auto_join_role", [("", _("No role")), *offered])

    @property
    def changes(self) -> dict[str, Any]:
        role = self.cleaned_data["auto_join_role"]
        return {
            "auto_join": self.cleaned_data["auto_join"],
            "auto_join_role_id": ids.decode("role", role) if role else None,
        }


def organization_domains(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    """List an organization's domains; POST names another one."""
    organization = read(organization_id)
    form = DomainForm(posted(request))
    base = viewer.url("organizations", organization.public_id, "domains")
    if form.is_valid():
        made = form.carry_out(
            lambda: services.add_domain(
                actor=viewer.principal, organization=organization, domain=form.cleaned_data["domain"]
            )
        )
        if made is not None:
            messages.success(request, _("Next: publish the proof that the domain is yours."))
            return see_other(f"{base}/{made.public_id}")
    q, state = asked(request, "q"), asked(request, "state")
    rows = domains.domains(organization)
    if q:
        rows = domains.search(rows, q)
    if state in DomainState.values:
        rows = rows.filter(state=state)
    page = listing(request, rows)
    page.rows[:] = [(row, state_label(row.effective_state)) for row in page.rows]
    options = [(one, state_label(one)) for one in DomainState.values]
    return show(
        request,
        "organizations/domains.html",
        form,
        form=form,
        domains_url=base,
        may_change=viewer.may(WRITE),
        **list_context(page, q, [select("state", _("Any state"), state, options)]),
        **surroundings(viewer, organization, "domains"),
    )


def organization_domain(
    request: HttpRequest, viewer: Viewer, organization_id: str, domain_id: str
) -> HttpResponse:
    """Show how a domain is proved and what was found; POST changes who joins by it."""
    claim = of_organization(organization_id, domain_id)
    form = JoiningForm(posted(request), claim=claim, viewer=viewer)
    if form.is_valid():
        saved = form.carry_out(
            lambda: services.update_domain(actor=viewer.principal, claim=claim, changes=form.changes)
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return see_other(place_of(viewer, claim))
    return domain_page(request, viewer, claim, form)


def domain_page(
    request: HttpRequest,
    viewer: Viewer,
    claim: OrganizationDomain,
    form: JoiningForm,
    status: int = 0,
    **more: Any,
) -> HttpResponse:
    organization = claim.organization
    around = surroundings(viewer, organization, "domains")
    base = viewer.url("organizations", organization.public_id)
    crumbs = [
        *around["crumbs"],
        {"label": organization.name, "url": base},
        {"label": _("Domains"), "url": f"{base}/domains"},
    ]
    return show(
        request,
        "organizations/domain.html",
        form,
        status=status,
        form=form,
        claim=claim,
        state=claim.effective_state,
        state_label=state_label(claim.effective_state),
        readable=readable(claim),
        crumbs=crumbs,
        times=times(claim),
        record=record_rows(claim),
        file=file_rows(claim),
        base=place_of(viewer, claim),
        may_change=viewer.may(WRITE),
        **more,
    )


def times(claim: OrganizationDomain) -> list[dict[str, Any]]:
    state = claim.effective_state
    rows = [
        (_("Verified"), claim.verified_at, claim.verified_at is not None),
        (_("Failing since"), claim.failing_since, state == DomainState.VERIFIED and bool(claim.failures)),
        (_("Waits until"), claim.expires_at, state == DomainState.PENDING),
        (_("Last look"), claim.checked_at, True),
    ]
    shown = [{"label": label, "value": at, "kind": "time"} for label, at, is_shown in rows if is_shown]
    return [*shown, {"label": _("Next look"), **next_look(claim)}]


def next_look(claim: OrganizationDomain) -> dict[str, Any]:
    at = claim.next_check_at
    if at is None or claim.effective_state == DomainState.EXPIRED:
        return {"value": _("when somebody asks for it")}
    return {"value": at, "kind": "time"} if at > timezone.now() else {"value": _("within some minutes")}


def record_rows(claim: OrganizationDomain) -> list[dict[str, Any]]:
    return [
        {"label": _("Type"), "value": "TXT", "kind": "code"},
        {"label": _("Name"), "value": domain_proofs.record_name(claim.domain), "kind": "copy"},
        {"label": _("Value"), "value": domain_proofs.value(claim), "kind": "copy"},
        {"label": _("Last found"), "value": found(DNS_WORDS, claim.dns_finding, NOT_LOOKED)},
    ]


def file_rows(claim: OrganizationDomain) -> list[dict[str, Any]]:
    unsought = NOT_NEEDED if claim.checked_at else NOT_LOOKED
    return [
        {"label": _("Address"), "value": domain_proofs.file_url(claim.domain), "kind": "copy"},
        {"label": _("Content"), "value": domain_proofs.value(claim), "kind": "copy"},
        {"label": _("Last found"), "value": found(HTTP_WORDS, claim.http_finding, unsought)},
    ]


def found(words: dict[Finding, Any], finding: str, nothing: Any) -> str:
    return str(words[Finding(finding)] if finding else nothing)


def readable(claim: OrganizationDomain) -> str:
    """Return the domain as its people write it, where that is not how it is compared."""
    shown = emails.readable_domain(claim.domain)
    return shown if shown != claim.domain else ""


def organization_domain_check(
    request: HttpRequest, viewer: Viewer, organization_id: str, domain_id: str
) -> HttpResponse:
    claim = of_organization(organization_id, domain_id)
    return act(
        request,
        place_of(viewer, claim),
        lambda: services.request_check(actor=viewer.principal, claim=claim),
        _("The check is on its way. Load this page again in a moment."),
    )


def organization_domain_remove(
    request: HttpRequest, viewer: Viewer, organization_id: str, domain_id: str
) -> HttpResponse:
    """Remove after the name was typed and a reason given."""
    claim = of_organization(organization_id, domain_id)
    if request.method == "POST" and (error := unconfirmed(request, claim.domain)):
        form = JoiningForm(None, claim=claim, viewer=viewer)
        return domain_page(request, viewer, claim, form, 422, remove_error=error)
    return act(
        request,
        place_of(viewer, claim),
        lambda: services.remove_domain(actor=viewer.principal, claim=claim),
        _("The domain is removed. Who joined by it stays."),
        then=viewer.url("organizations", organization_id, "domains"),
    )


def of_organization(organization_id: str, domain_id: str) -> OrganizationDomain:
    return domains.domain(read(organization_id), id_or_missing(OrganizationDomain.PREFIX, domain_id))


def place_of(viewer: Viewer, claim: OrganizationDomain) -> str:
    organization = ids.encode(Organization.PREFIX, claim.organization_id)
    return viewer.url("organizations", organization, "domains", claim.public_id)


AT = "organizations/<str:organization_id>/domains"
ROUTES = [
    (AT, organization_domains, READ),
    (f"{AT}/<str:domain_id>", organization_domain, READ),
    (f"{AT}/<str:domain_id>/check", organization_domain_check, WRITE),
    (f"{AT}/<str:domain_id>/removal", organization_domain_remove, WRITE),
]
