"""Forms of the role and API resource pages. They ask; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.lookups import id_or_missing
from organizations import selectors as organizations
from organizations.models import Organization
from roles import guards, selectors
from roles.models import Role
from roles.permissions import DESCRIPTIONS, ORGANIZATION, Permission
from tenants.forms import FACTORS
from tenants.models import Member
from tenants.pagekit import Explained, Viewer


class RoleForm(Explained):
    """Offers the permissions that the author holds: nobody grants what they lack."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=64)
    description = forms.CharField(label=gettext_lazy("Description"), max_length=300, required=False)
    required_factor = forms.ChoiceField(
        label=gettext_lazy("How whoever has it proves themselves"),
        choices=FACTORS,
        help_text=gettext_lazy("The strictest of tenant, organization and roles counts, at the next token."),
    )
    permissions = forms.MultipleChoiceField(
        label=gettext_lazy("Permissions"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, viewer: Viewer, confined: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        on_offer = ORGANIZATION if confined else frozenset(Permission)
        words = [word for word in Permission if word in on_offer and viewer.may(word)]
        self.offer("permissions", [(word.value, word.value) for word in words])
        self.fields["permissions"].option_help = {word.value: DESCRIPTIONS[word] for word in words}  # type: ignore[attr-defined]


class AssignmentForm(Explained):
    """Give one member a role, in the tenant or in one of the member's organizations."""

    place = forms.ChoiceField(label=gettext_lazy("Where"), required=False)
    role = forms.ChoiceField(label=gettext_lazy("Role"))
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=gettext_lazy("UTC. Leave it empty for good."),
    )

    def __init__(self, *args: Any, viewer: Viewer, member: Member, **options: Any) -> None:
        super().__init__(*args, **options)
        mine = [(row.public_id, row.name) for row in organizations.organizations_of(member)]
        whole = [("", _("The whole tenant"))] if viewer.principal.organization_id is None else []
        rows = selectors.roles().select_related("organization").order_by("-is_built_in", "name")[:300]
        self.roles = {role.public_id: role for role in rows}
        self.offer("place", [*whole, *mine])
        self.offer("role", [(key, label(role)) for key, role in self.roles.items()])

    @property
    def chosen(self) -> Role:
        return self.roles[self.cleaned_data["role"]]

    @property
    def where(self) -> Organization | None:
        text = self.cleaned_data["place"]
        return organizations.organization(id_or_missing(Organization.PREFIX, text)) if text else None


def label(role: Role) -> str:
    return f"{role.name} ({role.organization.name})" if role.organization else role.name


def may_unassign(viewer: Viewer, role: Role, organization_id: Any) -> bool:
    """Whether a button to take the role makes sense; the service decides."""
    actor = viewer.principal
    if guards.is_owner_role(role) and not (actor.member_id and guards.owns(actor.member_id, organization_id)):
        return organization_id is not None and actor.organization_id is None
    return selectors.granted(role, organization_id) <= actor.permissions
