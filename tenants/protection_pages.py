"""The dashboard's page of what a sign-in that looks wrong leads to (ANC-23)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from identity import places
from tenants import services
from tenants.pagekit import Explained, Viewer, posted, see_other, show
from tenants.policy import TenantPolicy
from tenants.settings_pages import settings_tabs

ACTIONS = [
    ("off", gettext_lazy("Nothing")),
    ("notify", gettext_lazy("Let in, and tell the person by mail")),
    ("step_up", gettext_lazy("Ask for a further proof")),
    ("block", gettext_lazy("Refuse, and tell the person by mail")),
]
TIMES = [
    ("off", gettext_lazy("Never")),
    ("after_failures", gettext_lazy("After failures")),
    ("always", gettext_lazy("Always")),
]


class ProtectionForm(Explained):
    """What is done about each signal. A change of it is high-risk, so it needs a reason."""

    risk_new_device = forms.ChoiceField(
        label=gettext_lazy("A device that the person never used before"),
        choices=ACTIONS,
        help_text=gettext_lazy("The first device of an account is not new."),
    )
    risk_impossible_travel = forms.ChoiceField(
        label=gettext_lazy("A place that nobody could have reached since the last sign-in"),
        choices=ACTIONS,
        help_text=gettext_lazy("More than 100 km away, and faster than 900 km an hour."),
    )
    risk_password_breached = forms.ChoiceField(
        label=gettext_lazy("A password that is known from leaks"),
        choices=ACTIONS,
        help_text=gettext_lazy("Refused, the person has to choose a new one by mail first."),
    )
    risk_disposable_mail = forms.ChoiceField(
        label=gettext_lazy("A throw-away address, when somebody signs up"),
        choices=[
            ("off", gettext_lazy("Nothing")),
            ("notify", gettext_lazy("Let in, and record it")),
            ("step_up", gettext_lazy("Ask the browser for work")),
            ("block", gettext_lazy("Refuse it")),
        ],
        help_text=gettext_lazy(
            "Refused, it is taken neither from the invited nor as a further address of members."
        ),
    )
    challenge_sign_in = forms.ChoiceField(label=gettext_lazy("Before a password is compared"), choices=TIMES)
    challenge_sign_up = forms.ChoiceField(label=gettext_lazy("Before a sign-up is taken"), choices=TIMES)
    challenge_recovery = forms.ChoiceField(
        label=gettext_lazy("Before a recovery mail is sent"), choices=TIMES
    )
    challenge_after = forms.IntegerField(
        label=gettext_lazy("Failures before a form asks"),
        min_value=1,
        max_value=20,
        help_text=gettext_lazy("Of one account. Of one network it takes five times as many."),
    )
    challenge_bits = forms.IntegerField(
        label=gettext_lazy("How much work"),
        min_value=8,
        max_value=22,
        help_text=gettext_lazy(
            "One more doubles it. 16 takes a phone about a tenth of a second, 20 about two."
        ),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, help_text=gettext_lazy("Kept in the audit log.")
    )

    @classmethod
    def initial_of(cls, policy: TenantPolicy) -> dict[str, Any]:
        return {name: getattr(policy, name) for name in cls.base_fields if name != "reason"}

    @property
    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "reason"}


def protection(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show and change how sign-in is protected; a change names its reason."""
    tenant = viewer.tenant
    initial = ProtectionForm.initial_of(TenantPolicy.read(tenant.policy))
    form = ProtectionForm(posted(request), initial=initial)
    if form.is_valid():
        changes = form.changes
        saved = form.carry_out(
            lambda: services.update_policy(actor=viewer.principal, tenant=tenant, changes=changes)
        )
        if saved is not None:
            messages.success(request, _("The policy is in force."))
            return see_other(viewer.url("settings", "protection"))
    return show(
        request,
        "tenants/protection.html",
        form,
        form=form,
        may_change=viewer.may("policies:write"),
        knows_places=places.is_available(),
        tab_items=settings_tabs(viewer, "protection"),
        trace_url=viewer.url("sign-ins") if viewer.may("audit:read") else "",
    )


ROUTES = [("settings/protection", protection, "policies:read")]
