"""Approvals: what waits for the person's decision, what they decided lately, and typing a device's code (POR-07).

Each kind of approval is one function `(tenant, member) -> rows` in KINDS, called in the tenant's scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from core import scope
from core.errors import NotFound
from core.lookups import id_or_missing
from core.principal import Actor
from core.urls import tenant_path
from identity.agents import describe_agent
from oauth import device_sign_ins
from oauth.models import DeviceGrant
from portal.frame import Own, own_page, places
from tenants.models import Member, Tenant

Place = tuple[Tenant, Member]
WORDS = {
    "pending": gettext_lazy("Waits for you"),
    "allowed": gettext_lazy("Allowed"),
    "ended": gettext_lazy("Ended"),
    "refused": gettext_lazy("Refused"),
}


class DeviceForm(forms.Form):
    """A device's code, and the service whose name the device shows."""

    service = forms.ChoiceField(label=gettext_lazy("Service"))
    user_code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        help_text=gettext_lazy("The device shows it, with the name of the service."),
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "spellcheck": "false"}),
    )

    def __init__(self, data: Any, mine: list[Place]) -> None:
        super().__init__(data)
        field: Any = self.fields["service"]
        field.choices = [(tenant.slug, tenant.name) for tenant, _member in mine]


def _devices(tenant: Tenant, member: Member) -> Iterable[dict[str, Any]]:
    for one in device_sign_ins.of_member(member.id):
        yield {
            "row": one,
            "tenant": tenant,
            "name": one.application,
            "device": describe_agent(one.user_agent) if one.user_agent else "",
            "at": one.decided_at,
            "state": one.state,
            "label": WORDS[one.state],
            "tone": {"pending": "warn", "allowed": "ok"}.get(one.state, ""),
        }


KINDS: tuple[Callable[[Tenant, Member], Iterable[dict[str, Any]]], ...] = (_devices,)


@require_safe
@own_page
def approval_list(own: Own) -> HttpResponse:
    """Show the approvals; with a code in the query, go on to the service's own page for it."""
    mine = [place for place in places(own) if place[1].is_active]
    form = DeviceForm(own.request.GET if "user_code" in own.request.GET else None, mine)
    if form.is_bound and form.is_valid():
        return _to_service(form)
    rows = sorted((row for place in mine for row in _of(*place)), key=lambda row: row["at"], reverse=True)
    return own.render("approvals", 400 if form.errors else 200, rows=rows, form=form if mine else None)


def _of(tenant: Tenant, member: Member) -> list[dict[str, Any]]:
    with scope.tenant(tenant.id):
        return [row for kind in KINDS for row in kind(tenant, member)]


def _to_service(form: DeviceForm) -> HttpResponse:
    """The service's page compares, counts tries, shows who asks and takes the decision."""
    query = urlencode({"user_code": form.cleaned_data["user_code"]})
    address = f"{tenant_path(form.cleaned_data['service'], 'oauth-device-verify')}?{query}"
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


@require_POST
@own_page
def end_device(own: Own, tenant_id: str, device_id: str) -> HttpResponse:
    """End what a device may do. It only protects, so it asks for no fresh sign-in."""
    tenant_uuid = id_or_missing(Tenant.PREFIX, tenant_id)
    device_uuid = id_or_missing(DeviceGrant.PREFIX, device_id)
    member = next((member for tenant, member in places(own) if tenant.id == tenant_uuid), None)
    if member is None:
        raise NotFound
    with scope.tenant(tenant_uuid):
        actor = Actor("user", member.subject)
        device_sign_ins.end(actor=actor, member_id=member.id, device_id=device_uuid)
    messages.success(own.request, _("Ended. The device has lost its access."))
    return own.go("portal_approvals")
