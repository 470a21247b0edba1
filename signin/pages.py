"""Signing in: who are you, and prove it by a password. Works without JavaScript."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from core.pages import READ_WRITE
from identity import browser, methods
from identity.sessions import SessionRef
from signin import attempts, bridge, challenge, devices, flows, mail_door, services, sso_pages
from signin import methods as doors
from signin.challenge import Answer, Challenge
from signin.entry import Halfway, SignedInPerson
from signin.errors import ChallengeRequired, TooManyAttempts, WrongCredentials
from signin.flows import flow_scope
from signin.forms import IdentifyForm, PasswordForm
from signin.hosted import Visit, explain, hosted, with_headers
from signin.models import Stage
from signin.onward_pages import is_good

CHOOSING = frozenset({"select_account", "create"})  # whoever is signed in is asked whether it is they
NOTICES = frozenset({"password_changed", "signed_out", "session_ended", "passkey_refused", "fresh"})


@require_http_methods(READ_WRITE)
@hosted
def sign_in(visit: Visit) -> HttpResponse:
    """Ask who the person is; someone already signed in goes on, unless asked to prove it again."""
    if visit.request.method == "POST":
        return _identify(visit)
    session = browser.current_session(visit.request)
    prompts = visit.interaction.prompts
    if session is not None and not prompts & CHOOSING and is_good(visit, session):
        return visit.redirect(visit.url("sign_in_continue"))
    if "create" in prompts and session is None:
        return visit.redirect(visit.url("sign_up"))
    hint = visit.interaction.login_hint or (session.email if session else "")
    straight = sso_pages.straight_to(visit)
    if straight is not None:
        return straight
    return _identify_page(visit, IdentifyForm(initial={"email": hint}), session)


def _identify_page(
    visit: Visit, form: IdentifyForm, session: SessionRef | None = None, status: int = 200
) -> HttpResponse:
    usable = session if session is not None and is_good(visit, session) else None
    notice = visit.request.GET.get("notice", "")
    return visit.render(
        "sign_in",
        status,
        form=form,
        **(ways_of(visit) | sso_pages.offered(visit)),
        known=usable,
        continue_url=visit.url("sign_in_continue"),
        takes_passkey=methods.PASSKEY in doors.allowed(visit.tenant, visit.interaction),
        passkey_url=visit.url("sign_in_passkey"),
        passkey_options_url=visit.url("sign_in_passkey_options"),
        notice=notice if notice in NOTICES else "",
    )


def ways_of(visit: Visit) -> dict[str, object]:
    """Return the ways in that the page offers here."""
    allowed = doors.allowed(visit.tenant, visit.interaction)
    pages = {
        methods.PHONE_CODE: "sign_in_phone",
        methods.WALLET: "sign_in_wallet",
        methods.GUEST: "sign_in_guest",
    }
    offered = {method: visit.url(page) for method, page in pages.items() if method in allowed}
    return {"takes_address": bool(allowed & doors.BY_ADDRESS), "ways": offered}


def _identify(visit: Visit) -> HttpResponse:
    form = IdentifyForm(visit.request.POST)
    if not form.is_valid():
        return _identify_page(visit, form, status=400)
    allowed = doors.allowed(visit.tenant, visit.interaction)
    try:
        routed = sso_pages.routed(visit, form.cleaned_data["email"])
        if routed is not None:
            return routed
        if methods.PASSWORD not in allowed:
            return _identify_by_mail(visit, form)
        flow = services.identify(
            tenant=visit.tenant,
            browser=visit.browser,
            address=form.cleaned_data["email"],
            interaction=visit.interaction,
        )
    except TooManyAttempts as problem:
        explain(form, problem)
        return with_headers(_identify_page(visit, form, status=429), problem)
    return visit.redirect(visit.flow_url("sign_in_password", flow.public_id))


def _identify_by_mail(visit: Visit, form: IdentifyForm) -> HttpResponse:
    """Where no password is taken, the mail goes out at once."""
    flow = mail_door.start(
        tenant=visit.tenant,
        browser=visit.browser,
        address=form.cleaned_data["email"],
        interaction=visit.interaction,
    )
    return visit.redirect(visit.flow_url("sign_in_mail", flow.public_id))


@require_http_methods(READ_WRITE)
@hosted
def password(visit: Visit) -> HttpResponse:
    """Ask for the password; the page is the same whether or not there is an account (L2)."""
    flow_id = visit.request.POST.get("flow") or visit.request.GET.get("flow", "")
    form = PasswordForm(visit.request.POST if visit.request.method == "POST" else None)
    if not form.is_valid():
        return _password_page(visit, flow_id, form, 400 if form.is_bound else 200)
    try:
        person = services.authenticate(
            tenant=visit.tenant,
            flow_id=flow_id,
            browser=visit.browser,
            password=form.cleaned_data["password"],
            remember=form.cleaned_data["remember"],
            present=browser.current_session(visit.request),
            answer=Answer.read(visit.request.POST),
        )
    except ChallengeRequired as problem:
        explain(form, problem)
        return _password_page(visit, flow_id, form, 400, problem.offered)
    except WrongCredentials as problem:
        explain(form, problem, "password")
        return _password_page(visit, flow_id, form, 400)
    except TooManyAttempts as problem:
        explain(form, problem)
        return with_headers(_password_page(visit, flow_id, form, 429), problem)
    return welcome(visit, person)


def _password_page(
    visit: Visit, flow_id: str, form: PasswordForm, status: int, offered: Challenge | None = None
) -> HttpResponse:
    with flow_scope(visit.tenant):
        flow = flows.resume(visit.tenant, flow_id, visit.browser, Stage.PASSWORD)
        doors.check_flow(visit.tenant, flow, methods.PASSWORD)
        allowed = doors.here(visit.tenant, doors.interaction_of(visit.tenant, flow))
    data = flow.data
    door = challenge.Door(challenge.SIGN_IN, visit.tenant, visit.browser, flow_id)
    offered = offered or challenge.shown(door, attempts.guesses_of(flows.address_of(flow), visit.browser))
    context = {"form": form, "flow": flow_id, "email": data["mailbox"], "interaction": data["interaction"]}
    context["mail_url"] = visit.flow_url("sign_in_mail", flow_id) if doors.BY_MAIL & allowed else ""
    return visit.within(flow).render("password", status, **context, challenge=offered)


def welcome(visit: Visit, person: SignedInPerson | Halfway) -> HttpResponse:
    """Give the browser its new session and send the person on; who is halfway goes on to the further proof."""
    if isinstance(person, Halfway):
        return visit.redirect(visit.flow_url(person.page, person.flow_id))
    response = visit.redirect(bridge.address("sign_in_continue", visit.tenant, person.interaction))
    browser.remember(visit.request, response, person.opened, persistent=person.remember)
    devices.recognise(response, visit.browser, person.address)
    return response
