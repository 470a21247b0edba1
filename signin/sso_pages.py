"""Single sign-on on the hosted pages: off to a provider, back from it, and linking (AUT-09, AUT-13, AUT-20)."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from core import ids, scope
from core.errors import Gone
from core.pages import READ_WRITE
from core.urls import own_address
from federation import doors, testing
from federation.errors import SsoFailed
from federation.models import Connection
from identity import browser, emails
from identity.emails import Address
from signin import bridge, federated
from signin.errors import UnknownTenant
from signin.federated import Tested, ToLink
from signin.hosted import Visit, hosted, with_headers
from tenants import selectors
from tenants.selectors import TenantRef

OWN = "own"  # in the address: the person wants to use a method of their own
_DASHBOARD_OF = re.compile(r"/dashboard/([a-z0-9-]+)(?:[/?#]|$)")


def offered(visit: Visit) -> dict[str, Any]:
    """Return the buttons of the sign-in page: the tenant's connections, and those of the organization asked for."""
    tenant = visit.tenant or bound_for(visit)
    if tenant is None or not doors.of(tenant.id):
        return {}
    here = doors.of_organization(tenant.id, visit.interaction.organization_id)
    here += doors.tenant_wide(tenant.id)
    shown = [{"name": door.name, "url": _start_url(visit, tenant, door.id)} for door in here]
    if visit.tenant is None:
        return {"connections": shown, "wants_own": _wants_own(visit)}
    is_only = any(door.enforced for door in here if door.organization_id is None) and not _wants_own(visit)
    more: dict[str, Any] = {"connections": shown, "is_only_door": is_only, "wants_own": _wants_own(visit)}
    if is_only:
        more |= {"own_url": visit.url("sign_in", **{OWN: "1"}), "takes_address": False, "ways": {}}
    return more


def _wants_own(visit: Visit) -> bool:
    return bool(visit.request.GET.get(OWN) or visit.request.POST.get(OWN))


def bound_for(visit: Visit) -> TenantRef | None:
    """Return the tenant whose dashboard somebody at the bare origin is on the way to: its administrators may have
    no other door than its connections.
    """
    found = _DASHBOARD_OF.match(visit.interaction.next) if visit.tenant is None else None
    tenant = selectors.by_slug(found[1]) if found else None
    return tenant if tenant is not None and tenant.is_active else None


def _start_url(visit: Visit, tenant: TenantRef, connection_id: uuid.UUID) -> str:
    connection = ids.encode(Connection.PREFIX, connection_id)
    return bridge.address("sso_start", tenant, visit.interaction, connection=connection)


def routed(visit: Visit, address: Address) -> HttpResponse | None:
    """Send on whoever typed an address of an organization's domain; None for everybody else (AUT-13).

    Decided by the domain alone and before anything is looked up about the address (threat L2). From the bare origin
    the tenant's own page is on the way, which sends them on.
    """
    tenant = visit.tenant or bound_for(visit)
    if tenant is None or _wants_own(visit) or not doors.of(tenant.id):
        return None
    with scope.tenant(tenant.id):
        door = doors.for_domain(tenant.id, address.domain)
    if door is None:
        return None
    if visit.tenant is None:
        hinted = replace(visit.interaction, login_hint=address.mailbox[:254])
        return visit.redirect(bridge.address("sign_in", tenant, hinted))
    return _leave(visit, tenant, door.id, address.mailbox)


def straight_to(visit: Visit) -> HttpResponse | None:
    """Send on whoever need not be asked: an address was hinted, or an organization that takes nothing else."""
    tenant = visit.tenant
    is_begun = "interaction" in visit.request.GET and "select_account" not in visit.interaction.prompts
    if tenant is None or not is_begun or _wants_own(visit) or not doors.of(tenant.id):
        return None
    hint = _hinted(visit.interaction.login_hint)
    if hint is not None:
        return routed(visit, hint)
    own = doors.of_organization(tenant.id, visit.interaction.organization_id)
    enforced = next((door for door in own if door.enforced), None)
    return _leave(visit, tenant, enforced.id, "") if enforced else None


def _hinted(text: str) -> Address | None:
    try:
        return emails.parse(text) if text else None
    except emails.InvalidAddress:
        return None


def _leave(visit: Visit, tenant: TenantRef, connection_id: uuid.UUID, hint: str) -> HttpResponse:
    address = federated.begin(
        tenant=tenant,
        connection_id=connection_id,
        browser=visit.browser,
        interaction=visit.interaction,
        login_hint=hint,
    )
    return visit.redirect(address)


@require_safe
@hosted
def start(visit: Visit) -> HttpResponse:
    """Go to the provider of a button's connection."""
    tenant = _tenant(visit)
    try:
        connection_id = Connection.read_id(visit.request.GET.get("connection", "")[:60])
        return _leave(visit, tenant, connection_id, visit.interaction.login_hint)
    except ids.MalformedId:
        return _failed(visit, SsoFailed("disabled"))
    except SsoFailed as problem:
        return _failed(visit, problem)


@require_safe
@hosted
def callback(visit: Visit) -> HttpResponse:
    """Take a provider's answer. It works once, in the browser and for the connection that it was begun with."""
    tenant = _tenant(visit)
    answer = {name: value[:4000] for name, value in visit.request.GET.dict().items()}
    try:
        flow = federated.take(tenant=tenant, state=answer.get("state", ""), browser=visit.browser)
    except SsoFailed as problem:
        return _failed(visit, problem)
    visit = visit.within(flow)
    present = browser.current_session(visit.request)
    try:
        done = federated.complete(
            tenant=tenant, flow=flow, answer=answer, browser=visit.browser, present=present
        )
    except SsoFailed as problem:
        return _failed(visit, problem, name=federated.name_of(tenant, flow), tests=flow)
    if isinstance(done, Tested):
        return visit.redirect(f"{_page_of(tenant, done.connection)}?attempt={done.attempt}")
    if isinstance(done, ToLink):
        return visit.redirect(visit.flow_url("sso_link", done.flow_id))
    return _welcome(visit, done)


def _welcome(visit: Visit, done: Any) -> HttpResponse:
    response = visit.redirect(bridge.address("sign_in_continue", visit.tenant, done.interaction))
    browser.remember(visit.request, response, done.opened, persistent=False)
    return response


def _page_of(tenant: TenantRef, connection: str) -> str:
    """Return the dashboard's page of a connection, where its test was begun."""
    return f"/dashboard/{tenant.slug}/sso/{connection}"


def _failed(visit: Visit, problem: SsoFailed, *, name: str = "", tests: Any = None) -> HttpResponse:
    """Say that it did not work, with the request id and the ways that are left (AUT-20)."""
    if tests is not None and tests.data["tester"]:
        connection = ids.encode(Connection.PREFIX, uuid.UUID(tests.data["connection"]))
        return visit.redirect(_page_of(_tenant(visit), connection))
    own = visit.url("sign_in", **{OWN: "1"})
    page = visit.render("sso_failed", problem.status, problem=problem, connection_name=name, own_url=own)
    return with_headers(page, problem)


@require_http_methods(READ_WRITE)
@hosted
def link(visit: Visit) -> HttpResponse:
    """Let a person prove that an account here is theirs, and link it to their provider's (threat F1)."""
    tenant = _tenant(visit)
    asked = visit.request.POST if visit.request.method == "POST" else visit.request.GET
    flow_id = asked.get("flow", "")
    flow = federated.waiting_link(tenant, flow_id, visit.browser)
    session = browser.current_session(visit.request)
    if visit.request.method == "POST":
        try:
            done = federated.link(tenant=tenant, flow_id=flow_id, browser=visit.browser, session=session)
        except SsoFailed as problem:
            return _failed(visit.within(flow), problem, name=federated.name_of(tenant, flow))
        return _welcome(visit, done)
    back = {"next": own_address(visit.request), "prompt": "login"}
    return visit.within(flow).render(
        "sso_link",
        flow=flow_id,
        session=session,
        is_proved=federated.is_proof(flow, session),
        connection_name=federated.name_of(tenant, flow),
        email=flow.data["person"]["email"][0],
        prove_url=f"{reverse('sign_in')}?{urlencode(back)}",
    )


@require_safe
@hosted
def test(visit: Visit) -> HttpResponse:
    """Begin a test sign-in for the administrator whose page gave the ticket."""
    tenant = _tenant(visit)
    ticket = testing.read(tenant.slug, visit.request.GET.get("ticket", ""))
    session = browser.current_session(visit.request)
    if session is None or session.account_id != ticket.account_id:
        raise Gone
    address = federated.begin(
        tenant=tenant,
        connection_id=ticket.connection_id,
        browser=visit.browser,
        interaction=visit.interaction,
        tester=ticket.account_id,
    )
    return visit.redirect(address)


def _tenant(visit: Visit) -> TenantRef:
    if visit.tenant is None:
        raise UnknownTenant
    return visit.tenant
