"""GET and POST /oauth/device/verify (RFC 8628 §3.3): type the code, see who asks, decide."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from core import context, ids
from core.pages import READ_WRITE
from core.urls import tenant_path
from oauth import catalogue, decisions, device_approval
from oauth.bridge import bound
from oauth.decisions import Decision
from oauth.device_approval import Asking
from oauth.device_authorization import shown, typed
from oauth.http import tenant_of
from oauth.models import DeviceGrant
from tenants.face import face_of
from tenants.selectors import TenantRef

_ticket = signing.Signer(salt="oauth.device")


class CodeForm(forms.Form):
    user_code = forms.CharField(
        max_length=40,
        label=gettext_lazy("Code"),
        help_text=gettext_lazy(
            "Only go on if you started this yourself, on a device in front of you."
            " Nobody from support will ever ask you for it."
        ),
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "spellcheck": "false"}),
    )


@require_http_methods(READ_WRITE)
def verify(request: HttpRequest) -> HttpResponse:
    """Whoever comes signs in first. An address with the code in it only fills it in (§3.3.1, §5.4)."""
    tenant = tenant_of(request)
    given = request.POST if request.method == "POST" else request.GET
    code = typed(given.get("user_code", ""))
    signed = bound().signed_in(request, tenant)
    if signed is None:
        return _sign_in(request, tenant, code)
    if request.method != "POST":
        return _entry(request, tenant, signed, code)
    if "ticket" in request.POST:
        return _decide(request, tenant, signed)
    return _look_up(request, tenant, signed, given.get("user_code", ""))


def _sign_in(request: HttpRequest, tenant: TenantRef, code: str) -> HttpResponse:
    query = f"?{urlencode({'user_code': shown(code)})}" if code else ""
    back = f"{tenant_path(tenant.slug, 'oauth-device-verify')}{query}"
    answer: HttpResponse = bound().begin(request, tenant, next_url=back)
    return answer


def _entry(
    request: HttpRequest, tenant: TenantRef, signed: Any, code: str, error: str = "", status: int = 200
) -> HttpResponse:
    known = {"user_code": shown(code) if code else ""}
    form = CodeForm(known) if error else CodeForm(initial=known)
    if error:
        form.errors["user_code"] = form.error_class([error])
    return _page(request, tenant, signed, "oauth/device.html", status, form=form)


def _look_up(request: HttpRequest, tenant: TenantRef, signed: Any, text: str) -> HttpResponse:
    """Count the try before anything is compared (threat O11)."""
    wait = bound().count_device_guess(tenant, signed.member.id)
    if wait:
        error = _("Too many codes were tried. Wait %(seconds)s seconds.") % {"seconds": wait}
        response = _entry(request, tenant, signed, "", error, 429)
        response.headers["Retry-After"] = str(wait)
        return response
    asking = device_approval.claim(tenant, signed.member.id, text)
    if asking is None:
        error = _("No device waits with this code. Compare it again, or start anew on the device.")
        return _entry(request, tenant, signed, typed(text), error, 422)
    if not device_approval.may_use(tenant, signed, asking):
        error = _("%(name)s is given to some organizations or roles only, and you are not among them.")
        return _entry(request, tenant, signed, "", error % {"name": asking.client.name}, 403)
    return _confirm(request, tenant, signed, asking, shown(typed(text)))


def _confirm(request: HttpRequest, tenant: TenantRef, signed: Any, asking: Asking, code: str) -> HttpResponse:
    """Who asks, from where, what for; the person compares the code once more."""
    here = context.current().ip
    return _page(
        request,
        tenant,
        signed,
        "oauth/device_confirm.html",
        client=asking.client,
        code=code,
        ip=asking.ip,
        is_near=bool(here) and here == asking.ip,
        agent=asking.row.user_agent,
        since=asking.since,
        asked=[_asked(tenant, asking, word) for word in asking.scopes],
        device=asking.row.public_id,
        ticket=_ticket.sign(_ticket_text(signed, asking)),
    )


def _asked(tenant: TenantRef, asking: Asking, word: str) -> dict[str, Any]:
    fixed = asking.client.is_first_party or decisions.is_required(asking.client, word)
    return {"word": word, "sentence": catalogue.describe(tenant, word), "is_fixed": fixed}


def _ticket_text(signed: Any, asking: Asking) -> str:
    """What the person saw: theirs, this device, these scopes, nothing else."""
    return " ".join([str(signed.session.id), asking.row.public_id, asking.client.client_id, *asking.scopes])


def _decide(request: HttpRequest, tenant: TenantRef, signed: Any) -> HttpResponse:
    asking = _claimed(request, tenant, signed)
    if asking is not None and not device_approval.may_use(tenant, signed, asking):
        asking = None
    decision = _decision(request, signed, asking) if asking else decisions.REFUSED
    if asking is None or not device_approval.decide(tenant, signed, asking, decision):
        error = _("This request has run out or changed. Type the code that the device shows now.")
        return _entry(request, tenant, signed, "", error, 422)
    more: dict[str, Any] = {"client": asking.client, "allowed": decision.is_given}
    return _page(request, tenant, signed, "oauth/device_done.html", **more)


def _decision(request: HttpRequest, signed: Any, asking: Asking) -> Decision:
    if request.POST.get("decision") != "allow":
        return decisions.REFUSED
    own = asking.client.is_first_party
    return decisions.decide(
        asking.client,
        asking.scopes,
        (),
        dropped=[] if own else request.POST.getlist("drop"),
        life="" if own else request.POST.get("life", ""),
        session_id=signed.session.id,
    )


def _claimed(request: HttpRequest, tenant: TenantRef, signed: Any) -> Asking | None:
    """Return the device of the form if the ticket shows that this person saw exactly this."""
    row_id = _device_id(request.POST.get("device", ""))
    asking = device_approval.find(tenant, signed.member.id, row_id) if row_id else None
    try:
        seen = _ticket.unsign(request.POST.get("ticket", ""))
    except signing.BadSignature:
        return None
    return asking if asking is not None and seen == _ticket_text(signed, asking) else None


def _device_id(text: str) -> uuid.UUID | None:
    try:
        return ids.decode(DeviceGrant.PREFIX, text)
    except ids.MalformedId:
        return None


def _page(
    request: HttpRequest, tenant: TenantRef, signed: Any, template: str, status: int = 200, **more: Any
) -> HttpResponse:
    face = face_of(tenant.id, signed.organization_id)
    action = tenant_path(tenant.slug, "oauth-device-verify")
    shared = {"tenant": face, "branding": face.branding, "member": signed.member, "action": action}
    return render(request, template, shared | more, status=status)
