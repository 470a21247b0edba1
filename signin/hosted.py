"""What every hosted page shares: its tenant, the words on it, and its answers' cookies."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation

from core import languages
from core.errors import Problem, Unavailable
from core.pages import words_of
from core.passwords import HasherBusy
from core.urls import tenant_slug
from identity.browser import current_session
from signin import bridge, devices, flows, interaction
from signin.devices import Browser
from signin.errors import FlowExpired, TenantSuspended, UnknownTenant
from signin.flows import flow_scope
from signin.interaction import Interaction
from signin.models import Purpose, SignInFlow, Stage
from tenants import selectors
from tenants.face import Face, face_of
from tenants.selectors import TenantRef

AnyForm = TypeVar("AnyForm", bound=Form)
# Where a flow goes on that has got past its first proof.
FURTHER = {Stage.SECOND_FACTOR: "second_factor", Stage.CONFIRM: "sign_in_confirm"}


@dataclass(frozen=True)
class Visit:
    """One request to a hosted page. `tenant` is None at the bare origin (account, dashboard)."""

    request: HttpRequest
    tenant: TenantRef | None
    browser: Browser
    interaction: Interaction

    @property
    def slug(self) -> str:
        return self.tenant.slug if self.tenant else ""

    def url(self, page: str, **query: str) -> str:
        return bridge.address(page, self.tenant, self.interaction, **query)

    def to(self, page: str) -> HttpResponse:
        """Lead on to another hosted page of this visit."""
        return self.redirect(self.url(page))

    def for_organization(self, organization_id: uuid.UUID | None) -> Visit:
        """Return this visit for an organization; as it is without one."""
        if organization_id is None:
            return self
        return replace(self, interaction=replace(self.interaction, organization=str(organization_id)))

    def flow_url(self, page: str, flow_id: str, **query: str) -> str:
        tags = self._language_tags()
        spoken = {"ui_locales": tags} if tags else {}
        return bridge.address(
            page, self.tenant, None, flow=flow_id, **self.interaction.looks, **spoken, **query
        )

    @property
    def language(self) -> str:
        """What the application asked us to speak, unless the person chose a language here."""
        return languages.asked_for(self.request, self._language_tags())

    def _language_tags(self) -> str:
        return self.interaction.ui_locales or self.request.GET.get("ui_locales", "")[: languages.LONGEST]

    def within(self, flow: SignInFlow) -> Visit:
        """Return the visit with the way back that the flow knows, so that the links of its pages keep it."""
        return replace(self, interaction=interaction.load(flow.data["interaction"], self.slug))

    def redirect(self, address: str) -> HttpResponse:
        response = HttpResponseRedirect(address)
        response.status_code = 303
        return response

    def render(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        face = face_of(self.tenant.id, self.interaction.organization_id) if self.tenant else None
        values = self.context(face, **context)
        return render(self.request, f"signin/{template}.html", values, status=status)

    def context(self, face: Face | None, **more: Any) -> dict[str, Any]:
        """Return what every hosted page shows, in the looks of `face`."""
        branding = face.branding if face else {}
        return {
            "visit": self,
            "tenant": face,
            "branding": branding,
            "brand_text": branding.get(f"text_{translation.get_language()}", ""),
            "interaction": self.interaction.dump(self.slug),
            "application": self.interaction.application,
            "local_mailbox": "" if settings.PRODUCTION else reverse("mailbox"),
            "links": {page: self.url(page) for page in ("sign_in", "sign_up", "recovery")},
            "sign_up_open": face is None or face.sign_up != "invite",
            **more,
        }


View = Callable[..., HttpResponse]


def hosted(view: View) -> View:
    """Give a view its `Visit`; refuse unknown and suspended tenants with a page that says so."""

    @wraps(view)
    def visited(request: HttpRequest, **arguments: str) -> HttpResponse:
        slug = tenant_slug(request)
        tenant = selectors.by_slug(slug) if slug else None
        if slug and tenant is None:
            raise UnknownTenant
        if tenant is not None and not tenant.is_active:
            raise TenantSuspended
        asked = {**request.GET.dict(), **request.POST.dict()}
        visit = Visit(request, tenant, devices.of(request), interaction.read(asked, slug or ""))
        with translation.override(visit.language or translation.get_language()):
            response = languages.named(_answer(visit, view, arguments))
        # A browser applies form-action to every redirect behind a form, and after the last stage those lead
        # through /oauth/authorize to the application, whose address only that endpoint knows.
        response._csp_replace = {"form-action": None, **getattr(response, "_csp_replace", {})}  # type: ignore[attr-defined]
        return devices.keep(response, visit.browser)

    return visited


def _answer(visit: Visit, view: View, arguments: dict[str, str]) -> HttpResponse:
    """Let a refusal speak on the tenant's own page, with the way to begin again (AUT-20)."""
    try:
        return view(visit, **arguments)
    except HasherBusy:
        raise Unavailable from None
    except Problem as problem:
        if problem.status >= 500:
            raise
        flow = _own_flow(visit)
        onward = _onward(visit, flow) if flow and isinstance(problem, FlowExpired) else None
        if onward is not None:
            return onward
        return _stopped(visit.within(flow) if flow else visit, problem)


def _own_flow(visit: Visit) -> SignInFlow | None:
    """Return the flow that the page was about, where it is this browser's: it knows the way back."""
    public_id = visit.request.POST.get("flow") or visit.request.GET.get("flow", "")
    if not public_id:
        return None
    with flow_scope(visit.tenant):
        return flows.of_browser(visit.tenant, public_id, visit.browser)


def _onward(visit: Visit, flow: SignInFlow) -> HttpResponse | None:
    """Send on whoever is past the page already: a form sent twice, the back button, a second tab.

    Nothing is compared and nothing opens: only what this browser did before counts.
    """
    visit = visit.within(flow)
    if flow.stage == Stage.DONE and flow.purpose != Purpose.RECOVERY and current_session(visit.request):
        return visit.redirect(visit.url("sign_in_continue"))
    page = FURTHER.get(Stage(flow.stage))
    if not flow.is_open or page is None or visit.request.path_info == reverse(page):
        return None
    return visit.redirect(visit.flow_url(page, flow.public_id))


def _stopped(visit: Visit, problem: Problem) -> HttpResponse:
    return with_headers(visit.render("stopped", problem.status, problem=problem), problem)


def with_headers(response: HttpResponse, problem: Problem) -> HttpResponse:
    """Say to programs what the page says to people, such as how long to wait."""
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def explain(form: Form, problem: Problem, field: str | None = None) -> None:
    """Put a refusal on the form: its sentences at `field`, or above it."""
    if problem.errors:
        for error in problem.errors:
            form.add_error(field, error.detail)
    else:
        form.add_error(field, words_of(problem))


def again(kind: type[AnyForm], problem: Problem, field: str, **kept: Any) -> AnyForm:
    """Return an empty form that says why the last one was refused: at its field, or above it where only time helps."""
    form = kind(kept)
    form.errors.clear()
    explain(form, problem, None if problem.status == 429 else field)
    return form
