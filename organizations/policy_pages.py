"""How people sign in to one organization: what it asks beside its tenant, what results, and why (ORG-16)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from identity import assurance
from organizations import policy, services
from organizations.models import Organization
from organizations.pages import READ, WRITE, read, surroundings
from tenants import selectors
from tenants.forms import FACTORS, METHODS
from tenants.pagekit import Explained, Viewer, posted, see_other, show
from tenants.policy import TenantPolicy

MINUTE = 60


class OwnPolicyForm(Explained):
    """Asks for what the tenant leaves to the organization. A change is high-risk, so it needs a reason."""

    member_factor = forms.ChoiceField(
        label=gettext_lazy("How its members prove themselves"),
        choices=[("any", gettext_lazy("As the tenant demands")), *FACTORS[1:]],
    )
    sign_in_methods = forms.MultipleChoiceField(
        label=gettext_lazy("Ways to sign in"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Only those that the tenant allows. With all of them it follows the tenant."),
        error_messages={"required": gettext_lazy("Tick at least one.")},
    )
    session_idle = forms.IntegerField(
        label=gettext_lazy("Idle limit of a session, in minutes"), min_value=1, required=False
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, help_text=gettext_lazy("Kept in the audit log.")
    )

    def __init__(self, data: Any = None, *, tenant: TenantPolicy, own: dict[str, Any]) -> None:
        self.allowed = list(tenant.sign_in_methods)
        idle = own.get("session_idle")
        given = {
            "member_factor": own.get("member_factor", "any"),
            "sign_in_methods": [name for name in self.allowed if name in tenant.methods_for(own)],
            "session_idle": max(1, idle // MINUTE) if idle else None,
        }
        super().__init__(data, initial=given)
        self.offer("sign_in_methods", [(name, METHODS[name]) for name in self.allowed])
        said = {"most": tenant.session_idle_cap // MINUTE, "usual": tenant.session_idle // MINUTE}
        self.fields["session_idle"].help_text = (
            _("At most %(most)d. Left empty it is the tenant's, %(usual)d.") % said
        )

    @property
    def changes(self) -> dict[str, Any]:
        """Return what was changed, None for what is left to the tenant."""
        chosen = {name: self.cleaned_data[name] for name in self.changed_data if name != "reason"}
        if chosen.get("member_factor") == "any":
            chosen["member_factor"] = None
        if "sign_in_methods" in chosen and set(chosen["sign_in_methods"]) == set(self.allowed):
            chosen["sign_in_methods"] = None
        if chosen.get("session_idle"):
            chosen["session_idle"] *= MINUTE
        return chosen


def organization_sign_in(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    """Show what is asked, what results and why; POST changes what is asked."""
    organization, tenant = read(organization_id), selectors.policy()
    form = OwnPolicyForm(posted(request), tenant=tenant, own=organization.policy)
    if form.is_valid():
        changes = {"policy": form.changes}
        saved = form.carry_out(
            lambda: services.update_organization(
                actor=viewer.principal, organization=organization, changes=changes
            )
        )
        if saved is not None:
            messages.success(request, _("In force from now on."))
            return see_other(viewer.url("organizations", organization.public_id, "sign-in"))
    return show(
        request,
        "organizations/sign_in.html",
        form,
        form=form,
        may_change=viewer.may(WRITE),
        results=results(tenant, organization),
        **surroundings(viewer, organization, "sign-in"),
    )


def results(tenant: TenantPolicy, organization: Organization) -> list[dict[str, str]]:
    """Say in words what counts for its people and who made it so."""
    now = policy.in_force(tenant, organization.policy)
    names = [str(METHODS[name]) for name in METHODS if name in now.methods]
    minutes = max(1, now.session_idle // MINUTE)
    return [
        {
            "label": _("Proof"),
            "value": level_label(now.level),
            "why": _("The organization asks for more than the tenant.")
            if now.level_is_own
            else _("The tenant's demand; the organization asks for no more."),
        },
        {
            "label": _("Ways to sign in"),
            "value": ", ".join(names) or _("None: nobody can sign in to it."),
            "why": _("Those that the tenant and the organization both allow.")
            if now.methods_are_own
            else _("All that the tenant allows."),
        },
        {
            "label": _("Idle limit"),
            "value": ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes},
            "why": idle_reason(now),
        },
    ]


def level_label(level: str) -> str:
    words = {acr: word for word, acr in assurance.DEMANDS.items()}
    return str(dict(FACTORS)[words[level]])


def idle_reason(now: policy.InForce) -> str:
    if now.idle_is_capped:
        return _("The organization asks for longer, the tenant's cap counts.")
    return _("The organization's own, within the tenant's cap.") if now.idle_is_own else _("The tenant's.")


ROUTES = [("organizations/<str:organization_id>/sign-in", organization_sign_in, READ)]
