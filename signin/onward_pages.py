"""After the proof: join the tenant, choose an organization, go on; and sign out again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from core import scope
from identity import assurance, authenticators, browser, methods
from identity.sessions import SessionRef
from organizations.models import Organization
from signin import admission, bridge, joining, second_factor
from signin.errors import SignUpClosed
from signin.forms import OrganizationForm
from signin.hosted import Visit, hosted
from signin.interaction import HOME
from tenants import terms
from tenants.models import Member

READ_WRITE = ["GET", "HEAD", "POST"]


@require_http_methods(READ_WRITE)
@hosted
def go_on(visit: Visit) -> HttpResponse:
    """Bring a signed-in person into this tenant: joined, in an organization, back where they came from."""
    session = browser.current_session(visit.request)
    if session is None:
        return visit.redirect(visit.url("sign_in"))
    if visit.tenant is None:
        return _leave_for_account(visit, session)
    here = _standing(visit, session)
    if here is None:
        return visit.redirect(visit.url("sign_in"))
    if here.member is None and visit.request.method == "POST":
        joining.join(visit.tenant, session)
        here = admission.standing(visit.tenant, session, visit.interaction)
    if here.member is None:
        return _join_page(visit, session)
    if not here.member.is_active:
        return visit.redirect(visit.url("suspended"))
    if joining.join_organization(visit.tenant, session, here.member):
        here = admission.standing(visit.tenant, session, visit.interaction)
    chosen = _organization(visit, here)
    if chosen is UNDECIDED:
        return visit.redirect(visit.url("organization"))
    if not admission.accepts_method(visit.tenant, session, chosen):
        return _prove_for(visit, chosen)
    return _enter(visit, session, here, chosen)


def _leave_for_account(visit: Visit, session: SessionRef) -> HttpResponse:
    """Send a person who came to the bare origin on their way."""
    if not is_good(visit, session):
        return visit.redirect(visit.url("sign_in"))
    level = admission.lacks_asked(session, visit.interaction)
    return raise_level(visit, session, level) if level else visit.redirect(visit.interaction.next)


UNDECIDED = uuid.UUID(int=0)


def _organization(visit: Visit, here: admission.Standing) -> uuid.UUID | None:
    """The one that the sign-in is for or was asked for, else the present or the only one; several need a choice."""
    if here.bound_to is not None:
        return here.bound_to
    mine = [organization.id for organization in here.organizations]
    if visit.interaction.organization_id in mine:
        return visit.interaction.organization_id
    if here.session is not None:
        return here.session.organization_id
    if len(mine) > 1:
        return UNDECIDED
    return mine[0] if mine else None


def _join_page(visit: Visit, session: SessionRef) -> HttpResponse:
    assert visit.tenant is not None
    if not joining.may_join(visit.tenant, session):
        raise SignUpClosed
    another = replace(visit.interaction, prompt="select_account")
    return visit.render("join", session=session, another_url=bridge.address("sign_in", visit.tenant, another))


def _enter(
    visit: Visit, session: SessionRef, here: admission.Standing, organization_id: uuid.UUID | None
) -> HttpResponse:
    assert visit.tenant is not None
    assert here.member is not None
    level = _missing(visit, session, here.member, organization_id)
    if level:
        return raise_level(visit, session, level, organization_id)
    with scope.tenant(visit.tenant.id):
        if terms.owed(here.member):
            return visit.for_organization(organization_id).to("terms")
    # A proof given during this visit is a sign-in; an older one is single sign-on.
    fresh = session.auth_time.timestamp() >= visit.interaction.asked_at
    method = methods.name_of(session.amr) if fresh else "single_sign_on"
    admission.enter(visit.tenant, session, here.member, organization_id, method=method)
    if not session.is_own and visit.interaction.next.startswith(
        HOME
    ):  # pages that are shut to it (threat F7)
        sign_out_url = bridge.address("sign_out", visit.tenant)
        return visit.render("sso_done", sign_out_url=sign_out_url, member=here.member)
    return visit.redirect(visit.interaction.next)


def _missing(visit: Visit, session: SessionRef, member: Member, organization_id: uuid.UUID | None) -> str:
    """Return the level that policies or the application ask for and the sign-in lacks, empty for none."""
    assert visit.tenant is not None
    with scope.tenant(visit.tenant.id):
        policy = admission.lacks(session, member, organization_id)
    return assurance.strictest([policy, admission.lacks_asked(session, visit.interaction)])


def raise_level(
    visit: Visit, session: SessionRef, level: str, organization_id: uuid.UUID | None = None
) -> HttpResponse:
    """Ask for what the sign-in lacks (AUT-16), or for an authenticator where the person has none that will do."""
    visit = visit.for_organization(organization_id)
    with scope.account(session.account_id):
        best = authenticators.held(session.account_id, session.connection_id).best
    if not assurance.satisfies(best, level):
        return visit.redirect(visit.url("enrol", level=level))
    flow = second_factor.begin(
        tenant=visit.tenant,
        browser=visit.browser,
        session=session,
        interaction=visit.interaction,
        level=level,
    )
    return visit.redirect(visit.flow_url("second_factor", flow.public_id))


def is_good(visit: Visit, session: SessionRef) -> bool:
    """Whether the present sign-in does here, or the person has to prove themselves again."""
    if visit.tenant is not None:
        return _standing(visit, session) is not None
    return session.is_own and not admission.must_prove_here(session, visit.interaction)


def _standing(visit: Visit, session: SessionRef) -> admission.Standing | None:
    """Return the person's standing in this tenant, None where they have to prove themselves again."""
    assert visit.tenant is not None
    if not session.is_good_in(visit.tenant.id):
        return None
    found = admission.standing(visit.tenant, session, visit.interaction)
    return None if found.must_prove else found


@require_http_methods(READ_WRITE)
@hosted
def accept_terms(visit: Visit) -> HttpResponse:
    """Let a member accept the tenant's terms, behind all that they have to prove; or sign out again."""
    session = browser.current_session(visit.request)
    here = _standing(visit, session) if visit.tenant is not None and session is not None else None
    if visit.tenant is None or session is None or here is None or here.member is None:
        return visit.to("sign_in_continue")
    if not here.member.is_active or _missing(visit, session, here.member, visit.interaction.organization_id):
        return visit.to("sign_in_continue")
    with scope.tenant(visit.tenant.id):
        if visit.request.method == "POST":
            terms.accept(member=here.member, version=visit.request.POST.get("version", ""))
        version = terms.owed(here.member)
    if not version:
        return visit.to("sign_in_continue")
    return visit.render("terms", version=version, sign_out_url=bridge.address("sign_out", visit.tenant))


@require_http_methods(READ_WRITE)
@hosted
def organization(visit: Visit) -> HttpResponse:
    """Let a member of several organizations choose the one to work in."""
    session = browser.current_session(visit.request)
    here = _standing(visit, session) if visit.tenant is not None and session is not None else None
    if session is None or here is None:
        return visit.redirect(visit.url("sign_in"))
    if here.member is None or not here.member.is_active:
        return visit.redirect(visit.url("sign_in_continue"))
    form = OrganizationForm(visit.request.POST)
    if visit.request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data["organization"]
        chosen = _named(here.organizations, wanted)
        if chosen is not None or not wanted:
            return _switch(visit, session, here, chosen)
    return visit.render("organization", organizations=here.organizations)


def _switch(
    visit: Visit, session: SessionRef, here: admission.Standing, chosen: Organization | None
) -> HttpResponse:
    """Enter the organization, after a new sign-in where it does not accept the present one (SES-09)."""
    chosen_id = chosen.id if chosen else None
    if not admission.accepts(visit.tenant, session, here.session, chosen_id):
        return _prove_for(visit, chosen_id)
    return _enter(visit, session, here, chosen_id)


def _prove_for(visit: Visit, organization_id: uuid.UUID | None) -> HttpResponse:
    """Ask for a new sign-in, by a method and as recent as the organization wants it."""
    prove = replace(
        visit.interaction, prompt="login", organization=str(organization_id or ""), asked_at=time.time()
    )
    return visit.redirect(bridge.address("sign_in", visit.tenant, prove))


def _named(organizations: Sequence[Organization], public_id: str) -> Organization | None:
    return next((one for one in organizations if one.public_id == public_id), None)


@require_http_methods(["POST"])
@hosted
def sign_out(visit: Visit) -> HttpResponse:
    response = visit.redirect(bridge.address("signed_out", visit.tenant))
    bridge.sign_out(visit.request, response, everywhere=bool(visit.request.POST.get("everywhere")))
    return response


@require_safe
@hosted
def signed_out(visit: Visit) -> HttpResponse:
    known = browser.current_session(visit.request)
    return visit.render("signed_out", known=known, sign_out_url=bridge.address("sign_out", visit.tenant))


@require_safe
@hosted
def suspended(visit: Visit) -> HttpResponse:
    """Say to a suspended member why nothing happens; to anybody else there is nothing to say."""
    session = browser.current_session(visit.request)
    if visit.tenant is None or session is None:
        return visit.redirect(visit.url("sign_in"))
    here = admission.standing(visit.tenant, session, visit.interaction)
    if here.member is None or here.member.is_active:
        return visit.redirect(visit.url("sign_in_continue"))
    return visit.render("suspended", status=403)
